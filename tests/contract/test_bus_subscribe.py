"""The bus as its users see it, on both engines: subscribing and pulling."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from bus import BusConnectionError, ClosedError, Message, MessageBus, MessagePriority, PatternError, Subscription
from tests.contract.conftest import MakeBus
from tests.contract.harness import bounded, pulled

CRITICAL, HIGH, NORMAL, LOW = MessagePriority
TOPICS = ("shop.carts.new", "shop.carts.eu.new", "shop.carts.eu.west.new", "shop.returns.new", "yard.carts.new")


async def data_of(subscription: Subscription, messages: int) -> list[Any]:
    return [message.data for message in await pulled(subscription, messages)]


# Patterns


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("shop.carts.new", ["shop.carts.new"]),
        ("shop.carts.*", ["shop.carts.new"]),
        ("shop.*.new", ["shop.carts.new", "shop.returns.new"]),
        ("*.carts.new", ["shop.carts.new", "yard.carts.new"]),
        ("shop.carts.**", ["shop.carts.new", "shop.carts.eu.new", "shop.carts.eu.west.new"]),
        ("shop.**.new", ["shop.carts.new", "shop.carts.eu.new", "shop.carts.eu.west.new", "shop.returns.new"]),
        ("**", list(TOPICS)),
        (re.compile(r"shop\.(carts|returns)\.\w+"), ["shop.carts.new", "shop.returns.new"]),
        (re.compile(r".*\.west\..*"), ["shop.carts.eu.west.new"]),
    ],
    ids=str,
)
async def test_a_pattern_gets_the_topics_that_it_matches(
    bus: MessageBus, crew: str, grouped: bool, pattern: str | re.Pattern[str], matching: list[str]
) -> None:
    subscription = await bus.subscribe(pattern, group=crew if grouped else None)
    for topic in TOPICS:
        await bus.publish(topic, topic, confirm=True)
    messages = await pulled(subscription, len(matching))
    assert {message.topic for message in messages} == set(matching)
    assert all(message.data == message.topic for message in messages)
    assert await subscription.receive(0.2) is None


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "segment '' must be"),
        ("a..b", "segment '' must be"),
        ("a.b*", r"segment 'b\*' must be '\*' \(one segment\), .* for more, give re.compile"),
        (None, "a pattern is text or a compiled re.Pattern, not NoneType"),
        (re.compile(b"a"), "topics are text"),
    ],
)
async def test_a_wrong_pattern_is_refused(bus: MessageBus, pattern: Any, says: str) -> None:
    with pytest.raises(PatternError, match=says):
        await bus.subscribe(pattern)
    with pytest.raises(PatternError, match=says):
        bus.on(pattern)(lambda data: None)


async def test_overlapping_patterns_each_get_their_own_copy(bus: MessageBus, crew: str) -> None:
    subscriptions = [
        await bus.subscribe("shop.carts.new"),
        await bus.subscribe("shop.**"),
        await bus.subscribe("shop.carts.*", group=crew),
        await bus.subscribe("**", group=crew),
    ]
    for number in range(20):
        await bus.publish("shop.carts.new", number)
    for subscription in subscriptions:
        assert await data_of(subscription, 20) == list(range(20))


async def test_every_client_without_a_group_gets_everything(make_bus: MakeBus) -> None:
    buses = [await make_bus() for _ in range(3)]
    subscriptions = [await bus.subscribe("shop.**") for bus in buses]
    await buses[0].publish_many("shop.carts.new", range(30))
    for subscription in subscriptions:
        assert await data_of(subscription, 30) == list(range(30))


# From where


async def test_without_a_group_only_what_comes_from_now_on(bus: MessageBus) -> None:
    await bus.publish("shop.carts.new", "before", confirm=True)
    subscription = await bus.subscribe("shop.**")
    await bus.publish("shop.carts.new", "after")
    await bus.publish("shop.returns.new", "of a family that is new")
    assert set(await data_of(subscription, 2)) == {"after", "of a family that is new"}


async def test_a_new_group_starts_from_the_earliest(bus: MessageBus, crew: str) -> None:
    await bounded((await bus.publish_many("shop.carts.new", range(10))).wait())
    assert await data_of(await bus.subscribe("shop.**", group=crew), 10) == list(range(10))


@pytest.mark.parametrize("how", ["close subscription", "close bus"])
async def test_a_group_goes_on_where_it_was_acknowledged(make_bus: MakeBus, crew: str, how: str) -> None:
    publisher, first = await make_bus(), await make_bus()
    await bounded((await publisher.publish_many("shop.carts.new", range(10))).wait())
    subscription = await first.subscribe("shop.**", group=crew)
    messages = await pulled(subscription, 4)  # the first three are acknowledged by pulling on
    assert [message.data for message in messages] == [0, 1, 2, 3]
    await bounded(subscription.close() if how == "close subscription" else first.close())
    second = await (await make_bus()).subscribe("shop.**", group=crew)
    assert await data_of(second, 7) == [3, 4, 5, 6, 7, 8, 9]


async def test_ack_counts_without_pulling_on(make_bus: MakeBus, crew: str) -> None:
    publisher, first = await make_bus(), await make_bus()
    await bounded((await publisher.publish_many("shop.carts.new", range(5))).wait())
    subscription = await first.subscribe("shop.**", group=crew)
    last = (await pulled(subscription, 3))[-1]
    last.ack()
    last.ack()
    await bounded(first.close())
    second = await (await make_bus()).subscribe("shop.**", group=crew)
    assert await data_of(second, 2) == [3, 4]


async def test_what_came_while_a_group_was_away_is_received(make_bus: MakeBus, crew: str) -> None:
    publisher, first = await make_bus(), await make_bus()
    subscription = await first.subscribe("shop.**", group=crew)
    await publisher.publish("shop.carts.new", "one")
    (await pulled(subscription, 1))[0].ack()
    await bounded(first.close())
    await bounded((await publisher.publish_many("shop.carts.new", ["two", "three"])).wait())
    second = await (await make_bus()).subscribe("shop.**", group=crew)
    assert await data_of(second, 2) == ["two", "three"]


# All of it, in order


@pytest.mark.parametrize("grouped", [False, True])
async def test_everything_after_subscribe_comes_in_order_of_its_key(
    make_bus: MakeBus, crew: str, grouped: bool
) -> None:
    publisher, reading = await make_bus(), await make_bus()
    subscription = await reading.subscribe("shop.**", group=crew if grouped else None)
    sent: defaultdict[tuple[MessagePriority, str], list[int]] = defaultdict(list)
    for number in range(800):
        tier, key = MessagePriority(number % 4), f"key-{number % 13}"
        await publisher.publish(f"shop.carts.t{number % 3}", number, priority=tier, key=key)
        sent[tier, key].append(number)
    came: defaultdict[tuple[MessagePriority, str], list[int]] = defaultdict(list)
    for message in await pulled(subscription, 800):
        came[message.priority, message.key or ""].append(message.data)
    assert came == sent
    assert await subscription.receive(0.2) is None


@pytest.mark.parametrize("attempt", range(3))
async def test_the_first_message_after_subscribe_is_never_missed(make_bus: MakeBus, attempt: int) -> None:
    publisher, reading = await make_bus(), await make_bus()
    for tier in MessagePriority:
        await publisher.publish("shop.carts.new", "before", priority=tier, confirm=True)
    for number in range(3):
        async with await reading.subscribe("shop.*.new") as subscription:
            for tier in MessagePriority:
                await publisher.publish("shop.carts.new", [attempt, number], priority=tier)
            assert await data_of(subscription, 4) == [[attempt, number]] * 4


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("anything_before", [False, True])
async def test_a_family_that_is_born_later_is_found(
    make_bus: MakeBus, crew: str, grouped: bool, anything_before: bool
) -> None:
    publisher, reading = await make_bus(), await make_bus()
    if anything_before:
        await publisher.publish("shop.old.x", "old", confirm=True)
    subscription = await reading.subscribe("shop.**", group=crew if grouped else None)
    for family in ("born", "later"):
        for number in range(5):
            await publisher.publish(f"shop.{family}.x", f"{family} {number}", confirm=True)
    expected = [f"{family} {number}" for family in ("born", "later") for number in range(5)]
    if grouped and anything_before:
        expected.append("old")
    came = await data_of(subscription, len(expected))
    assert Counter(came) == Counter(expected)
    for family in ("born", "later"):
        assert [data for data in came if data.startswith(family)] == [f"{family} {number}" for number in range(5)]


async def test_other_namespaces_are_not_heard(make_bus: MakeBus) -> None:
    bus = await make_bus()
    other = await make_bus(namespace=f"{bus.settings.namespace}x")
    mine, theirs = await bus.subscribe("**"), await other.subscribe("**")
    await bus.publish("shop.carts.new", "mine")
    await other.publish("shop.carts.new", "theirs")
    assert await data_of(mine, 1) == ["mine"]
    assert await data_of(theirs, 1) == ["theirs"]


# Pulling


async def test_receive_is_none_when_nothing_comes(bus: MessageBus) -> None:
    with pytest.raises(ClosedError, match=r"call subscribe\(\) before receive\(\)"):
        await bus.receive(timeout=0.01)
    subscription = await bus.subscribe("shop.**")
    assert await bounded(bus.receive(timeout=0.05)) is None
    assert await bounded(bus.receive(timeout=0)) is None
    assert await bounded(subscription.receive(0.05)) is None


async def test_receive_takes_from_any_subscription(bus: MessageBus) -> None:
    await bus.subscribe("shop.carts.*")
    await bus.subscribe("yard.**")
    await bus.publish("shop.carts.new", 1)
    await bus.publish("yard.tools.saw", 2)
    got = {(await received(bus)).data for _ in range(2)}
    assert got == {1, 2}
    waiting = asyncio.create_task(bus.receive())
    await bus.publish("yard.tools.saw", 3)
    message = await bounded(waiting)
    assert message is not None
    assert message.data == 3


async def received(bus: MessageBus) -> Message:
    message = await bus.receive(timeout=30)
    assert message is not None
    return message


async def test_a_cancelled_receive_loses_nothing(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.**")
    came: list[Any] = []
    for number in range(20):
        waiting = asyncio.create_task(subscription.receive(30))
        await bus.publish("shop.carts.new", number, confirm=number % 2 == 0)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=30)
        if not waiting.cancelled():  # it had one already
            message = waiting.result()
            assert message is not None
            came.append(message.data)
    came += await data_of(subscription, 20 - len(came))
    assert came == list(range(20))


async def test_urgent_messages_are_pulled_first(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.**")
    for tier in (LOW, NORMAL, HIGH, CRITICAL):
        await bounded((await bus.publish_many("shop.carts.new", [tier.tier] * 50, priority=tier)).wait())
    messages = []
    for _ in range(200):
        messages += await pulled(subscription, 1)
        await asyncio.sleep(0.002)  # what is done with a message, while the other tiers arrive
    assert Counter(message.priority for message in messages) == dict.fromkeys(MessagePriority, 50)
    mean = {
        tier: sum(n for n, message in enumerate(messages) if message.priority is tier) / 50 for tier in MessagePriority
    }
    assert mean[CRITICAL] < mean[LOW]


async def test_iterating_ends_when_the_bus_closes(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.**")
    came: list[int] = []
    enough = asyncio.Event()

    async def iterate() -> None:
        async for message in subscription:
            came.append(message.data)
            if len(came) == 3:
                enough.set()

    iterating = asyncio.create_task(iterate())
    await bus.publish_many("shop.carts.new", range(3))
    await bounded(enough.wait())
    await bounded(bus.close())
    await bounded(iterating)
    assert came == [0, 1, 2]
    with pytest.raises(ClosedError, match="is closed; subscribe again"):
        await subscription.receive(0.01)


@pytest.mark.parametrize("grouped", [False, True])
async def test_closing_while_somebody_subscribes_leaves_no_subscription_open(
    bus: MessageBus, crew: str, grouped: bool
) -> None:
    await bus.publish("shop.carts.new", 1, confirm=True)

    async def subscribe_and_wait() -> None:
        subscription = await bus.subscribe("shop.**", group=crew if grouped else None)
        async for _ in subscription:
            pass

    subscribing = asyncio.create_task(subscribe_and_wait())
    await asyncio.sleep(0)
    await bounded(bus.close())
    with contextlib.suppress(ClosedError, BusConnectionError):
        await bounded(subscribing)


async def test_a_closed_subscription_leaves_the_others(bus: MessageBus, crew: str) -> None:
    kept, closed = await bus.subscribe("shop.**"), await bus.subscribe("shop.**")
    grouped, gone = await bus.subscribe("shop.**", group=crew), await bus.subscribe("shop.**", group=crew)
    await bus.publish("shop.carts.new", 1)
    for subscription in (kept, closed, grouped, gone):
        (await pulled(subscription, 1))[0].ack()
    for subscription in (closed, gone):
        await bounded(subscription.close())
        await bounded(subscription.close())
        with pytest.raises(ClosedError):
            await subscription.receive(0.01)
    await bus.publish("shop.carts.new", 2)
    assert await data_of(kept, 1) == [2]
    assert await data_of(grouped, 1) == [2]


async def test_a_slow_subscriber_does_not_hold_up_the_others(make_bus: MakeBus) -> None:
    bus = await make_bus(intake_messages_max=10)
    slow, quick = await bus.subscribe("shop.**"), await bus.subscribe("shop.**")
    await bounded((await bus.publish_many("shop.carts.new", range(500))).wait())
    assert await data_of(quick, 500) == list(range(500))
    assert await data_of(slow, 500) == list(range(500))
