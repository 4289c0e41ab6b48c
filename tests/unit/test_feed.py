from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from bus.consume.feed import Feed
from bus.consume.intake import Intake
from bus.message import MessagePriority, Partition, Record
from bus.routing.patterns import compile_pattern
from bus.settings import Settings
from bus.transport.base import FetcherOptions
from tests.unit.test_intake import records

PARTITION = Partition("bus.shop.carts.low", 0)


class Engine:
    """An engine that goes on giving records while partitions are being given away, as a real one may."""

    def __init__(self) -> None:
        self.committed: dict[Partition, int] = {}
        self.batches: asyncio.Queue[Mapping[Partition, Sequence[Record]]] = asyncio.Queue()

    async def fetcher(self, options: FetcherOptions) -> Engine:
        self.options = options
        return self

    async def fetch(self, records_max: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        return await self.batches.get()

    async def commit(self, offsets: Mapping[Partition, int], timeout_s: float) -> None:
        self.committed |= offsets

    async def close(self, timeout_s: float) -> None:
        """Nothing to close."""


async def test_what_is_fetched_while_partitions_are_given_away_moves_no_position() -> None:
    engine, intake = Engine(), Intake(compile_pattern("**"), Settings())
    feed = Feed(MessagePriority.LOW, "g", [intake], Settings())
    await feed.start(engine)  # type: ignore[arg-type]
    engine.options.on_assigned(frozenset({PARTITION}))
    await engine.batches.put({PARTITION: records(100)})
    while not any(intake.waiting):
        await asyncio.sleep(0)
    taken = intake.take()
    assert taken is not None
    taken.state.active += 1
    leaving = asyncio.ensure_future(engine.options.on_revoked(frozenset({PARTITION})))
    await asyncio.sleep(0)
    await engine.batches.put({PARTITION: records(100, start=100)})
    while not engine.batches.empty():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert intake.take() is None
    taken.state.settled.done(taken.record.offset)
    taken.state.leave()
    await asyncio.wait_for(leaving, 5)
    assert engine.committed == {PARTITION: 1}
    await feed.close(1)
