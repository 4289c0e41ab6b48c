"""aiokafka: one `send` an event, batches made by hand, and a `getmany` loop that commits by hand."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from perf.event import Event, decode, encode, events
from perf.work import Stopwatch, Tally, Work

# aiokafka's own classes are only partly typed.
_Producer: Any = AIOKafkaProducer
_Consumer: Any = AIOKafkaConsumer


@asynccontextmanager
async def _producer(work: Work) -> AsyncIterator[Any]:
    producer = _Producer(
        bootstrap_servers=work.servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=work.linger_ms,
        max_batch_size=work.batch_size_bytes,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


class Unconfirmed:
    """Futures of sends, in order and bounded: the oldest is waited for before too many are held."""

    def __init__(self, limit: int) -> None:
        self.acknowledged = 0
        self._futures: deque[tuple[asyncio.Future[Any], int]] = deque()
        self._limit = limit

    async def add(self, future: asyncio.Future[Any], records: int = 1) -> None:
        self._futures.append((future, records))
        if len(self._futures) >= self._limit:
            await self.settle(self._limit // 2)

    async def settle(self, keep: int = 0) -> None:
        """Waits for all but the youngest `keep`; a failed send raises here."""
        futures = self._futures
        while len(futures) > keep:
            future, records = futures.popleft()
            if not future.done():
                await future
            future.result()
            self.acknowledged += records


async def send(work: Work, clock: Stopwatch) -> int:
    """An awaited `send` for each event, its futures collected and waited for."""
    sent = Unconfirmed(work.unconfirmed_max)

    async def run(source: Iterator[Event]) -> None:
        for event in source:
            key = event["symbol"].encode()
            await sent.add(await producer.send(work.topic, encode(event), key=key))
        await sent.settle()

    async with _producer(work) as producer:
        await run(events(work.warmup))
        source = events(work.events)
        clock.start()
        await run(source)
        clock.stop()
    return sent.acknowledged


async def send_batch(work: Work, clock: Stopwatch) -> int:
    """A batch a partition, filled by hand and sent when it is full: what an expert writes for speed."""
    sent = Unconfirmed(work.unconfirmed_max)
    partitioner, numbers = DefaultPartitioner(), list(range(work.partitions))
    partition_of: dict[str, int] = {}

    async def run(source: Iterator[Event]) -> None:
        batches: dict[int, Any] = {number: producer.create_batch() for number in numbers}
        for event in source:
            symbol = event["symbol"]
            key = symbol.encode()
            number = partition_of.get(symbol)
            if number is None:
                number = partition_of[symbol] = partitioner(key, numbers, numbers)
            value = encode(event)
            if batches[number].append(key=key, value=value, timestamp=None) is None:
                await post(batches[number], number)
                batches[number] = producer.create_batch()
                batches[number].append(key=key, value=value, timestamp=None)
        for number, batch in batches.items():
            if batch.record_count():
                await post(batch, number)
        await sent.settle()

    async def post(batch: Any, number: int) -> None:
        records = batch.record_count()
        await sent.add(await producer.send_batch(batch, work.topic, partition=number), records)

    async with _producer(work) as producer:
        await run(events(work.warmup))
        source = events(work.events)
        clock.start()
        await run(source)
        clock.stop()
    return sent.acknowledged


async def getmany(work: Work, tally: Tally) -> None:
    """A loop of `getmany`, decoding and handling each record; a commit each interval, and one at the end."""
    consumer = _Consumer(
        work.topic,
        bootstrap_servers=work.servers,
        group_id=work.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=work.fetch_max_wait_ms,
        max_partition_fetch_bytes=work.max_partition_fetch_bytes,
    )
    await consumer.start()
    try:
        committed_at = time.monotonic()
        while not tally.done.is_set():
            fetched = await consumer.getmany(timeout_ms=200)
            if fetched:
                tally.begin()
            for records in fetched.values():
                for record in records:
                    await tally.handle(decode(record.value or b""))
            if time.monotonic() - committed_at > work.commit_interval_ms / 1000:
                await consumer.commit()
                committed_at = time.monotonic()
        await consumer.commit()
    finally:
        await consumer.stop()
