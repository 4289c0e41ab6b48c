"""`MemoryCluster.stop()` and `start()`: what an outage holds, refuses and gives back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bus.errors import BusConnectionError, DeliveryError
from bus.message import MessagePriority, Partition
from bus.settings import Settings
from bus.transport.base import Fetcher, FetcherOptions, NewKafkaTopic, Sender
from bus.transport.memory import MemoryCluster, MemoryTransport

TOPIC = "bus.a.b.normal"
HERE = Partition(TOPIC, 0)


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster()


@pytest.fixture
async def transport(cluster: MemoryCluster) -> MemoryTransport:
    transport = MemoryTransport(Settings(request_timeout_ms=500, connect_timeout_ms=100), cluster)
    await transport.connect()
    await transport.create_topics([NewKafkaTopic(TOPIC, 2)])
    return transport


@pytest.fixture
async def sender(transport: MemoryTransport) -> AsyncIterator[Sender]:
    sender = await transport.sender(MessagePriority.NORMAL)
    yield sender
    await sender.close(0)


async def send(sender: Sender, value: bytes, partition: Partition = HERE) -> asyncio.Future[int]:
    batch = sender.batch()
    batch.append(timestamp=1, key=None, value=value, headers=[])
    return await sender.send(batch, partition)


async def reader(transport: MemoryTransport, group: str | None = None) -> tuple[Fetcher, asyncio.Event]:
    assigned = asyncio.Event()

    async def on_revoked(_: frozenset[Partition]) -> None:
        assigned.clear()

    options = FetcherOptions(MessagePriority.NORMAL, group, lambda _: assigned.set(), on_revoked)
    fetcher = await transport.fetcher(options)
    await fetcher.set_topics({TOPIC: 2})
    return fetcher, assigned


def values(cluster: MemoryCluster, partition: Partition = HERE) -> list[bytes | None]:
    log = cluster.log(partition)
    assert log is not None
    return [record.value for record in log.read(0, 1_000)]


async def test_sends_are_held_and_complete_in_order(cluster: MemoryCluster, sender: Sender) -> None:
    cluster.stop()
    held = [await send(sender, b"1"), await send(sender, b"2"), await send(sender, b"x", Partition(TOPIC, 1))]
    assert not any(future.done() for future in held)
    assert values(cluster) == []
    cluster.start()
    assert [future.result() for future in held] == [0, 1, 0]
    assert values(cluster) == [b"1", b"2"]


async def test_a_third_batch_of_a_partition_waits(cluster: MemoryCluster, sender: Sender) -> None:
    cluster.stop()
    await send(sender, b"1")
    await send(sender, b"2")
    third, fourth = (asyncio.create_task(send(sender, value)) for value in (b"3", b"4"))
    done, _ = await asyncio.wait([third, fourth], timeout=0.05)
    assert not done
    cluster.start()
    async with asyncio.timeout(5):
        assert await (await third) == 2
        assert await (await fourth) == 3
    assert values(cluster) == [b"1", b"2", b"3", b"4"]


async def test_a_send_that_waits_can_be_cancelled(cluster: MemoryCluster, sender: Sender) -> None:
    cluster.stop()
    await send(sender, b"1")
    await send(sender, b"2")
    third = asyncio.create_task(send(sender, b"3"))
    await asyncio.wait([third], timeout=0.01)
    third.cancel()
    await asyncio.wait([third], timeout=5)
    cluster.start()
    async with asyncio.timeout(5):
        assert await (await send(sender, b"4")) == 2
    assert values(cluster) == [b"1", b"2", b"4"]


async def test_closing_a_sender_in_an_outage_fails_what_it_holds(cluster: MemoryCluster, sender: Sender) -> None:
    cluster.stop()
    held = [await send(sender, b"1"), await send(sender, b"2")]
    waiting = asyncio.create_task(send(sender, b"3"))
    async with asyncio.timeout(5):
        await sender.close(0.05)
        for future in held:
            with pytest.raises(DeliveryError, match="closed during an outage"):
                await future
        with pytest.raises(BusConnectionError, match="closed"):
            await waiting
    cluster.start()
    assert values(cluster) == []


async def test_closing_a_sender_waits_for_the_end_of_the_outage(cluster: MemoryCluster, sender: Sender) -> None:
    cluster.stop()
    held = await send(sender, b"1")
    closing = asyncio.create_task(sender.close(10))
    await asyncio.wait([closing], timeout=0.01)
    cluster.start()
    async with asyncio.timeout(5):
        await closing
    assert held.result() == 0


async def test_requests_fail_within_their_timeouts(cluster: MemoryCluster, transport: MemoryTransport) -> None:
    table = await transport.table("_things")
    fetcher, _ = await reader(transport, "crew")
    late = await transport.fetcher(FetcherOptions(MessagePriority.LOW, None, lambda _: None, _nothing))
    cluster.stop()
    requests = {
        "connect": MemoryTransport(transport.settings, cluster).connect(),
        "topics": transport.topics(),
        "create_topics": transport.create_topics([NewKafkaTopic("bus.c.d.low", 1)]),
        "sender": transport.sender(MessagePriority.LOW),
        "fetcher": transport.fetcher(FetcherOptions(MessagePriority.LOW, None, lambda _: None, _nothing)),
        "table": transport.table("_things"),
        "put": table.put("a", b"1"),
        "refresh": table.refresh(),
        "set_topics": late.set_topics({TOPIC: 2}),
        "commit": fetcher.commit({}, 0.1),
        "end_offsets": fetcher.end_offsets(0.1),
    }
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*requests.values(), return_exceptions=True)
    for what, outcome in zip(requests, outcomes, strict=True):
        assert isinstance(outcome, BusConnectionError), what
        assert what in str(outcome)
        assert "start()" in str(outcome)
    cluster.start()
    assert "bus.c.d.low" not in await transport.topics()
    await table.refresh()
    assert table.get("a") is None


async def test_requests_go_on_when_the_outage_ends_in_time(cluster: MemoryCluster, transport: MemoryTransport) -> None:
    cluster.stop()
    asking = asyncio.create_task(transport.topics())
    await asyncio.wait([asking], timeout=0.01)
    cluster.start()
    assert await asking == {TOPIC: 2}


async def test_fetch_is_empty_and_then_goes_on(
    cluster: MemoryCluster, transport: MemoryTransport, sender: Sender
) -> None:
    fetcher, _ = await reader(transport)
    await send(sender, b"1")
    cluster.stop()
    held = await send(sender, b"2")
    assert not await fetcher.fetch(10, 20)
    waiting = asyncio.create_task(fetcher.fetch(10, 60_000))
    await asyncio.wait([waiting], timeout=0.01)
    cluster.start()
    async with asyncio.timeout(5):
        assert [record.value for record in (await waiting)[HERE]] == [b"1", b"2"]
        assert await held == 1


async def test_a_group_is_assigned_after_the_outage(cluster: MemoryCluster, transport: MemoryTransport) -> None:
    cluster.stop()
    late = FetcherOptions(MessagePriority.NORMAL, "crew", lambda p: given.append(p), _nothing)
    given: list[frozenset[Partition]] = []
    cluster.start()
    fetcher = await transport.fetcher(late)
    cluster.stop()
    await fetcher.set_topics({TOPIC: 2})
    assert not await fetcher.fetch(10, 20)
    assert given == []
    cluster.start()
    assert not await fetcher.fetch(10, 20)
    assert given == [{HERE, Partition(TOPIC, 1)}]


async def test_stop_and_start_twice(cluster: MemoryCluster) -> None:
    cluster.start()
    cluster.stop()
    cluster.stop()
    assert not cluster.running
    assert "stopped" in repr(cluster)
    cluster.start()
    cluster.start()
    assert "running" in repr(cluster)


async def _nothing(_: frozenset[Partition]) -> None:
    return
