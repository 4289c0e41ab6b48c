"""The promise of `bus.transport.base`, kept by both engines: reading alone, and fetching."""

from __future__ import annotations

import asyncio

import pytest

from bus.message import Partition
from tests.contract.conftest import MakeClient
from tests.contract.harness import bounded, encoded, numbered

# Reading alone


async def test_alone_starts_at_the_end_of_the_first_topics(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    await client.send(name, numbered("before", 3), 0)
    reader = await client.reader({name: 2})
    await client.send(name, ["after-0"], 0)
    await client.send(name, ["after-1"], 1)
    assert set(await reader.take(2)) == {b"after-0", b"after-1"}


async def test_alone_starts_at_the_beginning_of_later_topics(make_transport: MakeClient) -> None:
    client = await make_transport()
    first, later = await client.create("a.b.normal"), await client.create("a.c.normal", 2)
    await client.send(first, ["not seen"])
    reader = await client.reader({first: 1})
    await client.send(first, ["first-0"])
    await client.send(later, ["later-0"], 1)
    await bounded(reader.fetcher.set_topics({first: 1, later: 2}))
    await client.send(first, ["first-1"])
    await client.send(later, ["later-1"], 1)
    await reader.take(4)
    assert reader.values_of(0, first) == encoded(["first-0", "first-1"])
    assert reader.values_of(1, later) == encoded(["later-0", "later-1"])


async def test_alone_from_the_start_reads_the_first_topics_from_the_beginning(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("born.later.normal", 2)
    await client.send(name, numbered("early", 2), 1)
    reader = await client.reader({name: 2}, from_start=True)
    await client.send(name, ["late"], 1)
    assert await reader.take(3) == encoded([*numbered("early", 2), "late"])


async def test_alone_new_partitions_start_at_the_beginning(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    await client.send(name, ["not seen"], 0)
    await client.send(name, ["of the new partition"], 1)
    reader = await client.reader({name: 1})
    await bounded(reader.fetcher.set_topics({name: 2}))
    assert await reader.take(1) == encoded(["of the new partition"])


async def test_alone_does_not_read_what_is_no_longer_named(make_transport: MakeClient) -> None:
    client = await make_transport()
    kept, dropped = await client.create("a.b.normal"), await client.create("a.c.normal")
    reader = await client.reader({kept: 1, dropped: 1})
    await bounded(reader.fetcher.set_topics({kept: 1}))
    assert set(await bounded(reader.fetcher.end_offsets(5.0))) == {Partition(kept, 0)}
    await client.send(dropped, ["not seen"])
    await client.send(kept, ["seen"])
    await reader.take(1)
    await reader.fetch(timeout_ms=300)
    assert reader.values == [b"seen"]


@pytest.mark.parametrize("attempt", range(5))
async def test_alone_what_is_sent_after_set_topics_returns_comes(make_transport: MakeClient, attempt: int) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 4)
    reader = await client.reader({name: 4})
    for partition in range(4):
        assert await client.send(name, [f"{attempt}-{partition}"], partition) == 0
    assert set(await reader.take(4)) == set(encoded(numbered(str(attempt), 4)))


async def test_alone_a_topic_named_again_moves_nothing(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    reader = await client.reader({name: 2})
    for number in range(5):
        await client.send(name, [str(number)], number % 2)
        await bounded(reader.fetcher.set_topics({name: 2}))
        await reader.take(number + 1)
    assert sorted(value or b"" for value in reader.values) == encoded(list("01234"))


async def test_alone_each_reader_has_all(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    name = await client.create("a.b.normal")
    readers = [await owner.reader({name: 1}) for owner in (client, client, other)]
    await client.send(name, numbered("v", 10))
    for reader in readers:
        assert await reader.take(10) == encoded(numbered("v", 10))


async def test_alone_is_told_its_partitions_before_their_records(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    reader = await client.reader({name: 2})
    assert reader.held == {Partition(name, 0), Partition(name, 1)}
    assert reader.revoked == []


# Fetching


async def test_fetch_is_empty_when_nothing_comes_in_time(make_transport: MakeClient) -> None:
    client = await make_transport()
    reader = await client.reader({await client.create("a.b.normal"): 1})
    assert not await bounded(reader.fetcher.fetch(10, 50))


async def test_fetch_gives_at_most_what_is_asked_for(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    reader = await client.reader({name: 2})
    for partition in (0, 1):
        await client.send(name, numbered(f"p{partition}", 20), partition)
    while len(reader.records) < 40:
        before = len(reader.records)
        await bounded(reader.fetch(records_max=7))
        assert len(reader.records) - before <= 7
    for partition in (0, 1):
        assert reader.values_of(partition) == encoded(numbered(f"p{partition}", 20))


async def test_fetch_returns_as_soon_as_something_comes(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    reader = await client.reader({name: 1})
    waiting = asyncio.create_task(reader.fetch(timeout_ms=600_000))
    await client.send(name, ["now"])
    await bounded(waiting)
    assert reader.values == [b"now"]


async def test_a_cancelled_fetch_loses_nothing(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    reader = await client.reader({name: 1})
    for number in range(20):
        waiting = asyncio.create_task(reader.fetch(timeout_ms=600_000))
        await asyncio.sleep(0)
        await client.send(name, [str(number)])
        waiting.cancel()
        await asyncio.wait([waiting], timeout=10)
    await reader.take(20)
    assert reader.values == encoded([str(number) for number in range(20)])


async def test_end_offsets_are_those_of_the_next_records(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    await client.send(name, numbered("v", 3), 1)
    reader = await client.reader({name: 2})
    assert await bounded(reader.fetcher.end_offsets(5.0)) == {Partition(name, 0): 0, Partition(name, 1): 3}
    assert await client.send(name, ["next"], 1) == 3
    assert (await bounded(reader.fetcher.end_offsets(5.0)))[Partition(name, 1)] == 4


@pytest.mark.parametrize("group", [None, "crew"])
async def test_close_twice(make_transport: MakeClient, group: str | None) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    reader = await client.reader({name: 1}, group)
    await reader.until(lambda r: len(r.held) == 1)
    await bounded(reader.fetcher.close(5.0))
    await bounded(reader.fetcher.close(5.0))
    assert reader.revoked in ([], [frozenset()])
