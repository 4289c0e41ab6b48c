"""The bus as its users see it, on both engines: publishing, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus import (
    EncodeError,
    MessageBus,
    MessagePriority,
    MessageTooLargeError,
    PriorityError,
    TopicError,
    UndeclaredTopicError,
)
from tests.contract.conftest import MakeBus
from tests.contract.harness import bounded, pulled

CRITICAL, HIGH, NORMAL, LOW = MessagePriority

# What comes back


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff raw",
        b"",
        "text, and текст",
        "",
        {"id": 7, "price": 1.5, "tags": ["a", None, True], "deep": {"er": {}}},
        {},
        [1, "two", None, [3.0]],
        [],
        7,
        -(2**70),
        0,
        1.25,
        True,
        False,
        None,
    ],
    ids=repr,
)
async def test_data_comes_back_equal_and_of_the_same_type(bus: MessageBus, data: Any) -> None:
    subscription = await bus.subscribe("shop.kinds.one")
    await bus.publish("shop.kinds.one", data)
    (message,) = await pulled(subscription, 1)
    assert message.data == data
    assert type(message.data) is type(data)


async def test_buffers_come_back_as_bytes(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.kinds.one")
    given = bytearray(b"abc")
    await bus.publish("shop.kinds.one", given)
    given[0] = 0  # the bus has its own copy
    await bus.publish("shop.kinds.one", memoryview(b"xyz")[1:])
    assert [message.data for message in await pulled(subscription, 2)] == [b"abc", b"yz"]


async def test_a_message_has_what_it_was_published_with(bus: MessageBus) -> None:
    subscription = await bus.subscribe("trading.orders.*.new")
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    headers = {"trace": "1", "name": "имя", "empty": ""}
    receipt = await bus.publish(
        "trading.orders.BINANCE.new", {"id": 7}, priority=HIGH, key="BTCUSDT", headers=headers, confirm=True
    )
    delivered = await bounded(receipt.wait())
    (message,) = await pulled(subscription, 1)
    assert (message.topic, message.data, message.priority) == ("trading.orders.BINANCE.new", {"id": 7}, HIGH)
    assert (message.key, message.headers) == ("BTCUSDT", headers)
    assert before <= message.timestamp <= datetime.now(UTC)
    assert message.timestamp.tzinfo is UTC
    assert message.id == delivered.id
    assert (message.kafka_topic, message.partition, message.offset) == delivered
    assert message.attempt == 1
    assert "trading.orders.BINANCE.new" in repr(message)


async def test_the_key_is_the_topic_when_none_is_given(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.**")
    for key in (None, "given", b"bytes"):
        await bus.publish("shop.carts.new", 1, key=key)
    await bus.publish_many("shop.carts.new", [2], key=lambda n: f"key-{n}")
    assert {message.key for message in await pulled(subscription, 4)} == {"shop.carts.new", "given", "bytes", "key-2"}


@pytest.mark.parametrize(
    ("topic", "priority", "tier"),
    [
        ("trading.orders.x", None, CRITICAL),
        ("market-data.ticks", None, HIGH),
        ("shop.carts.new", None, NORMAL),
        ("logs.app.x", None, LOW),
        ("trading.orders.x", LOW, LOW),
        ("logs.app.x", "critical", CRITICAL),
    ],
)
async def test_the_route_gives_the_priority_unless_one_is_named(
    bus: MessageBus, topic: str, priority: MessagePriority | str | None, tier: MessagePriority
) -> None:
    subscription = await bus.subscribe(topic)
    delivered = await (await bus.publish(topic, "x", priority=priority)).wait()
    (message,) = await pulled(subscription, 1)
    assert message.priority is tier
    assert delivered.kafka_topic.endswith(f".{tier.tier}")


# Receipts


async def test_receipts_say_where_messages_landed(bus: MessageBus) -> None:
    receipts = [await bus.publish("shop.carts.new", n, key="same") for n in range(5)]
    landed = [await bounded(receipt.wait()) for receipt in receipts]
    assert [place.offset for place in landed] == list(range(5))
    assert len({(place.kafka_topic, place.partition) for place in landed}) == 1
    assert landed[0].kafka_topic == f"{bus.settings.namespace}.shop.carts.normal"
    assert [await bounded(receipt.wait()) for receipt in receipts] == landed


async def test_confirm_returns_when_it_is_acknowledged(make_bus: MakeBus) -> None:
    bus = await make_bus(tiers={"normal": {"linger_ms": 60_000}})
    receipt = await bounded(bus.publish("shop.carts.new", 1, confirm=True))
    assert receipt.done


async def test_publish_many_counts_what_was_delivered(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.carts.new")
    receipts = await bus.publish_many("shop.carts.new", ({"n": n} for n in range(500)), key=lambda d: str(d["n"] % 7))
    assert receipts.count == 500
    assert await bounded(receipts.wait()) == 500
    messages = await pulled(subscription, 500)
    for key in range(7):
        numbers = [message.data["n"] for message in messages if message.key == str(key)]
        assert numbers == list(range(key, 500, 7))


async def test_publish_many_takes_an_async_iterable_and_nothing_at_all(bus: MessageBus) -> None:
    async def items() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    subscription = await bus.subscribe("shop.carts.new")
    assert await bounded((await bus.publish_many("shop.carts.new", [])).wait()) == 0
    receipts = await bus.publish_many("shop.carts.new", items(), priority=NORMAL, headers={"a": "b"}, confirm=True)
    assert receipts.count == 3
    messages = await pulled(subscription, 3)
    assert [(message.data, message.headers) for message in messages] == [(n, {"a": "b"}) for n in range(3)]


async def test_flush_returns_when_all_is_acknowledged(make_bus: MakeBus) -> None:
    bus = await make_bus(tiers={"normal": {"linger_ms": 60_000}, "low": {"linger_ms": 60_000}})
    receipts = [await bus.publish(topic, 1) for topic in ("shop.carts.new", "logs.app.x") for _ in range(10)]
    assert not any(receipt.done for receipt in receipts)
    await bounded(bus.flush())
    assert all(receipt.done for receipt in receipts)
    await bounded(bus.flush())


async def test_close_sends_what_is_buffered(make_bus: MakeBus) -> None:
    reading, bus = await make_bus(), await make_bus(tiers={"normal": {"linger_ms": 60_000}})
    subscription = await reading.subscribe("shop.carts.new")
    receipt = await bus.publish("shop.carts.new", "last")
    await bounded(bus.close())
    assert receipt.done
    assert (await pulled(subscription, 1))[0].data == "last"


async def test_concurrent_publishers_of_a_new_family(make_bus: MakeBus) -> None:
    buses = [await make_bus(), await make_bus()]
    subscription = await buses[0].subscribe("brand.new.**")
    published = (buses[n % 2].publish(f"brand.new.t{n % 5}", n, confirm=True) for n in range(40))
    await bounded(asyncio.gather(*published))
    assert sorted(message.data for message in await pulled(subscription, 40)) == list(range(40))


# Refusals


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("", "it is empty; write segments joined by dots"),
        ("a..b", "remove the extra dot"),
        ("a.*", "is for patterns"),
        ("a b.c", "may only have letters, digits"),
        ("_own.topic", "kept for the bus"),
        ("x" * 250, "at most 249"),
        (None, "a topic is text"),
        (["a"], "a topic is text"),
    ],
)
async def test_a_wrong_topic_is_refused(bus: MessageBus, topic: Any, says: str) -> None:
    with pytest.raises(TopicError, match=says):
        await bus.publish(topic, 1)
    with pytest.raises(TopicError, match=says):
        await bus.publish_many(topic, [1])


@pytest.mark.parametrize("priority", ["urgent", "", 1.5])
async def test_a_wrong_priority_is_refused(bus: MessageBus, priority: Any) -> None:
    with pytest.raises(PriorityError, match="is unknown; use one of CRITICAL, HIGH, NORMAL, LOW"):
        await bus.publish("shop.carts.new", 1, priority=priority)


@pytest.mark.parametrize("name", ["bus-topic", "bus-anything", "__value_schema_id"])
async def test_a_header_of_the_bus_is_refused(bus: MessageBus, name: str) -> None:
    subscription = await bus.subscribe("shop.carts.new")
    with pytest.raises(EncodeError, match=f"'{name}' is kept for the bus; rename it"):
        await bus.publish("shop.carts.new", "refused", headers={name: "x"})
    await bus.publish("shop.carts.new", "taken", headers={"business": "x"})
    assert [message.data for message in await pulled(subscription, 1)] == ["taken"]


@pytest.mark.parametrize("headers", [{"a": 1}, {1: "a"}, {"a": None}])
async def test_a_header_that_is_no_text_is_refused(bus: MessageBus, headers: Any) -> None:
    with pytest.raises(EncodeError, match="must be text"):
        await bus.publish("shop.carts.new", 1, headers=headers)


async def test_data_that_cannot_be_written_is_refused(bus: MessageBus) -> None:
    with pytest.raises(EncodeError, match="object"):
        await bus.publish("shop.carts.new", {"x": object()})


async def test_a_too_large_message_is_refused_and_nothing_else_is_lost(make_bus: MakeBus) -> None:
    bus = await make_bus(max_request_size_bytes=70_000)
    subscription = await bus.subscribe("shop.carts.new")
    await bus.publish("shop.carts.new", "before")
    for refused in (b"x" * 70_000, b"x" * 1_000_000):
        with pytest.raises(MessageTooLargeError, match="max_request_size_bytes"):
            await bus.publish("shop.carts.new", refused)
    await bus.publish("shop.carts.new", b"x" * 69_000)
    await bus.publish("shop.carts.new", "after")
    assert [message.data for message in await pulled(subscription, 3)] == ["before", b"x" * 69_000, "after"]
    await bounded(bus.flush())


async def test_the_largest_message_of_the_default_settings_is_delivered(bus: MessageBus) -> None:
    """What `publish` accepts must fit what Kafka takes, framing included."""
    subscription = await bus.subscribe("shop.carts.new")
    size = bus.settings.max_request_size_bytes
    while True:
        try:
            receipt = await bus.publish("shop.carts.new", b"x" * size, headers={"h": "v" * 50})
            break
        except MessageTooLargeError:
            size -= 1
    await bounded(receipt.wait())
    assert len((await pulled(subscription, 1))[0].data) == size
    assert size > bus.settings.max_request_size_bytes - 1_000


async def test_production_publishes_to_declared_topics_only(make_bus: MakeBus) -> None:
    production, development = await make_bus(environment="production"), await make_bus()
    with pytest.raises(UndeclaredTopicError, match=r"`tierbus topics create shop\.carts --tier normal`"):
        await bounded(production.publish("shop.carts.new", b"x"))
    await development.publish("shop.carts.old", b"x", confirm=True)
    await bounded(production.publish("shop.carts.new", b"x", confirm=True))
    with pytest.raises(UndeclaredTopicError, match=r"`tierbus topics create shop\.carts --tier high`"):
        await bounded(production.publish("shop.carts.new", b"x", priority=HIGH))
