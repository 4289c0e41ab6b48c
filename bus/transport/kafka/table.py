"""A compacted topic of one partition, kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from bus.errors import BusConnectionError
from bus.transport.kafka.lifetime import end, start

_TABLE_BYTES_MAX = 64 * 1024 * 1024


class KafkaTable:
    """Reads the whole topic at start; each write is read back, so all processes see one order of writes."""

    def __init__(self, topic: str, options: dict[str, Any], timeout_s: float) -> None:
        self._topic = topic
        self._timeout_s = timeout_s
        self._tp = TopicPartition(topic, 0)
        self._values: dict[str, bytes] = {}
        self._size_bytes = 0
        self._position = 0
        self._lock = asyncio.Lock()
        self._consumer = AIOKafkaConsumer(
            **options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        self._options = options
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connects and reads to the end."""
        async with self._bounded("read"):
            await start(self._consumer, self._timeout_s)
            self._consumer.assign([self._tp])
            self._consumer.seek(self._tp, 0)
        await self.refresh()

    def get(self, key: str) -> bytes | None:
        """The last known value."""
        return self._values.get(key)

    def items(self) -> Mapping[str, bytes]:
        """All that is known."""
        return self._values

    async def put(self, key: str, value: bytes | None) -> None:
        """Writes a value and reads it back."""
        async with self._lock, self._bounded("written"):
            if self._producer is None:
                self._producer = await self._open_producer()
            sent = await self._producer.send_and_wait(self._topic, value, key.encode(), partition=0)
            await self._read_to(sent.offset + 1)

    async def _open_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**self._options, acks="all", enable_idempotence=True)
        try:
            await start(producer, self._timeout_s)
        except BaseException:
            await end(producer, 0)
            raise
        return producer

    async def refresh(self) -> None:
        """Reads to the end that the topic has now."""
        async with self._lock, self._bounded("read"):
            ends = await self._consumer.end_offsets([self._tp])
            await self._read_to(ends[self._tp])

    async def _read_to(self, end: int) -> None:
        if end < self._position:  # the topic was made anew
            self._values.clear()
            self._size_bytes = self._position = 0
            self._consumer.seek(self._tp, 0)
        while self._position < end:
            batches = await self._consumer.getmany(timeout_ms=100)
            for record in batches.get(self._tp, ()):
                self._apply(record.key, record.value)
            # Compaction leaves holes, and a transaction's marker takes an offset: ask for the position, do not count.
            self._position = await self._consumer.position(self._tp)

    def _apply(self, key: bytes | None, value: bytes | None) -> None:
        if key is None:
            return
        name = key.decode("utf-8", "replace")
        size = self._size_bytes - len(self._values.get(name, b"")) + len(value or b"")
        if size > _TABLE_BYTES_MAX:
            raise BusConnectionError(f"{self._topic} holds more than {_TABLE_BYTES_MAX} bytes; clean it up")
        self._size_bytes = size
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    def _bounded(self, what: str) -> _Bounded:
        return _Bounded(self._topic, what, self._timeout_s)

    async def close(self, timeout_s: float) -> None:
        """Stops within the time given."""
        clients = [self._consumer] if self._producer is None else [self._consumer, self._producer]
        await asyncio.gather(*(end(client, timeout_s) for client in clients))


class _Bounded:
    """A time limit, and every failure as one kind of error."""

    def __init__(self, topic: str, what: str, timeout_s: float) -> None:
        self._what = f"{topic} could not be {what}"
        self._timeout = asyncio.timeout(timeout_s)
        self._timeout_s = timeout_s

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise BusConnectionError(f"{self._what} within {self._timeout_s:g} s; check that Kafka is up") from late
        if isinstance(error, KafkaError | ConsumerStoppedError):
            raise BusConnectionError(f"{self._what}: {error!r}") from error
