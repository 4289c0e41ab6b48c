"""A compacted topic in memory, seen as the last value of each key."""

from __future__ import annotations

import time
from collections.abc import Mapping

from bus.errors import BusConnectionError
from bus.message import Partition
from bus.transport.memory.cluster import MemoryCluster
from bus.transport.memory.log import NewRecord

_READ_RECORDS_MAX = 10_000


class MemoryTable:
    """One reader's view: what others put is seen after `refresh` or after its own `put`."""

    def __init__(self, cluster: MemoryCluster, kafka_topic: str, timeout_s: float) -> None:
        self._cluster = cluster
        self._partition = Partition(kafka_topic, 0)
        self._timeout_s = timeout_s
        self._values: dict[str, bytes] = {}
        self._position = 0

    def get(self, key: str) -> bytes | None:
        """The last known value."""
        return self._values.get(key)

    def items(self) -> Mapping[str, bytes]:
        """A copy of all that is known, in the order in which each key was first written."""
        return dict(self._values)

    async def put(self, key: str, value: bytes | None) -> None:
        """Writes a value (`None` removes the key); `get` gives it from then on, or a later one.

        Raises:
            BusConnectionError: An outage lasted `request_timeout_ms`; nothing was written.
        """
        await self._cluster.answer(f"put into {self._partition.topic}", self._timeout_s)
        record = NewRecord(timestamp=time.time_ns() // 1_000_000, key=key.encode(), value=value, headers=())
        self._cluster.append(self._partition, [record])
        self._read()

    async def refresh(self) -> None:
        """Reads to the end that the topic has now.

        Raises:
            BusConnectionError: An outage lasted `request_timeout_ms`.
        """
        await self._cluster.answer(f"refresh of {self._partition.topic}", self._timeout_s)
        self._read()

    def _read(self) -> None:
        log = self._cluster.log(self._partition)
        if log is None:
            raise BusConnectionError(f"topic {self._partition.topic} does not exist any more")
        while self._position < log.end:
            records = log.read(self._position, _READ_RECORDS_MAX)
            for record in records:
                key = (record.key or b"").decode()
                if record.value is None:
                    self._values.pop(key, None)
                else:
                    self._values[key] = record.value
            self._position = records[-1].offset + 1
