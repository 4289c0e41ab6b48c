"""confluent-kafka: `produce` with callbacks, its asyncio producer, and `consume` with commits by hand."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, Producer

from perf.event import Event, decode, encode, events
from perf.work import Stopwatch, Tally, Work

POLL_EVERY = 100


def _producing(work: Work) -> dict[str, Any]:
    return {
        "bootstrap.servers": work.servers,
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": work.linger_ms,
        "batch.size": work.batch_size_bytes,
        "partitioner": "murmur2_random",
    }


async def produce(work: Work, clock: Stopwatch) -> int:
    """A `produce` with a delivery callback for each event, polled now and then; `flush` at the end."""
    producer = Producer(_producing(work))
    acknowledged = 0
    refused: list[Any] = []

    def delivered(error: Any, message: Any) -> None:
        nonlocal acknowledged
        if error is None:
            acknowledged += 1
        else:
            refused.append(error)

    def run(source: Iterator[Event]) -> None:
        for number, event in enumerate(source):
            value, key = encode(event), event["symbol"]
            while True:
                try:
                    producer.produce(work.topic, value, key, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.05)
            if number % POLL_EVERY == 0:
                producer.poll(0)
        producer.flush()

    run(events(work.warmup))
    source = events(work.events)
    clock.start()
    run(source)
    clock.stop()
    if refused:
        raise RuntimeError(f"{len(refused)} events were refused, the first for: {refused[0]}")
    return acknowledged


async def aio_produce(work: Work, clock: Stopwatch) -> int:
    """An awaited `produce` of the asyncio producer for each event, its futures collected; then `flush`."""
    from confluent_kafka.aio import AIOProducer

    producer = AIOProducer(_producing(work))
    pending: deque[asyncio.Future[Any]] = deque()
    acknowledged = 0

    async def settle(keep: int) -> None:
        # Its futures are set by a thread that does not wake the loop, so what drives them is polled.
        nonlocal acknowledged
        while len(pending) > keep:
            if not pending[0].done():
                await producer.poll(0.005)
                continue
            pending.popleft().result()
            acknowledged += 1

    async def run(source: Iterator[Event]) -> None:
        for event in source:
            pending.append(await producer.produce(work.topic, encode(event), event["symbol"]))
            if len(pending) >= work.unconfirmed_max:
                await settle(work.unconfirmed_max // 2)
        await producer.flush()
        await settle(0)

    try:
        await run(events(work.warmup))
        source = events(work.events)
        clock.start()
        await run(source)
        clock.stop()
    finally:
        await producer.close()
    return acknowledged


async def consume(work: Work, tally: Tally) -> None:
    """Decodes and handles each record of `consume(500)`; a commit each interval, and one at the end."""
    consumer = Consumer(
        {
            "bootstrap.servers": work.servers,
            "group.id": work.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": work.fetch_max_wait_ms,
            "fetch.message.max.bytes": work.max_partition_fetch_bytes,
        }
    )
    consumer.subscribe([work.topic])
    deadline = committed_at = time.monotonic()
    try:
        while not tally.done.is_set() and time.monotonic() - deadline < work.timeout_s:
            fetched = consumer.consume(500, timeout=0.1)
            if fetched:
                tally.begin()
            for message in fetched:
                if message.error() is not None:
                    raise RuntimeError(str(message.error()))
                await tally.handle(decode(message.value() or b""))
            if time.monotonic() - committed_at > work.commit_interval_ms / 1000:
                consumer.commit(asynchronous=True)
                committed_at = time.monotonic()
        consumer.commit(asynchronous=False)
    finally:
        consumer.close()
