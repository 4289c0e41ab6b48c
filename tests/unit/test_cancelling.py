from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bus import ClosedError, Message
from bus.testing import memory_bus


async def test_a_cancelled_receive_loses_nothing() -> None:
    async with memory_bus() as bus:
        numbers = await bus.subscribe("a.b.c", group="g")
        await bus.publish_many("a.b.c", range(3), confirm=True)
        while not any(numbers.intake.waiting):
            await asyncio.sleep(0)
        pulling = asyncio.create_task(numbers.receive())
        await asyncio.sleep(0)
        pulling.cancel()
        outcomes = await asyncio.gather(pulling, return_exceptions=True)
        got = [outcome.data for outcome in outcomes if isinstance(outcome, Message)]
        while len(got) < 3:
            message = await numbers.receive(5)
            assert message is not None
            got.append(message.data)
        assert got == [0, 1, 2]


async def test_a_publish_begun_before_close_and_awaited_after_it_is_refused() -> None:
    bus = memory_bus()
    await bus.connect()
    await bus.publish("a.b.c", 1, confirm=True)
    late = bus.publish("a.b.c", 2)
    await bus.close()
    with pytest.raises(ClosedError):
        await late


async def test_publish_many_that_outlives_close_stops_with_an_error() -> None:
    bus, enough = memory_bus(), asyncio.Event()
    await bus.connect()

    def endless() -> Iterator[int]:
        number = 0
        while True:
            number += 1
            if number == 5_000:
                enough.set()
            yield number

    publishing = asyncio.create_task(bus.publish_many("a.b.c", endless()))
    await asyncio.wait_for(enough.wait(), 10)
    await bus.close()
    with pytest.raises(ClosedError):
        await asyncio.wait_for(publishing, 10)
