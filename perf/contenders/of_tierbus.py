"""tierbus through its public names: `publish`, `publish_many`, and a handler with one worker or many."""

from __future__ import annotations

import asyncio
from itertools import islice

from bus import MessageBus, Settings
from bus.settings import RouteRule
from perf.event import CONTRACT, CONTRACTS_DIR, Event, events, symbol_of
from perf.work import Stopwatch, Tally, Work

TOPIC = "bench.event"
CHUNK = 1_000


def _settings(work: Work) -> Settings:
    return Settings(
        bootstrap_servers=work.servers,
        namespace=work.topic,
        routes=(RouteRule(pattern="bench.**", contract=CONTRACT, partitions=work.partitions),),
        replication_factor=1,
        contracts_dir=str(CONTRACTS_DIR),
        tiers={
            "normal": {
                "linger_ms": work.linger_ms,
                "batch_size_bytes": work.batch_size_bytes,
                "fetch_max_wait_ms": work.fetch_max_wait_ms,
            }
        },
        max_partition_fetch_bytes=work.max_partition_fetch_bytes,
        commit_interval_ms=work.commit_interval_ms,
    )


async def publish(work: Work, clock: Stopwatch) -> int:
    """An awaited `publish` for each event; `flush` waits for all and raises if one was not delivered."""
    async with MessageBus(_settings(work)) as bus:
        for event in events(work.warmup):
            await bus.publish(TOPIC, event, key=event["symbol"])
        await bus.flush()
        source = events(work.events)
        clock.start()
        for event in source:
            await bus.publish(TOPIC, event, key=event["symbol"])
        await bus.flush()
        clock.stop()
    return work.warmup + work.events


async def publish_many(work: Work, clock: Stopwatch) -> int:
    """An awaited `publish_many` for each thousand events; `flush` at the end."""
    async with MessageBus(_settings(work)) as bus:
        await bus.publish_many(TOPIC, list(events(work.warmup)), key=symbol_of)
        await bus.flush()
        source = events(work.events)
        clock.start()
        while chunk := list(islice(source, CHUNK)):
            await bus.publish_many(TOPIC, chunk, key=symbol_of)
        await bus.flush()
        clock.stop()
    return work.warmup + work.events


async def on(work: Work, tally: Tally) -> None:
    """`@bus.on` with one worker."""
    await _on(work, tally, workers=1)


async def on_with_workers(work: Work, tally: Tally) -> None:
    """`@bus.on` with sixteen: what order by key among concurrent handlers costs."""
    await _on(work, tally, workers=16)


async def _on(work: Work, tally: Tally, workers: int) -> None:
    async with MessageBus(_settings(work)) as bus:

        @bus.on(TOPIC, group=work.group, workers=workers)
        async def handler(event: Event) -> None:
            await tally.handle(event)

        running = asyncio.create_task(bus.run())
        done = asyncio.create_task(tally.done.wait())
        await asyncio.wait({running, done}, return_when=asyncio.FIRST_COMPLETED)
        done.cancel()
        bus.stop()
        await running
