"""The positions of what is read now, and the wait for the next records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from bus.message import Partition
from bus.transport.memory.cluster import MemoryCluster
from bus.transport.memory.log import MemoryRecord


class Reading:
    """Records of a set of partitions, each from its own position on; partitions take turns in going first."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._positions: dict[Partition, int] = {}
        self._wake = asyncio.Event()
        self._closed = False
        cluster.on_start(self._wake.set)

    @property
    def positions(self) -> Mapping[Partition, int]:
        """The offset to read next in each partition."""
        return self._positions

    def replace(self, positions: Mapping[Partition, int]) -> None:
        """Reads these partitions from these positions, and no others any more."""
        self._positions = dict(positions)
        self._cluster.watch({partition.topic for partition in positions}, self._wake)
        self._wake.set()

    async def fetch(self, records_max: int, timeout_ms: int) -> Mapping[Partition, Sequence[MemoryRecord]]:
        """The next records by partition; empty when none came in time, and at once when it is closed.

        Cancelling loses nothing: positions move in the step in which the records are returned.
        """
        # A loop of fetches over a full log would otherwise never let another task run.
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                while not (found := self._take(records_max)) and not self._closed:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return {}
        return found

    def end_offsets(self) -> Mapping[Partition, int]:
        """The end of each partition that is read now."""
        logs = {partition: self._cluster.log(partition) for partition in self._positions}
        return {partition: 0 if log is None else log.end for partition, log in logs.items()}

    def close(self) -> None:
        """Reads nothing any more and ends a fetch that waits. Safe to call twice."""
        self._closed = True
        self._cluster.forget(self._wake.set)
        self.replace({})

    def _take(self, records_max: int) -> dict[Partition, Sequence[MemoryRecord]]:
        found: dict[Partition, Sequence[MemoryRecord]] = {}
        if not self._cluster.running:
            return found
        room = records_max
        for partition, position in self._positions.items():
            log = self._cluster.log(partition)
            if room > 0 and log is not None and position < log.end:
                records = log.read(position, room)
                found[partition] = records
                room -= len(records)
        for partition, records in found.items():
            del self._positions[partition]  # to the end of the line: the others come first next time
            self._positions[partition] = records[-1].offset + 1
        return found
