"""Groups in memory, where they must not depend on anybody's good behaviour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from bus.errors import BusConnectionError, DeliveryError
from bus.message import MessagePriority, Partition
from bus.settings import Settings
from bus.transport.base import Fetcher, FetcherOptions, NewKafkaTopic
from bus.transport.memory import MemoryCluster, MemoryTransport

TOPIC = "bus.a.b.normal"
ALL = frozenset({Partition(TOPIC, 0), Partition(TOPIC, 1)})


class Part:
    """A member and what it was told."""

    def __init__(self, revoke: Callable[[], Awaitable[None]] | None = None) -> None:
        self.fetcher: Fetcher = NotImplemented
        self.told: list[str] = []
        self.held: frozenset[Partition] = frozenset()
        self.fail_assignment = False
        self._revoke = revoke

    def was_assigned(self, partitions: frozenset[Partition]) -> None:
        self.told.append(f"assigned {len(partitions)}")
        self.held = partitions
        if self.fail_assignment:
            raise RuntimeError("assignment went wrong")

    async def was_revoked(self, partitions: frozenset[Partition]) -> None:
        self.told.append(f"revoked {len(partitions)}")
        if self._revoke is not None:
            await self._revoke()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.held) != count:
                await self.fetcher.fetch(1, 10)


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster()


@pytest.fixture
async def transport(cluster: MemoryCluster) -> MemoryTransport:
    transport = MemoryTransport(Settings(), cluster)
    await transport.connect()
    await transport.create_topics([NewKafkaTopic(TOPIC, 2)])
    return transport


async def join(transport: MemoryTransport, part: Part, *topics: str) -> Part:
    options = FetcherOptions(MessagePriority.NORMAL, "crew", part.was_assigned, part.was_revoked)
    part.fetcher = await transport.fetcher(options)
    await part.fetcher.set_topics(dict.fromkeys(topics or (TOPIC,), 2))
    return part


async def test_nobody_is_assigned_until_the_last_has_given_up(transport: MemoryTransport) -> None:
    let_go = asyncio.Event()

    async def slowly() -> None:
        await let_go.wait()

    first = await join(transport, Part(slowly))
    await first.until(2)
    second = await join(transport, Part())
    assert not await second.fetcher.fetch(1, 20)
    assert first.told == ["assigned 2", "revoked 2"]
    assert second.told == []
    await first.fetcher.commit({Partition(TOPIC, 0): 0}, 1)  # still its own
    let_go.set()
    await second.until(1)
    assert first.told == ["assigned 2", "revoked 2", "assigned 1"]
    assert second.told == ["assigned 1"]


async def test_changes_during_a_rebalance_are_taken_into_it(transport: MemoryTransport) -> None:
    let_go = asyncio.Event()

    async def slowly() -> None:
        await let_go.wait()

    first = await join(transport, Part(slowly))
    await first.until(2)
    second = await join(transport, Part())
    await second.fetcher.fetch(1, 10)
    third = await join(transport, Part())
    await second.fetcher.close(1)
    let_go.set()
    await third.until(1)
    assert first.told == ["assigned 2", "revoked 2", "assigned 1"]
    assert second.told == []


async def test_what_a_revocation_says_in_error_is_logged(
    transport: MemoryTransport, caplog: pytest.LogCaptureFixture
) -> None:
    async def badly() -> None:
        raise RuntimeError("cannot let go")

    first = await join(transport, Part(badly))
    await first.until(2)
    with caplog.at_level(logging.ERROR):
        second = await join(transport, Part())
        await second.until(1)
    assert "cannot let go" in caplog.text


async def test_a_revocation_that_never_ends_is_cut_off(
    cluster: MemoryCluster, caplog: pytest.LogCaptureFixture
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    impatient = MemoryTransport(Settings().model_copy(update={"session_timeout_ms": 50}), cluster)
    await impatient.connect()
    await impatient.create_topics([NewKafkaTopic(TOPIC, 2)])
    first = await join(impatient, Part(never))
    await first.until(2)
    second = await join(impatient, Part())
    await second.until(1)
    assert "on_revoked failed" in caplog.text


async def test_an_assignment_that_fails_is_logged_and_the_others_get_theirs(
    transport: MemoryTransport, caplog: pytest.LogCaptureFixture
) -> None:
    first = Part()
    first.fail_assignment = True
    await join(transport, first)
    second = await join(transport, Part())
    await second.until(1)
    assert "assignment went wrong" in caplog.text


async def test_a_member_may_close_inside_its_revocation(transport: MemoryTransport) -> None:
    async def close() -> None:
        await first.fetcher.close(1)

    first = await join(transport, Part(close))
    await first.until(2)
    second = await join(transport, Part())
    await second.until(2)
    assert first.told == ["assigned 2", "revoked 2"]


async def test_the_same_topics_again_do_not_rebalance(transport: MemoryTransport) -> None:
    first = await join(transport, Part())
    await first.until(2)
    await first.fetcher.set_topics({TOPIC: 2})
    await first.fetcher.fetch(1, 10)
    assert first.told == ["assigned 2"]


async def test_a_topic_that_is_created_later_is_shared_out(transport: MemoryTransport) -> None:
    first = await join(transport, Part(), TOPIC, "bus.later.family.normal")
    await first.until(2)
    await transport.create_topics([NewKafkaTopic("bus.not.asked.for.normal", 1)])
    await transport.create_topics([NewKafkaTopic("bus.later.family.normal", 3)])
    await first.until(5)
    assert first.told == ["assigned 2", "revoked 2", "assigned 5"]


async def test_a_commit_is_stored_whole_or_not_at_all(transport: MemoryTransport) -> None:
    first = await join(transport, Part())
    await first.until(2)
    other = Partition("bus.other.topic.normal", 0)
    with pytest.raises(BusConnectionError, match=r"1 partitions are another's by now \(bus.other.topic.normal\[0\]\)"):
        await first.fetcher.commit({Partition(TOPIC, 0): 1, other: 1}, 1)
    sender = await transport.sender(MessagePriority.NORMAL)
    batch = sender.batch()
    batch.append(timestamp=1, key=None, value=b"1", headers=[])
    await (await sender.send(batch, Partition(TOPIC, 0)))
    await first.fetcher.close(1)
    again = await join(transport, Part())
    async with asyncio.timeout(5):
        while not (found := await again.fetcher.fetch(10, 100)):
            pass
    assert [record.offset for record in found[Partition(TOPIC, 0)]] == [0]


async def test_closed_members_refuse(transport: MemoryTransport) -> None:
    first = await join(transport, Part())
    await first.until(2)
    await first.fetcher.close(1)
    with pytest.raises(BusConnectionError, match="closed"):
        await first.fetcher.commit({Partition(TOPIC, 0): 1}, 1)
    with pytest.raises(BusConnectionError, match="closed"):
        await first.fetcher.set_topics({})
    assert not await first.fetcher.fetch(1, 60_000)


async def test_partitions_take_turns(transport: MemoryTransport) -> None:
    sender = await transport.sender(MessagePriority.NORMAL)
    for number, count in ((0, 30), (1, 3)):
        batch = sender.batch()
        for _ in range(count):
            batch.append(timestamp=1, key=None, value=b"x", headers=[])
        await sender.send(batch, Partition(TOPIC, number))
    part = await join(transport, Part())
    await part.until(2)
    first, second = await part.fetcher.fetch(10, 100), await part.fetcher.fetch(10, 100)
    assert set(first) | set(second) == ALL


async def test_what_no_partition_takes_is_refused(transport: MemoryTransport) -> None:
    sender = await transport.sender(MessagePriority.NORMAL)
    batch = sender.batch()
    batch.append(timestamp=1, key=None, value=b"x", headers=[])
    with pytest.raises(DeliveryError, match=r"bus.none.such.low\[0\] does not exist; create the topic first"):
        await (await sender.send(batch, Partition("bus.none.such.low", 0)))


async def test_a_batch_over_the_topics_limit_is_refused(transport: MemoryTransport) -> None:
    await transport.create_topics([NewKafkaTopic("bus.small.ones.low", 1, config={"max.message.bytes": "1000"})])
    sender = await transport.sender(MessagePriority.NORMAL)
    for size, fits in ((900, True), (1_000, False)):
        batch = sender.batch()
        batch.append(timestamp=1, key=None, value=b"x" * size, headers=[])
        future = await sender.send(batch, Partition("bus.small.ones.low", 0))
        assert (future.exception() is None) is fits
        if not fits:
            assert "max.message.bytes is 1000" in str(future.exception())
