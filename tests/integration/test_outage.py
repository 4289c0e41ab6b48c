"""Kafka goes away and comes back: nothing accepted is lost, repeated or reordered, and no call waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from bus import (
    BufferFullError,
    BusConnectionError,
    ClosedError,
    DeliveryError,
    DeliveryTimeoutError,
    MessageBus,
    Receipt,
    Settings,
    UndeliveredError,
)
from ops.broker import Cluster, temporary
from tests.integration.programs.ledger import Ledger, alone, bounded, ended, quick, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]

TOPIC = "fx.cross.ticks"
KEYS = [f"key{n}" for n in range(50)]
SLACK_S = 2.0
# Leaving a Kafka that does not answer: a second or two for each kind of connection, beyond what is documented.
PARTING_S = 5.0

Fault = Callable[[Cluster, int], Any]


def stopped(cluster: Cluster, node: int) -> None:
    cluster.stop(node)


def killed(cluster: Cluster, node: int) -> None:
    cluster.stop(node, hard=True)


def frozen(cluster: Cluster, node: int) -> None:
    cluster.pause(node)


def back(cluster: Cluster, node: int) -> None:
    with contextlib.suppress(Exception):
        cluster.resume(node)
    cluster.start(node)


@pytest.fixture
def three_brokers() -> Iterator[Cluster]:
    with temporary(brokers=3) as cluster:
        yield cluster


def impatient(cluster: Cluster, namespace: str, **values: Any) -> Settings:
    short: dict[str, Any] = {"request_timeout_ms": 2_000, "connect_timeout_ms": 2_000, "drain_timeout_s": 3.0}
    return quick(cluster.bootstrap_servers, namespace, **(short | values))


async def publish(bus: MessageBus, ledger: Ledger, count: int) -> list[Receipt]:
    """Accepted at once or the test fails: an outage is no matter of the publisher while there is room."""
    receipts = []
    for number in range(count):
        key = KEYS[number % len(KEYS)]
        async with asyncio.timeout(SLACK_S):
            receipts.append(await bus.publish(TOPIC, ledger.next(key), key=key))
    return receipts


@contextlib.asynccontextmanager
async def reading(bus: MessageBus, group: str | None) -> AsyncIterator[Ledger]:
    """Notes what a subscription gives while the block runs."""
    ledger = Ledger()
    subscription = await bus.subscribe(TOPIC, group=group)
    collecting = asyncio.create_task(ledger.collect(subscription))
    try:
        yield ledger
    finally:
        await subscription.close()
        await ended([collecting])


async def check_outage(cluster: Cluster, namespace: str, fault: Fault, node: int) -> None:
    """Publishes before, during and after; one reader alone and one group read all the while."""
    settings = impatient(cluster, namespace)
    ledger = Ledger()
    async with MessageBus(settings) as publisher, MessageBus(settings) as reader:
        await publisher.publish(TOPIC, ledger.next("first"), confirm=True)
        async with reading(reader, None) as single, reading(reader, "desk") as group:
            receipts = await publish(publisher, ledger, 2_000)
            await until(lambda: group.count > 100, "the group reads")
            failing = asyncio.create_task(asyncio.to_thread(fault, cluster, node))
            while not failing.done():
                receipts += await publish(publisher, ledger, 10)
                await asyncio.sleep(0.002)
            await failing
            receipts += await publish(publisher, ledger, 2_000)
            if len(cluster.nodes) == 1:
                await until(lambda: not publisher.is_connected(), "the publisher sees the outage", 0.5 + 2 + SLACK_S)
                assert "does not answer" in repr(publisher)
                assert not receipts[-1].done
                await asyncio.to_thread(back, cluster, node)
                await until(publisher.is_connected, "the publisher sees the end of the outage", 10)
            else:
                await receipts[-1].wait()
            receipts += await publish(publisher, ledger, 1_000)
            await bounded("flush", publisher.flush(), 60)
            delivered = [await receipt.wait() for receipt in receipts]
            group.sent = dict(ledger.sent)
            single.sent = {key: count for key, count in ledger.sent.items() if key != "first"}
            await single.complete()
            await group.complete()
    assert len(set(delivered)) == len(receipts)
    single.check()
    group.check(repeats=True)
    # A message is in Kafka once; a group reads again only what was read and not committed yet.
    print(f"{ledger.total} messages, the group read {group.repeated} again")


@pytest.mark.parametrize("fault", [stopped, killed, frozen])
async def test_what_was_accepted_arrives_once_and_in_order(
    restartable_cluster: Cluster, namespace: str, fault: Fault
) -> None:
    await check_outage(restartable_cluster, namespace, fault, 0)


@pytest.mark.parametrize("fault", [killed, pytest.param(frozen, marks=pytest.mark.slow)])
async def test_one_of_three_brokers_fails(three_brokers: Cluster, namespace: str, fault: Fault) -> None:
    """Its leaders move; two thirds of the partitions never stop, and nothing of the others is lost."""
    async with MessageBus(impatient(three_brokers, namespace)) as bus:
        # Brokers learn of a new Kafka topic one after the other, and any of them may be asked.
        for number in range(10):
            await bus.publish(f"metals.spot{number}.gold", number, confirm=True)
    await check_outage(three_brokers, namespace, fault, 0)
    await asyncio.to_thread(back, three_brokers, 0)


async def test_a_full_buffer_refuses_whole_messages_and_keeps_the_others(
    restartable_cluster: Cluster, namespace: str
) -> None:
    settings = impatient(restartable_cluster, namespace, buffer_messages_max=200, buffer_wait_ms=300)
    ledger, refused = Ledger(), 0
    async with MessageBus(settings) as bus, reading(bus, None) as single:
        await bus.publish(TOPIC, ledger.next("first"), confirm=True)
        await asyncio.to_thread(restartable_cluster.stop)
        while refused < 3:
            key = KEYS[ledger.total % 7]
            try:
                await bounded("publish", bus.publish(TOPIC, ledger.next(key), key=key), 0.3 + SLACK_S)
            except BufferFullError:
                ledger.take_back(key)
                refused += 1
        with pytest.raises(BufferFullError, match=r"normal buffer is full \(200 messages"):
            await bus.publish(TOPIC, 1, key="one more")
        assert ledger.total == 201
        assert bus.get_metrics()["buffer_utilization"] == 1.0
        assert bus.get_metrics()["refused"] == 4

        # Those that wait for room at once are refused too, each in its time.
        results = await bounded(
            "many publishers",
            asyncio.gather(
                *(bus.publish(TOPIC, {"key": "late", "n": 0}, key="late") for _ in range(50)), return_exceptions=True
            ),
            0.3 + SLACK_S,
        )
        assert {type(result) for result in results} == {BufferFullError}
        with pytest.raises(BufferFullError) as many:
            await bus.publish_many(TOPIC, [{"key": "late", "n": 0}] * 5, key=lambda item: item["key"])
        assert many.value.accepted == 0

        await asyncio.to_thread(restartable_cluster.start)
        await bounded("flush", bus.flush(), 30)
        assert bus.get_metrics()["buffer_utilization"] == 0.0
        for _ in range(300):
            await bus.publish(TOPIC, ledger.next("after"), key="after")
        await bus.flush()
        single.sent = dict(ledger.sent)
        await single.complete()
    single.check()


async def test_a_full_buffer_in_bytes(restartable_cluster: Cluster, namespace: str) -> None:
    settings = impatient(
        restartable_cluster,
        namespace,
        buffer_memory_bytes=65_536,
        max_request_size_bytes=65_536,
        buffer_wait_ms=100,
    )
    async with MessageBus(settings) as bus, reading(bus, None) as single:
        await bus.publish(TOPIC, single.next("k"), key="k", confirm=True)
        await asyncio.to_thread(restartable_cluster.stop)
        items = [single.next("k") | {"pad": "x" * 4_000} for _ in range(100)]
        with pytest.raises(BufferFullError) as full:
            await bus.publish_many(TOPIC, items, key=lambda item: item["key"])
        single.sent["k"] = 1 + full.value.accepted
        assert 14 <= single.total <= 17
        await asyncio.to_thread(restartable_cluster.start)
        await bounded("flush", bus.flush(), 30)
        await single.complete()
    single.check()


async def test_the_delivery_timeout_passes(restartable_cluster: Cluster, namespace: str) -> None:
    """Every receipt fails in its time, in whichever batch it is; `flush` and `close` tell how many."""
    # Small batches: some are with the producer, some wait, one is being filled.
    settings = impatient(
        restartable_cluster,
        namespace,
        request_timeout_ms=1_000,
        delivery_timeout_ms=1_500,
        tiers={"normal": {"batch_size_bytes": 1_024}},
    )
    bus = MessageBus(settings)
    await bus.connect()
    ledger = Ledger()
    await bus.publish(TOPIC, ledger.next("k"), key="k", confirm=True)
    await asyncio.to_thread(restartable_cluster.stop)

    receipts = [await bus.publish(TOPIC, ledger.next("k"), key="k") for _ in range(100)]
    outcomes = await bounded(
        "all receipts", asyncio.gather(*(r.wait() for r in receipts), return_exceptions=True), 1.5 + SLACK_S
    )
    assert {type(outcome) for outcome in outcomes} == {DeliveryTimeoutError}
    assert "1500 ms" in str(outcomes[0])
    assert all(receipt.done for receipt in receipts)
    with pytest.raises(UndeliveredError) as undelivered:
        await bounded("flush", bus.flush(), SLACK_S)
    assert undelivered.value.count == 100
    assert isinstance(undelivered.value.__cause__, DeliveryTimeoutError)
    assert bus.get_metrics()["failed"] == 100
    await bounded("flush of nothing", bus.flush(), SLACK_S)

    with pytest.raises(DeliveryTimeoutError):
        await bounded("confirm", bus.publish(TOPIC, ledger.next("k"), key="k", confirm=True), 1.5 + SLACK_S)
    receipts = [await bus.publish(TOPIC, ledger.next("k"), key=f"k{n}") for n in range(20)]
    with pytest.raises(UndeliveredError) as undelivered:
        await bounded("flush", bus.flush(), 1.5 + SLACK_S)
    assert undelivered.value.count == 21

    receipts = [await bus.publish(TOPIC, ledger.next("k"), key=f"k{n}") for n in range(20)]
    closing = asyncio.create_task(bus.close())
    with pytest.raises(UndeliveredError) as undelivered:
        await bounded("close", closing, 3 + SLACK_S)
    assert undelivered.value.count == 20
    assert not bus.is_connected()
    for receipt in receipts:
        with pytest.raises((DeliveryError, UndeliveredError, ClosedError)):
            await bounded("a receipt after close", receipt.wait(), SLACK_S)
    await bus.close()


async def test_an_outage_within_the_delivery_timeout_fails_nothing(
    restartable_cluster: Cluster, namespace: str
) -> None:
    """A flush or a confirmed publish that waits for Kafka is not a reason to give up early."""
    settings = impatient(restartable_cluster, namespace, delivery_timeout_ms=30_000)
    async with MessageBus(settings) as bus:
        await bus.publish(TOPIC, 0, confirm=True)
        await asyncio.to_thread(restartable_cluster.stop)
        confirming = asyncio.create_task(bus.publish(TOPIC, 1, confirm=True))
        receipt = await bus.publish(TOPIC, 2, key="other")
        flushing = asyncio.create_task(bus.flush())
        # Long enough for whatever looks at the clock to have looked at it several times.
        await until(lambda: not bus.is_connected(), "the outage is seen", 0.5 + 2 + SLACK_S)
        assert not confirming.done()
        assert not flushing.done()
        assert not receipt.done
        await asyncio.to_thread(restartable_cluster.start)
        await bounded("flush", flushing, 20)
        await bounded("confirm", confirming, 20)
        await receipt.wait()
        assert bus.get_metrics()["failed"] == 0


@pytest.mark.parametrize("fault", [stopped, frozen])
async def test_every_call_is_bounded_when_kafka_is_down(
    restartable_cluster: Cluster, namespace: str, fault: Fault
) -> None:
    """Whether Kafka refuses connections or keeps them open and says nothing."""
    tasks = asyncio.all_tasks()
    short = {"request_timeout_ms": 500, "connect_timeout_ms": 500, "delivery_timeout_ms": 1_000}
    settings = impatient(restartable_cluster, namespace, drain_timeout_s=1.0, **short)
    bus, other = MessageBus(settings), MessageBus(settings)
    await bus.connect()
    await bus.subscribe("fx.**")
    await bus.subscribe("**", group="desk")
    for tier in ("critical", "high", "normal", "low"):
        await bus.publish(TOPIC, 1, priority=tier, confirm=True)
    for _ in range(8):
        assert await bus.receive(timeout=10) is not None
    await asyncio.to_thread(fault, restartable_cluster, 0)

    request_s, connect_s, delivery_s, drain_s = 0.5, 0.5, 1.0, 1.0
    assert await bounded("receive", bus.receive(timeout=0.5), 0.5 + SLACK_S) is None
    refused: list[tuple[str, Callable[[], Awaitable[Any]], float]] = [
        ("publish on a new topic", lambda: bus.publish("metals.spot.gold", 1), request_s),
        ("publish in a new tier", lambda: bus.publish("metals.spot.gold", 1, priority="LOW"), request_s),
        ("subscribe", lambda: bus.subscribe("metals.**"), request_s),
        ("subscribe in a new group", lambda: bus.subscribe("metals.**", group="late"), request_s),
        ("subscribe in a known group", lambda: bus.subscribe("metals.**", group="desk"), request_s),
        ("lag", bus.lag, request_s),
        ("connect", other.connect, connect_s + 2),
        ("reconnect", bus.reconnect, connect_s + 2),
    ]
    for what, call, bound_s in refused:
        with pytest.raises(BusConnectionError) as error:
            await bounded(what, call(), bound_s + SLACK_S)
        assert restartable_cluster.bootstrap_servers in str(error.value) or "Kafka" in str(error.value)
        assert "\n" not in str(error.value)
    assert not bus.is_connected()
    assert not other.is_connected()

    receipt = await bounded("publish on a known topic", bus.publish(TOPIC, 2), SLACK_S)
    with pytest.raises(UndeliveredError):
        await bounded("flush", bus.flush(), delivery_s + SLACK_S)
    with pytest.raises(DeliveryTimeoutError):
        await receipt.wait()
    await bus.publish(TOPIC, 3)
    # Handlers are drained, then the buffer, each within drain_timeout_s.
    with pytest.raises(UndeliveredError):
        await bounded("close", bus.close(), 2 * drain_s + PARTING_S + SLACK_S)
    await bounded("close of what never connected", other.close(), SLACK_S)
    await alone(tasks, SLACK_S)  # nothing goes on behind a closed bus


async def test_handlers_go_on_after_a_restart(restartable_cluster: Cluster, namespace: str) -> None:
    """Two groups with many lanes; an outage longer than their session."""
    rng = random.Random(5)
    settings = impatient(restartable_cluster, namespace)
    ledgers = [Ledger(), Ledger()]
    async with MessageBus(settings) as publisher:
        worker = MessageBus(settings)

        @worker.on("fx.**", group="first", workers=8)
        async def first(data: dict[str, Any]) -> None:
            await asyncio.sleep(rng.random() * 0.002)
            ledgers[0].note(data)

        @worker.on("fx.cross.*", group="second", workers=1)
        async def second(data: dict[str, Any]) -> None:
            ledgers[1].note(data)

        sent = Ledger()
        running = asyncio.create_task(worker.run())
        await publish(publisher, sent, 1_000)
        await publisher.flush()
        for ledger in ledgers:
            ledger.sent = sent.sent
            await ledger.reach(500)
        await asyncio.to_thread(restartable_cluster.stop, 0, hard=True)
        await publish(publisher, sent, 1_000)
        await until(lambda: not worker.is_connected(), "the worker sees the outage", 0.5 + 2 + SLACK_S)
        await asyncio.to_thread(restartable_cluster.start)
        await publish(publisher, sent, 1_000)
        await bounded("flush", publisher.flush(), 30)
        for ledger in ledgers:
            await ledger.complete()
        await until(worker.is_connected, "the worker sees the end of the outage", 10)
        assert not running.done()
        worker.stop()
        await bounded("stop", running, 3 * 2 + SLACK_S)
    for ledger in ledgers:
        ledger.check(repeats=True)


async def test_reconnect_keeps_subscriptions_and_the_buffer(restartable_cluster: Cluster, namespace: str) -> None:
    settings = impatient(restartable_cluster, namespace)
    ledger = Ledger()
    async with MessageBus(settings) as bus:
        await bus.publish(TOPIC, ledger.next("first"), confirm=True)
        async with reading(bus, None) as single, reading(bus, "desk") as group:
            # First with nothing wrong and much on its way.
            receipts = await publish(bus, ledger, 2_000)
            await bounded("reconnect", bus.reconnect(), 15)
            assert bus.is_connected()
            receipts += await publish(bus, ledger, 500)
            await bounded("flush", bus.flush(), 30)
            group.sent = dict(ledger.sent)
            await group.complete()
            await asyncio.to_thread(restartable_cluster.stop)
            receipts += await publish(bus, ledger, 500)
            with pytest.raises(BusConnectionError, match="tierbus up"):
                await bounded("reconnect", bus.reconnect(), 2 + 2 + SLACK_S)
            receipts += await publish(bus, ledger, 500)
            await asyncio.to_thread(restartable_cluster.start)
            await bounded("reconnect", bus.reconnect(), 15)
            receipts += await publish(bus, ledger, 500)
            await bounded("flush", bus.flush(), 30)
            delivered = [await receipt.wait() for receipt in receipts]
            group.sent = dict(ledger.sent)
            single.sent = {key: count for key, count in ledger.sent.items() if key != "first"}
            await single.complete()
            await group.complete()
            # What is published from now on, on a topic that nobody has used, comes too.
            late = await bus.subscribe("power.**")
            await bus.publish("power.grid.load", 1)
            message = await late.receive(timeout=20)
            assert message is not None
    assert len(set(delivered)) == len(receipts)
    single.check()
    group.check(repeats=True)


async def test_a_reconnect_that_failed_leaves_everything_as_it_was(
    restartable_cluster: Cluster, namespace: str
) -> None:
    """Without a second attempt: what is connected finds Kafka again by itself."""
    settings = impatient(restartable_cluster, namespace, connect_timeout_ms=1_000)
    async with MessageBus(settings) as bus, reading(bus, None) as single:
        await bus.publish(TOPIC, single.next("k"), key="k", confirm=True)
        await asyncio.to_thread(restartable_cluster.stop)
        with pytest.raises(BusConnectionError):
            await bounded("reconnect", bus.reconnect(), 1 + 2 + SLACK_S)
        await publish(bus, single, 100)
        await until(lambda: not bus.is_connected(), "the outage is seen", 0.5 + 2 + SLACK_S)
        await asyncio.to_thread(restartable_cluster.start)
        await bounded("flush", bus.flush(), 30)
        await until(bus.is_connected, "the end of the outage is seen", 10)
        await bounded("publish on a new topic", bus.publish("metals.spot.gold", 1, confirm=True), 10)
        await single.complete()
    single.check()


async def test_a_dead_port_is_one_sentence(namespace: str) -> None:
    server = "127.0.0.1:1"
    bus = MessageBus(quick(server, namespace, connect_timeout_ms=1_000))
    with pytest.raises(BusConnectionError) as error:
        await bounded("connect", bus.connect(), 1 + 2 + SLACK_S)
    text = str(error.value)
    assert server in text
    assert "`tierbus up`" in text
    assert "\n" not in text
    assert not bus.is_connected()
    with pytest.raises(ClosedError):
        await bus.publish(TOPIC, 1)
    await bus.close()


async def test_the_first_server_of_a_list_may_be_dead(broker: str, namespace: str) -> None:
    async with MessageBus(quick(f"127.0.0.1:1,{broker}", namespace)) as bus:
        subscription = await bus.subscribe(TOPIC)
        await bus.publish(TOPIC, "here", confirm=True)
        message = await subscription.receive(timeout=10)
        assert message is not None
        assert message.data == "here"
