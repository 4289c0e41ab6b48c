"""The books find a message that was dropped, doubled, reordered, never published, or never acknowledged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bus.message import MessagePriority
from bus.routing.patterns import compile_pattern
from ops.demo.accounts import Accounts, Got, as_json

HIGH, LOW = MessagePriority.HIGH, MessagePriority.LOW
TOPIC = "quotes.BINANCE"


def books() -> Accounts:
    return Accounts({"all": compile_pattern("**"), "quotes": compile_pattern("quotes.*")})


def publish(accounts: Accounts, count: int, topic: str = TOPIC, key: str = "BTC", tier: MessagePriority = HIGH) -> None:
    for _ in range(count):
        accounts.publish(topic, key, tier)
        accounts.acknowledge(tier)


def receive(accounts: Accounts, numbers: list[int], consumer: str, topic: str = TOPIC, key: str = "BTC") -> None:
    for number in numbers:
        accounts.receive(consumer, topic, key, number, HIGH)


def row(accounts: Accounts, consumer: str) -> Got:
    return next(got for got in accounts.balance().got if got.consumer == consumer)


def test_everything_came_to_everybody() -> None:
    accounts = books()
    publish(accounts, 5)
    publish(accounts, 2, topic="logs.gateway", tier=LOW)
    assert accounts.outstanding == 12  # five for each of both, two for one of them
    for consumer in ("all", "quotes"):
        receive(accounts, [1, 2, 3, 4, 5], consumer)
    for number in (1, 2):
        accounts.receive("all", "logs.gateway", "BTC", number, LOW)
    balance = accounts.balance()
    assert balance.balanced
    assert balance.faults == ()
    assert accounts.outstanding == 0
    assert [(got.consumer, got.tier, got.expected, got.received) for got in balance.got] == [
        ("all", HIGH, 5, 5),
        ("all", LOW, 2, 2),
        ("quotes", HIGH, 5, 5),
    ]


def test_keys_of_one_topic_are_counted_apart() -> None:
    accounts = Accounts({"all": compile_pattern("**")})
    for key in ("BTC", "ETH", "BTC"):
        assert accounts.next_number(TOPIC, key) == (2 if key == "BTC" and accounts.published[HIGH] == 2 else 1)
        publish(accounts, 1, key=key)
    receive(accounts, [1], "all", key="ETH")
    receive(accounts, [1, 2], "all", key="BTC")
    assert accounts.balance().balanced


def test_an_empty_run_balances() -> None:
    assert books().balance().balanced


@pytest.mark.parametrize(
    ("numbers", "faults"),
    [
        ([1, 2, 4, 5], {"missing": 1}),
        ([2, 3, 4, 5], {"missing": 1}),
        ([1, 2, 3, 4], {"missing": 1}),
        ([], {"missing": 5}),
        ([1, 2, 3, 3, 4, 5], {"doubled": 1}),
        ([1, 2, 3, 4, 5, 1, 5], {"doubled": 2}),
        ([1, 3, 2, 4, 5], {"out_of_order": 1}),
        ([5, 1, 2, 3, 4], {"out_of_order": 4}),
        ([1, 2, 4, 3, 3, 5], {"out_of_order": 1, "doubled": 1}),
        ([1, 2, 3, 4, 5, 6], {"unexpected": 1}),
        ([1, 2, 3, 4, 5, 9], {"unexpected": 1}),
        ([1, 2, 9], {"missing": 3, "unexpected": 1}),
    ],
)
def test_what_went_wrong_is_counted(numbers: list[int], faults: dict[str, int]) -> None:
    accounts = books()
    publish(accounts, 5)
    receive(accounts, [1, 2, 3, 4, 5], "quotes")
    receive(accounts, numbers, "all")
    got = row(accounts, "all")
    names = ("missing", "doubled", "out_of_order", "unexpected")
    assert {name: getattr(got, name) for name in names} == dict.fromkeys(names, 0) | faults
    assert not got.balanced
    balance = accounts.balance()
    assert not balance.balanced
    assert len(balance.faults) == 1
    assert balance.faults[0].startswith("all, high: ")
    assert TOPIC in balance.faults[0]


def test_a_message_that_is_made_up_for_by_another_is_still_missing() -> None:
    """One lost and one doubled: the sums agree, the books do not."""
    accounts = Accounts({"all": compile_pattern("**")})
    publish(accounts, 3)
    receive(accounts, [1, 3, 3], "all")
    got = row(accounts, "all")
    assert (got.missing, got.doubled, got.received) == (1, 1, 2)
    assert accounts.outstanding == 1


def test_a_message_of_a_topic_that_the_consumer_did_not_ask_for() -> None:
    accounts = books()
    publish(accounts, 1, topic="logs.gateway", tier=LOW)
    accounts.receive("all", "logs.gateway", "BTC", 1, LOW)
    accounts.receive("quotes", "logs.gateway", "BTC", 1, LOW)
    assert accounts.balance().faults == ("quotes, low: 1 unexpected of 0 (logs.gateway)",)


def unacknowledged(accounts: Accounts) -> None:
    accounts.publish(TOPIC, "BTC", HIGH)


def failed(accounts: Accounts) -> None:
    accounts.publish(TOPIC, "BTC", HIGH)
    accounts.fail(HIGH)


def acknowledged_twice(accounts: Accounts) -> None:
    publish(accounts, 1)
    accounts.acknowledge(HIGH)


@pytest.mark.parametrize("happened", [unacknowledged, failed, acknowledged_twice])
def test_publishing_must_balance_on_its_own(happened: Callable[[Accounts], None]) -> None:
    accounts = books()
    happened(accounts)
    for consumer in ("all", "quotes"):
        receive(accounts, [1], consumer)
    balance = accounts.balance()
    assert not balance.balanced
    assert len(balance.faults) == 1
    assert balance.faults[0].startswith("high: 1 published")


def test_many_faulty_topics_are_named_in_part() -> None:
    accounts = Accounts({"all": compile_pattern("**")})
    for number in range(9):
        publish(accounts, 1, topic=f"quotes.v{number}")
    (fault,) = accounts.balance().faults
    assert "9 missing of 9" in fault
    assert fault.endswith("quotes.v4 and more)")


def test_the_report_has_every_row() -> None:
    accounts = books()
    publish(accounts, 2)
    receive(accounts, [1, 2], "all")
    document = as_json(accounts.balance())
    assert document["balanced"] is False
    assert document["tiers"]["high"] == {"published": 2, "acknowledged": 2, "failed": 0}
    assert [(r["consumer"], r["missing"]) for r in document["consumers"]] == [("all", 0), ("quotes", 2)]
