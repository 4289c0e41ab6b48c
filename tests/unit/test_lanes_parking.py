from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bus import HandlerError, Message
from bus.avro.reader import UnknownSchema
from bus.consume.handler import Handler
from bus.consume.intake import Intake, PartitionState
from bus.consume.lanes import Lanes
from bus.errors import DecodeError
from bus.message import TIERS
from bus.routing.patterns import compile_pattern
from bus.settings import Settings
from tests.unit.test_intake import FakeRecord, state

CRITICAL, LOW = TIERS[0], TIERS[3]
BOUND_S = 10.0
LATE_MAX = 1_000


class Schemas:
    """A codec whose values name their schema in the first byte; those but `k` are learned when told."""

    def __init__(self) -> None:
        self.known = {b"k"}
        self.absent: set[bytes] = set()
        self.asked: list[bytes] = []
        self.under_way = 0
        self._told = asyncio.Event()

    def decode(self, topic: str, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> str:
        if value[:1] not in self.known:
            raise UnknownSchema(value[:1])
        return value.decode()

    async def learn(self, unknown: UnknownSchema, value: bytes) -> None:
        self.asked.append(value)
        self.under_way += 1
        try:
            while value[:1] not in self.known | self.absent:
                await self._told.wait()
                self._told.clear()
        finally:
            self.under_way -= 1
        if value[:1] in self.absent:
            raise DecodeError("nobody registered it", value)

    def tell(self, schema: bytes) -> None:
        self.known.add(schema)
        self._told.set()

    def deny(self, schema: bytes) -> None:
        self.absent.add(schema)
        self._told.set()


class Run:
    """Lanes over an intake; remembers what was handled."""

    def __init__(self, workers: int, handler: Handler | None = None) -> None:
        self.schemas = Schemas()
        self.intake = Intake(compile_pattern("**"), Settings())
        self.handled: list[str] = []
        self._next_offsets: dict[PartitionState, int] = {}
        self.lanes = Lanes(handler or self.handled.append, workers, self.intake, self.schemas)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.lanes.run(1.0))

    def offer(self, partition: PartitionState, *values: str, key: bytes = b"key", tier: Any = LOW) -> None:
        first = self._next_offsets.get(partition, 0)
        self._next_offsets[partition] = first + len(values)
        records = [
            FakeRecord(offset, (("bus-topic", b"a.b.c"),), key=key, value=value.encode())
            for offset, value in enumerate(values, first)
        ]
        self.intake.offer(tier, partition, records, 0)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not holds():
                assert not self.task.done() or self.task.result() is None
                await asyncio.sleep(0)

    async def until_handled(self, *values: str) -> None:
        await self.until(lambda: len(self.handled) >= len(values))
        assert self.handled == list(values)


@asynccontextmanager
async def running(workers: int, handler: Handler | None = None) -> AsyncIterator[Run]:
    run = Run(workers, handler)
    try:
        yield run
    finally:
        run.task.cancel()
        await asyncio.gather(run.task, return_exceptions=True)
    assert run.schemas.under_way == 0


workers_1_and_4 = pytest.mark.parametrize("workers", [1, 4])


@workers_1_and_4
async def test_other_keys_go_on_and_a_parked_key_keeps_its_order(workers: int) -> None:
    async with running(workers) as run:
        partition = state()
        run.offer(partition, "s1", "k2", "t3", "k4")
        run.offer(partition, "k5", key=b"other")
        await run.until_handled("k5")
        assert (partition.active, partition.settled.position) == (0, 0)
        run.schemas.tell(b"s")
        await run.until_handled("k5", "s1", "k2")
        await run.until(lambda: partition.active == 0)
        run.schemas.tell(b"t")
        await run.until_handled("k5", "s1", "k2", "t3", "k4")
        assert (partition.active, partition.settled.position) == (0, 5)


@workers_1_and_4
async def test_many_that_wait_for_one_schema_ask_once(workers: int) -> None:
    async with running(workers) as run:
        for number in range(8):
            run.offer(state(number), f"s{number}")
        run.offer(state(9), "k")
        await run.until_handled("k")
        run.schemas.tell(b"s")
        await run.until_handled("k", *(f"s{number}" for number in range(8)))
        assert run.schemas.asked == [b"s0"]


@workers_1_and_4
async def test_what_waits_is_dropped_with_its_partition_and_its_key_is_free(workers: int) -> None:
    async with running(workers) as run:
        leaves, comes, stays = state(), state(), state(1)
        run.offer(leaves, "s1", "k2")
        run.offer(stays, "s3", "k4")
        await run.until(lambda: leaves.settled.open_count == stays.settled.open_count == 2)
        run.intake.drop({leaves})
        await leaves.idle()
        run.offer(comes, "k1")
        await run.until_handled("k1")
        run.schemas.tell(b"s")
        await run.until_handled("k1", "s3", "k4")
        assert (leaves.settled.position, stays.settled.position) == (0, 2)


async def test_the_last_that_waits_for_a_schema_takes_the_look_up_along() -> None:
    async with running(4) as run:
        leaves = state()
        run.offer(leaves, "s1")
        await run.until(lambda: run.schemas.under_way == 1)
        run.intake.drop({leaves})
        await run.until(lambda: run.schemas.under_way == 0)


async def test_what_turns_out_to_wait_during_a_drain_does_not_hold_it_up() -> None:
    finish, handled = asyncio.Event(), []

    async def handle(data: str) -> None:
        handled.append(data)
        await finish.wait()

    async with running(4, handle) as run:
        leaves = state()
        run.offer(leaves, "k1", "s2", "k3")
        await run.until(lambda: leaves.active == 3)
        run.intake.drop({leaves})
        finish.set()
        async with asyncio.timeout(BOUND_S):
            await leaves.idle()
        run.schemas.tell(b"s")
        run.offer(state(1), "k4")
        await run.until(lambda: len(handled) == 2)
        assert handled == ["k1", "k4"]
        assert leaves.settled.position == 1


@workers_1_and_4
async def test_behind_a_thousand_that_wait_only_their_tier_waits(workers: int) -> None:
    async with running(workers) as run:
        low, critical, count = state(), state(1), LATE_MAX + 500
        run.offer(low, "s0", *(f"k{number}" for number in range(1, count)))
        await run.until(lambda: low.settled.open_count == LATE_MAX)
        run.offer(critical, "k", tier=CRITICAL)
        await run.until_handled("k")
        assert low.settled.open_count == LATE_MAX
        run.schemas.tell(b"s")
        await run.until_handled("k", "s0", *(f"k{number}" for number in range(1, count)))
        assert (low.active, low.settled.position) == (0, count)


@workers_1_and_4
async def test_a_tier_that_was_full_of_what_waits_is_taken_from_again_when_that_is_dropped(workers: int) -> None:
    async with running(workers) as run:
        leaves, stays = state(), state(1)
        run.offer(leaves, "s0", *(f"k{number}" for number in range(1, LATE_MAX)))
        await run.until(lambda: leaves.settled.open_count == LATE_MAX)
        run.offer(stays, "k")
        run.intake.drop({leaves})
        await run.until_handled("k")


async def test_what_waited_and_what_is_new_are_handled_in_turn() -> None:
    handled: list[str] = []

    async def handle(data: str) -> None:
        handled.append(data)
        if data == "s0":
            run.offer(state(1), "k", key=b"new", tier=CRITICAL)

    async with running(1, handle) as run:
        low = state()
        run.offer(low, "s0", *(f"k{number}" for number in range(1, 100)))
        await run.until(lambda: low.settled.open_count == 100)
        run.schemas.tell(b"s")
        await run.until(lambda: len(handled) == 101)
        assert handled.index("k") <= 2
        assert [each for each in handled if each != "k"] == ["s0", *(f"k{number}" for number in range(1, 100))]


@workers_1_and_4
async def test_a_schema_that_nobody_registered_fails_as_a_handler_does(workers: int) -> None:
    async with running(workers) as run:
        partition = state()
        run.offer(partition, "s0", "k1")
        await run.until(lambda: partition.settled.open_count == 2)
        run.schemas.deny(b"s")
        with pytest.raises(HandlerError, match=r"a\.b\.c@bus\.shop\.carts\.low/0/0: .*nobody registered it"):
            await asyncio.wait_for(asyncio.shield(run.task), BOUND_S)
        assert (run.handled, partition.active, partition.settled.position) == ([], 0, 0)


@workers_1_and_4
async def test_lanes_that_end_leave_nothing_behind(workers: int) -> None:
    async with running(workers) as run:
        partition = state()
        run.offer(partition, "s0", "k1")
        await run.until(lambda: run.schemas.under_way == 1 and partition.settled.open_count == 2)
    assert (run.handled, partition.active, partition.settled.position) == ([], 0, 0)


async def test_a_handler_is_given_the_message_that_waited() -> None:
    came: list[Message] = []

    def handle(data: str, message: Message) -> None:
        came.append(message)

    async with running(1, handle) as run:
        run.offer(state(), "s0")
        await run.until(lambda: run.schemas.under_way == 1)
        run.schemas.tell(b"s")
        await run.until(lambda: len(came) == 1)
        assert (came[0].topic, came[0].data, came[0].priority) == ("a.b.c", "s0", LOW)
