"""The promise of `bus.transport.base`, kept by both engines: groups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bus.errors import BusConnectionError
from bus.message import MessagePriority, Partition
from tests.contract.conftest import MakeClient
from tests.contract.harness import Reader, bounded, encoded, numbered


async def test_a_new_group_starts_at_the_earliest(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    await client.send(name, numbered("a", 5), 0)
    await client.send(name, numbered("b", 5), 1)
    reader = await client.reader({name: 2}, "crew")
    await reader.take(10)
    assert (reader.values_of(0), reader.values_of(1)) == (
        encoded(numbered("a", 5)),
        encoded(numbered("b", 5)),
    )


async def test_a_group_goes_on_from_its_commit(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    await client.send(name, numbered("v", 10))
    reader = await client.reader({name: 1}, "crew")
    await reader.take(10)
    await bounded(reader.fetcher.commit({Partition(name, 0): 4}, 10.0))
    await bounded(reader.fetcher.commit({Partition(name, 0): 6}, 10.0))
    await bounded(reader.fetcher.close(5.0))
    again = await (await make_transport()).reader({name: 1}, "crew")
    assert await again.take(4) == encoded(numbered("v", 10))[6:]


async def test_what_is_not_committed_comes_again(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    await client.send(name, numbered("v", 3))
    reader = await client.reader({name: 1}, "crew")
    await reader.take(3)
    await bounded(reader.fetcher.close(5.0))
    again = await client.reader({name: 1}, "crew")
    assert await again.take(3) == encoded(numbered("v", 3))


async def test_groups_do_not_share_positions(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    await client.send(name, numbered("v", 3))
    crew, gang = await client.reader({name: 1}, "crew"), await client.reader({name: 1}, "gang")
    await crew.take(3)
    await bounded(crew.fetcher.commit(crew.next_offsets(), 10.0))
    assert await gang.take(3) == encoded(numbered("v", 3))


async def test_members_share_the_partitions(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    name = await client.create("a.b.normal", 4)
    everything = {Partition(name, number) for number in range(4)}
    first = await client.reader({name: 4}, "crew")
    await first.until(lambda r: r.held == everything)
    second = await other.reader({name: 4}, "crew")
    await both(first, second, lambda r: len(r.held) == 2)
    assert first.held | second.held == everything
    for partition in range(4):
        await client.send(name, [f"to-{partition}"], partition)
    await both(first, second, lambda r: len(r.records) == 2)
    for reader in (first, second):
        assert {Partition(r.topic, r.partition) for r in reader.records} == reader.held


async def test_all_give_up_before_anyone_takes(make_transport: MakeClient) -> None:
    """What a member commits in `on_revoked` is where the next owner begins."""
    client, other = await make_transport(), await make_transport()
    name = await client.create("a.b.normal", 4)
    for partition in range(4):
        await client.send(name, numbered(f"p{partition}", 5), partition)
    second: list[Reader] = []
    assigned_at_revocation: list[int] = []

    async def commit_all(reader: Reader, _partitions: frozenset[Partition]) -> None:
        assigned_at_revocation.append(len(second[0].assigned) if second else 0)
        await reader.fetcher.commit(reader.next_offsets(), 10.0)

    first = await client.reader({name: 4}, "crew", on_revoked=commit_all)
    await first.take(20)
    second.append(await other.reader({name: 4}, "crew"))
    await both(first, second[0], lambda r: len(r.held) == 2)
    assert first.revoked == [frozenset(Partition(name, number) for number in range(4))]
    assert assigned_at_revocation == [0]
    for partition in range(4):
        await client.send(name, [f"new-{partition}"], partition)
    await both(first, second[0], lambda r: sum(b"new" in (v or b"") for v in r.values) == 2)
    assert len(first.records) == 22
    assert len(second[0].records) == 2


async def test_nothing_is_lost_when_members_come_and_go(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    name = await client.create("a.b.normal", 3)
    first = await client.reader({name: 3}, "crew", on_revoked=_commit_own)
    for partition in range(3):
        await client.send(name, numbered(f"a{partition}", 20), partition)
    await first.until(lambda r: len(r.records) >= 10)
    second = await other.reader({name: 3}, "crew", on_revoked=_commit_own)
    for partition in range(3):
        await client.send(name, numbered(f"b{partition}", 20), partition)
    await both(first, second, lambda r: 0 < len(r.held) < 3)
    await bounded(first.fetcher.close(5.0))
    for partition in range(3):
        await client.send(name, numbered(f"c{partition}", 20), partition)
    sent = {value for kind in "abc" for p in range(3) for value in encoded(numbered(f"{kind}{p}", 20))}
    await second.until(lambda r: set(r.values) | set(first.values) == sent)
    # Each reader saw each partition in order; only what was not committed came twice.
    for reader in (first, second):
        for partition in range(3):
            offsets = [r.offset for r in reader.records if r.partition == partition]
            assert sorted(set(offsets)) == list(dict.fromkeys(offsets))


async def test_a_member_that_closes_leaves_its_work_to_the_others(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    name = await client.create("a.b.normal", 2)
    first, second = await client.reader({name: 2}, "crew"), await other.reader({name: 2}, "crew")
    await both(first, second, lambda r: len(r.held) == 1)
    first.revoked.clear()
    await bounded(first.fetcher.close(5.0))
    await second.until(lambda r: len(r.held) == 2)
    assert first.revoked == []
    for partition in (0, 1):
        await client.send(name, [str(partition)], partition)
    assert set(await second.take(2)) == {b"0", b"1"}


async def test_a_member_with_new_topics_gets_them(make_transport: MakeClient) -> None:
    client = await make_transport()
    old, new = await client.create("a.b.normal"), await client.create("a.c.normal", 2)
    await client.send(new, ["waiting"], 1)
    reader = await client.reader({old: 1}, "crew", on_revoked=_commit_own)
    await client.send(old, ["before"])
    await reader.take(1)
    await bounded(reader.fetcher.set_topics({old: 1, new: 2}))
    await reader.until(lambda r: len(r.held) == 3)
    await client.send(old, ["after"])
    await reader.take(3)
    assert reader.values_of(0, old) == encoded(["before", "after"])
    assert reader.values_of(1, new) == [b"waiting"]


async def test_members_with_different_topics_get_their_own(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    left, right = await client.create("a.left.normal", 2), await client.create("a.right.normal", 2)
    first, second = await client.reader({left: 2}, "crew"), await other.reader({right: 2}, "crew")
    await both(first, second, lambda r: len(r.held) == 2)
    assert {p.topic for p in first.held} == {left}
    assert {p.topic for p in second.held} == {right}


async def test_a_commit_is_refused_after_revocation(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    name = await client.create("a.b.normal", 2)
    for partition in (0, 1):
        await client.send(name, numbered(f"p{partition}", 4), partition)
    first = await client.reader({name: 2}, "crew")
    await first.take(8)
    second = await other.reader({name: 2}, "crew")
    await both(first, second, lambda r: len(r.held) == 1)
    (lost,) = second.held
    await second.until(lambda r: len(r.records) == 4)
    await bounded(second.fetcher.commit({lost: 3}, 10.0))
    with pytest.raises(BusConnectionError):
        await bounded(first.fetcher.commit({lost: 4}, 5.0))
    await bounded(first.fetcher.close(5.0))
    await bounded(second.fetcher.close(5.0))
    third = await client.reader({name: 2}, "crew")
    await third.until(lambda r: len(r.records) >= 5)
    assert third.values_of(lost.partition) == encoded(numbered(f"p{lost.partition}", 4))[3:]


async def test_more_members_than_partitions(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    readers = [await client.reader({name: 1}, "crew") for _ in range(3)]
    await bounded(asyncio.gather(*(reader.until(lambda _: _settled(readers, 1)) for reader in readers)))
    await client.send(name, ["once"])
    await asyncio.gather(*(reader.until(lambda _: any(r.records for r in readers)) for reader in readers))
    assert [reader.values for reader in readers if reader.records] == [[b"once"]]


async def test_tiers_have_groups_of_their_own(make_transport: MakeClient) -> None:
    client = await make_transport()
    low, high = await client.create("a.b.low"), await client.create("a.b.high")
    lazy = await client.reader({low: 1}, "crew.low", tier=MessagePriority.LOW)
    quick = await client.reader({high: 1}, "crew.high", tier=MessagePriority.HIGH)
    await client.send(low, ["low"])
    await client.send(high, ["high"])
    assert await quick.take(1) == [b"high"]
    assert await lazy.take(1) == [b"low"]


async def both(first: Reader, second: Reader, done: Callable[[Reader], bool]) -> None:
    """Lets both fetch until the condition holds for each at once."""
    await asyncio.gather(*(reader.until(lambda _: done(first) and done(second)) for reader in (first, second)))


async def _commit_own(reader: Reader, partitions: frozenset[Partition]) -> None:
    offsets = {p: offset for p, offset in reader.next_offsets().items() if p in partitions}
    if offsets:
        await reader.fetcher.commit(offsets, 10.0)


def _settled(readers: list[Reader], partitions: int) -> bool:
    return all(reader.assigned for reader in readers) and sum(len(r.held) for r in readers) == partitions
