"""What is published after `subscribe` returned comes, in key order: every tier, every way to read."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from bus import Message, MessageBus, MessagePriority, Subscription
from tests.integration.programs.ledger import Ledger, bounded, ended, quick, until

pytestmark = pytest.mark.broker

TIERS = list(MessagePriority)
FAMILIES = ("metals.spot", "fx.cross", "power.grid")
TOPICS = [f"{FAMILIES[n % 3]}.desk{n % 7}.item{n}" for n in range(1_000)]
ROUNDS = 5

Matches = Callable[[str], bool]
PATTERNS: list[tuple[str | re.Pattern[str], Matches]] = [
    ("**", lambda topic: True),
    ("metals.spot.**", lambda topic: topic.startswith("metals.spot.")),
    ("*.cross.*.*", lambda topic: topic.startswith("fx.cross.")),
    ("**.desk3.*", lambda topic: ".desk3." in topic),
    (re.compile(r"power\.grid\.desk[0-4]\.item\d*5"), lambda t: bool(re.match(r"power.*[0-4]\.item\d*5$", t))),
    (TOPICS[0], lambda topic: topic == TOPICS[0]),
]


async def publish_round(bus: MessageBus, ledger: Ledger) -> None:
    for number, topic in enumerate(TOPICS):
        await bus.publish(topic, ledger.next(topic), priority=TIERS[number % 4])


def part(ledger: Ledger, matches: Matches) -> dict[str, int]:
    return {topic: count for topic, count in ledger.sent.items() if matches(topic)}


@pytest.mark.parametrize("group", [None, "desk"])
@pytest.mark.parametrize("born", ["before", "after"])
async def test_overlapping_subscriptions_each_get_their_copy_in_order(
    broker: str, namespace: str, group: str | None, born: str
) -> None:
    """A thousand topics over three families and four tiers, born before the subscriptions or after."""
    published = Ledger()
    async with MessageBus(quick(broker, namespace)) as publisher, MessageBus(quick(broker, namespace)) as reader:
        if born == "before":
            # Without a group these are past; a new group begins with the earliest message.
            earlier = published if group is not None else Ledger()
            await publish_round(publisher, earlier)
            await publisher.flush()
            if group is None:
                published.sent = {}
        subscriptions = [await reader.subscribe(pattern, group=group) for pattern, _ in PATTERNS]
        got = [Ledger() for _ in subscriptions]
        topics_seen: set[str] = set()
        tiers_seen: set[MessagePriority] = set()

        async def collect(subscription: Subscription, ledger: Ledger) -> None:
            async for message in subscription:
                assert message.data["key"] == message.topic == message.key
                topics_seen.add(message.topic)
                tiers_seen.add(message.priority)
                ledger.note(message.data)

        tasks = [asyncio.create_task(collect(*pair)) for pair in zip(subscriptions, got, strict=True)]
        for _ in range(ROUNDS):
            await publish_round(publisher, published)
        await publisher.flush()
        for ledger, (_, matches) in zip(got, PATTERNS, strict=True):
            ledger.sent = part(published, matches)
        for ledger in got:
            await ledger.complete()
        for subscription in subscriptions:
            await subscription.close()
        await ended(tasks)
    for ledger in got:
        ledger.check()
    assert topics_seen == set(TOPICS)
    assert tiers_seen == set(TIERS)
    assert [ledger.total for ledger in got] == [len(TOPICS) * (ROUNDS + bool(group and born == "before"))] + [
        ledger.count for ledger in got[1:]
    ]


@pytest.mark.parametrize("group", [None, "desk"])
async def test_everything_after_subscribe_returned_comes(broker: str, namespace: str, group: str | None) -> None:
    """A publisher that never pauses: from the first message after `subscribe` returned, none is missing."""
    topic = "fx.cross.eurusd"
    async with MessageBus(quick(broker, namespace)) as bus:
        stop = asyncio.Event()
        number = 0

        async def publish() -> None:
            nonlocal number
            while not stop.is_set():
                await bus.publish(topic, number, key="eurusd")
                number += 1
                await asyncio.sleep(0)

        await bus.publish(topic, -1, key="eurusd", confirm=True)
        publishing = asyncio.create_task(publish())
        try:
            for _ in range(3):
                subscription = await bus.subscribe("fx.*.eurusd", group=group)
                promised = number
                numbers: list[int] = []
                while len(numbers) < 500 or numbers[-1] < promised + 100:
                    message = await subscription.receive(timeout=20)
                    assert message is not None, f"nothing came after {numbers[-3:]}"
                    numbers.append(message.data)
                await subscription.close()
                assert numbers[0] <= promised
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        finally:
            stop.set()
            await publishing


@pytest.mark.parametrize("group", [None, "desk"])
async def test_a_family_born_later_is_found_within_the_discovery_interval(
    broker: str, namespace: str, group: str | None
) -> None:
    """Nothing of it is missed: it is read from its first message."""
    settings = quick(broker, namespace, discovery_interval_ms=1_000)
    async with MessageBus(settings) as reader, MessageBus(settings) as publisher:
        subscription = await reader.subscribe("**", group=group)
        ledger = Ledger()
        collecting = asyncio.create_task(ledger.collect(subscription))
        for family in ("crops.wheat", "crops.maize"):
            for tier in TIERS:
                for _ in range(25):
                    await publisher.publish(
                        f"{family}.harvest", ledger.next(f"{family} {tier.tier}"), priority=tier, key="k"
                    )
            await publisher.flush()
            # The interval, and then joining the group for tiers that were not read before.
            await bounded(f"finding {family}", ledger.complete(), 1.0 + 10.0)
        await subscription.close()
        await ended([collecting])
    ledger.check()


async def test_receive_takes_from_all_subscriptions(broker: str, namespace: str) -> None:
    async with MessageBus(quick(broker, namespace)) as bus:
        await bus.subscribe("fx.**")
        await bus.subscribe("**.spot.*")
        assert await bus.receive(timeout=0.1) is None
        ledger = Ledger()
        for number in range(300):
            for topic in ("fx.spot.a", "fx.cross.b", "metals.spot.c", "power.grid.d"):
                await bus.publish(topic, ledger.next(topic), priority=TIERS[number % 2])
        ledger.sent.pop("power.grid.d")
        copies: dict[str, int] = {}
        for number in range(1_200):
            message = await bus.receive(timeout=20)
            assert message is not None, f"only {number} came"
            copies[message.topic] = copies.get(message.topic, 0) + 1
            ledger.note(message.data)
        assert await bus.receive(timeout=0.3) is None
    assert copies == {"fx.spot.a": 600, "fx.cross.b": 300, "metals.spot.c": 300}
    assert not ledger.lost


async def run_until(bus: MessageBus, done: Callable[[], Any]) -> None:
    """Runs the handlers of a bus until what `done` gives has been awaited; a failing handler fails the test."""
    running = asyncio.create_task(bus.run())
    waiting = asyncio.ensure_future(done())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    bus.stop()
    try:
        await running
    finally:
        waiting.cancel()
    await waiting


async def test_handlers_of_a_key_finish_in_order(broker: str, namespace: str) -> None:
    """Sixteen lanes, 500 keys of which some are hot, handlers that take now longer, now shorter."""
    rng = random.Random(1)
    ledger, at_work, most = Ledger(), set[str](), 0
    keys = [f"key{n}" for n in range(500)]
    weights = [1 / (n + 1) for n in range(500)]
    async with MessageBus(quick(broker, namespace)) as publisher:
        for key in keys + rng.choices(keys, weights, k=7_500):
            await publisher.publish("fx.cross.ticks", ledger.next(key), key=key)
        await publisher.flush()
        consumer = MessageBus(quick(broker, namespace))

        @consumer.on("fx.cross.*", group="lanes", workers=16)
        async def handle(data: dict[str, Any], message: Message) -> None:
            nonlocal most
            assert message.key == data["key"]
            assert data["key"] not in at_work, "two handlers of one key at once"
            at_work.add(data["key"])
            most = max(most, len(at_work))
            await asyncio.sleep(rng.choice((0, 0, 0.001, 0.004)))
            at_work.remove(data["key"])
            ledger.note(data)

        await run_until(consumer, ledger.complete)
    ledger.check()
    assert most == 16


class Member:
    """One member of a group: a bus with one handler that takes its time."""

    def __init__(self, broker: str, namespace: str, ledger: Ledger, seed: int, takes_s: float, workers: int) -> None:
        self.handled = 0
        self.bus = MessageBus(quick(broker, namespace))
        rng = random.Random(seed)

        @self.bus.on("fx.cross.*", group="shared", workers=workers)
        async def handle(data: dict[str, Any]) -> None:
            await asyncio.sleep(rng.random() * 2 * takes_s)
            self.handled += 1
            ledger.note(data)

        self.running = asyncio.create_task(self.bus.run())

    async def stop(self) -> None:
        self.bus.stop()
        await bounded("stopping a member", self.running, 30)


async def test_two_members_share_the_work(broker: str, namespace: str) -> None:
    ledger, warm_up = Ledger(), Ledger()
    async with MessageBus(quick(broker, namespace)) as publisher:

        async def publish(into: Ledger, prefix: str, count: int) -> None:
            for number in range(count):
                key = f"{prefix}{number % 200}"
                await publisher.publish("fx.cross.ticks", into.next(key), key=key)
            await publisher.flush()

        both = Ledger()
        members = [Member(broker, namespace, both, seed, 0.0005, workers=8) for seed in (1, 2)]
        while not all(member.handled for member in members):
            assert not any(member.running.done() for member in members)
            await publish(warm_up, "warm", 200)
            both.sent = dict(warm_up.sent)
            await both.complete()
        before = [member.handled for member in members]
        await publish(ledger, "key", 6_000)
        both.sent |= ledger.sent
        await both.complete()
        shares = [member.handled - had for member, had in zip(members, before, strict=True)]
        for member in members:
            await member.stop()
    both.check(repeats=True)
    assert sum(shares) == 6_000, "in a settled group nothing is handled twice"
    assert min(shares) > 1_000, shares


@pytest.mark.parametrize("workers", [1, 16])
async def test_a_member_that_joins_mid_way_loses_nothing(broker: str, namespace: str, workers: int) -> None:
    """Under load, with hot keys; first handlings of a key stay in order over both members, and after one left."""
    rng = random.Random(workers)
    ledger, total = Ledger(), 400 * workers + 1_200
    keys = [f"key{n}" for n in range(60)]
    weights = [1 / (n + 1) for n in range(60)]
    async with MessageBus(quick(broker, namespace)) as publisher:

        async def publish() -> None:
            for key in rng.choices(keys, weights, k=total):
                await publisher.publish("fx.cross.ticks", ledger.next(key), key=key)
                if rng.random() < 0.05:
                    await asyncio.sleep(0.002)
            await publisher.flush()

        publishing = asyncio.create_task(publish())
        first = Member(broker, namespace, ledger, 1, 0.002, workers)
        await ledger.reach(total // 5)
        second = Member(broker, namespace, ledger, 2, 0.002, workers)
        await until(lambda: second.handled >= 100 or ledger.count == total, "the second member handles some")
        assert second.handled >= 100
        await publishing
        await first.stop()
        await ledger.complete(30)
        await second.stop()
    ledger.check(repeats=True)
    print(f"{total} messages, {ledger.repeated} repeated, members {first.handled} and {second.handled}")
