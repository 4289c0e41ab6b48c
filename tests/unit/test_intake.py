from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from bus.consume.intake import Intake, PartitionState, Taken
from bus.consume.schedule import SHARES
from bus.message import TIERS, MessagePriority, Partition
from bus.routing.patterns import compile_pattern
from bus.settings import Settings

CRITICAL, HIGH, NORMAL, LOW = TIERS


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    headers: tuple[tuple[str, bytes], ...]
    topic: str = "bus.shop.carts.low"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b"v"


def records(count: int, topic: bytes | None = b"shop.carts.new", start: int = 0) -> list[FakeRecord]:
    headers = () if topic is None else (("bus-topic", topic),)
    return [FakeRecord(start + n, headers) for n in range(count)]


def intake(pattern: str = "shop.**", **settings: int) -> Intake:
    return Intake(compile_pattern(pattern), Settings(**settings))


def state(number: int = 0) -> PartitionState:
    return PartitionState(Partition("bus.shop.carts.low", number))


def taken(source: Intake, count: int) -> list[Taken]:
    out = [source.take() for _ in range(count)]
    assert all(each is not None for each in out)
    return [each for each in out if each is not None]


def test_records_come_in_order_and_open_their_offsets() -> None:
    source, partition = intake(), state()
    source.offer(LOW, partition, records(3), 3)
    source.offer(LOW, partition, records(2, start=3), 2)
    assert [each.record.offset for each in taken(source, 5)] == [0, 1, 2, 3, 4]
    assert source.take() is None
    assert partition.settled.position == 0
    for offset in (1, 0, 2):
        partition.settled.done(offset)
    assert partition.settled.position == 3


def test_what_does_not_match_is_passed_over_and_settled() -> None:
    source, partition = intake("shop.carts.new"), state()
    source.offer(LOW, partition, [*records(2, b"shop.carts.old"), *records(1, start=2)], 3)
    (one,) = taken(source, 1)
    assert (one.topic, one.record.offset) == ("shop.carts.new", 2)
    partition.settled.done(2)
    assert partition.settled.position == 3


def test_a_record_of_a_foreign_producer_is_known_by_its_family() -> None:
    source = intake("shop.carts")
    source.offer(LOW, state(), records(1, None), 1)
    assert taken(source, 1)[0].topic == "shop.carts"


def test_all_tiers_get_their_shares_and_the_urgent_goes_first() -> None:
    source = intake()
    for tier in TIERS:
        source.offer(tier, state(tier), records(2_000), 2_000)
    got = [each.tier for each in taken(source, 16 * sum(SHARES))]
    assert got == sorted(got)
    assert [got.count(tier) for tier in TIERS] == [16 * share for share in SHARES]


def test_an_urgent_message_is_next_though_a_unit_of_low_is_running() -> None:
    source = intake()
    source.offer(LOW, state(), records(100), 100)
    taken(source, 3)
    source.offer(CRITICAL, state(1), records(1), 1)
    assert [each.tier for each in taken(source, 2)] == [CRITICAL, LOW]


@pytest.mark.parametrize("limit", [{"intake_messages_max": 10}, {"intake_memory_bytes": 65_536}])
async def test_a_full_tier_has_no_room_until_it_is_half_empty(limit: dict[str, int]) -> None:
    source, partition = intake("shop.**", **limit), state()
    for chunk in range(5):
        source.offer(LOW, partition, records(2, start=chunk * 2), 65_536 // 5 + 1)
    waiting = asyncio.create_task(source.room(LOW))
    await source.room(CRITICAL)
    await asyncio.sleep(0)
    taken(source, 4)
    await asyncio.sleep(0)
    assert not waiting.done()
    taken(source, 2)
    await asyncio.wait_for(waiting, 1)


async def test_what_is_given_away_is_forgotten_and_makes_room() -> None:
    source, leaves, stays = intake(intake_messages_max=10), state(0), state(1)
    source.offer(LOW, leaves, records(9), 9)
    source.offer(LOW, stays, records(1), 1)
    taken(source, 2)
    source.drop({leaves})
    await asyncio.wait_for(source.room(LOW), 1)
    assert [each.state for each in taken(source, 1)] == [stays]
    assert source.take() is None
    assert leaves.settled.position == 0
    assert leaves.settled.high == 2


async def test_a_partition_is_idle_when_its_handlers_are_done() -> None:
    partition = state()
    await partition.idle()
    partition.active = 2
    waiting = asyncio.create_task(partition.idle())
    await asyncio.sleep(0)
    partition.leave()
    await asyncio.sleep(0)
    assert not waiting.done()
    partition.leave()
    await asyncio.wait_for(waiting, 1)


def test_priorities_are_in_order() -> None:
    assert MessagePriority.CRITICAL < MessagePriority.LOW
