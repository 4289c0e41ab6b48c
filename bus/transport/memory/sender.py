"""The producer in memory: batches go straight into the logs, or are held while the cluster is stopped."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from bus.errors import BusConnectionError, DeliveryError
from bus.message import MessagePriority, Partition
from bus.transport.base import Headers, RecordBatch
from bus.transport.memory.cluster import MemoryCluster
from bus.transport.memory.log import NewRecord

_BATCH_OVERHEAD = 61  # bytes before the first record of a batch in Kafka's format 2
_HELD_PER_PARTITION = 2  # what aiokafka holds too: one batch in flight and one behind it


def _varint_size(value: int) -> int:
    """Bytes of a zigzag varint of a number that is not negative."""
    return (value.bit_length() + 7) // 7


def _record_size(delta: int, new: NewRecord) -> int:
    """Bytes of a record in Kafka's format 2, its timestamp taken to be the batch's first."""
    size = 2 + _varint_size(delta) + _varint_size(len(new.headers))
    for data in (new.key, new.value):
        size += 1 if data is None else _varint_size(len(data)) + len(data)
    for name, value in new.headers:
        name_size = len(name.encode())
        size += _varint_size(name_size) + name_size + _varint_size(len(value)) + len(value)
    return _varint_size(size) + size


class MemoryBatch:
    """Records that are sent as one; their size is counted as Kafka would, before compression."""

    __slots__ = ("_batch_size_bytes", "_closed", "records", "size_bytes")

    def __init__(self, batch_size_bytes: int) -> None:
        self._batch_size_bytes = batch_size_bytes
        self._closed = False
        self.records: list[NewRecord] = []
        self.size_bytes = _BATCH_OVERHEAD

    def append(self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers) -> object | None:
        """Adds a record and returns its size in bytes; `None` when it has no room. The first always fits."""
        record = NewRecord(timestamp, key, value, tuple(headers))
        size = _record_size(len(self.records), record)
        if self._closed or (self.records and self.size_bytes + size > self._batch_size_bytes):
            return None
        self.records.append(record)
        self.size_bytes += size
        return size

    def record_count(self) -> int:
        """Records in the batch."""
        return len(self.records)

    def close(self) -> None:
        """Nothing can be added any more."""
        self._closed = True


class _Held(NamedTuple):
    batch: MemoryBatch
    partition: Partition
    future: asyncio.Future[int]


class MemorySender:
    """Acknowledges at once while the cluster runs; in an outage holds two batches a partition, then waits."""

    def __init__(self, cluster: MemoryCluster, tier: MessagePriority, batch_size_bytes: int) -> None:
        self._cluster = cluster
        self._tier = tier
        self._batch_size_bytes = batch_size_bytes
        self._held: deque[_Held] = deque()
        self._room: dict[Partition, asyncio.Semaphore] = {}
        self._closed = False
        cluster.on_start(self._resume)

    def batch(self) -> MemoryBatch:
        """An empty batch."""
        return MemoryBatch(self._batch_size_bytes)

    async def send(self, batch: RecordBatch, partition: Partition) -> asyncio.Future[int]:
        """Hands a batch over, which closes it; waits only while an outage holds two earlier ones.

        The future gives the offset of the batch's first record. Cancelling `send` means that nothing was
        sent; cancelling the future does not unsend.

        Raises:
            BusConnectionError: The sender is closed.
            DeliveryError: From the future: no such partition, the batch is over the topic's
                `max.message.bytes`, or the sender was closed during an outage.
        """
        if not isinstance(batch, MemoryBatch):
            raise TypeError(f"the memory transport sends its own batches, not {type(batch).__name__}")
        self._check_open()
        batch.close()
        room = self._room.setdefault(partition, asyncio.Semaphore(_HELD_PER_PARTITION))
        await room.acquire()
        if self._closed:
            room.release()
            self._check_open()
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: room.release())
        self._held.append(_Held(batch, partition, future))
        if self._cluster.running:
            self._resume()
        return future

    async def close(self, timeout_s: float) -> None:
        """Stops within the time given; what an outage still holds by then fails. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._held and timeout_s > 0:
            await asyncio.wait([held.future for held in self._held], timeout=timeout_s)
        self._cluster.forget(self._resume)
        for held in self._held:
            if not held.future.done():
                topic, number = held.partition
                count = held.batch.record_count()
                held.future.set_exception(
                    DeliveryError(f"{topic}[{number}]: {count} records not sent: closed during an outage")
                )
        self._held.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise BusConnectionError(f"the {self._tier.tier} sender is closed; make another")

    def _resume(self) -> None:
        while self._held:
            batch, partition, future = self._held.popleft()
            try:
                offset = self._append(batch, partition)
            except DeliveryError as error:
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(offset)

    def _append(self, batch: MemoryBatch, partition: Partition) -> int:
        size_max = self._cluster.batch_bytes_max(partition.topic)
        if batch.size_bytes > size_max:
            raise DeliveryError(
                f"{partition.topic}[{partition.partition}]: batch of {batch.size_bytes} bytes refused; its "
                f"max.message.bytes is {size_max}"
            )
        try:
            return self._cluster.append(partition, batch.records)
        except LookupError as error:
            raise DeliveryError(f"{error}; create the topic first") from error
