"""One partition: its records in order of offset, dropped or compacted at its cap as Kafka does."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from bus.message import Partition

_offset_of = attrgetter("offset")


class MemoryRecord(NamedTuple):
    """A record as it lies in a log."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class NewRecord(NamedTuple):
    """A record that has no offset yet; `timestamp` is in ms since the epoch."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Log:
    """Appends give consecutive offsets from 0, and an offset never changes its record.

    A plain log keeps its last `records_max` records; older ones are gone for every reader, read or not. A
    compacted log keeps the last record of each key, tombstones too, and so grows with its keys only.
    """

    __slots__ = (
        "_compact_at",
        "_compacted",
        "_end",
        "_head",
        "_partition",
        "_records",
        "_records_max",
        "_start",
    )

    def __init__(self, partition: Partition, records_max: int, *, compacted: bool) -> None:
        self._partition = partition
        self._records_max = records_max
        self._compacted = compacted
        self._compact_at = records_max
        self._records: list[MemoryRecord] = []
        self._head = 0  # records before it are dropped, but not yet moved out of the list
        self._start = 0
        self._end = 0

    @property
    def start(self) -> int:
        """The lowest offset that can still be read."""
        return self._start

    @property
    def end(self) -> int:
        """The offset that the next record will get."""
        return self._end

    def append(self, records: Iterable[NewRecord]) -> int:
        """Adds records and returns the offset of the first."""
        first = self._end
        topic, partition = self._partition
        added = [MemoryRecord(topic, partition, offset, *record) for offset, record in enumerate(records, start=first)]
        self._records.extend(added)
        self._end = first + len(added)
        if self._compacted:
            self._compact()
        else:
            self._drop_oldest()
        return first

    def read(self, offset: int, records_max: int) -> Sequence[MemoryRecord]:
        """Up to `records_max` records from the offset on, or from the start when that is later."""
        first = bisect_left(self._records, offset, lo=self._head, key=_offset_of)
        return self._records[first : first + records_max]

    def _drop_oldest(self) -> None:
        excess = len(self._records) - self._head - self._records_max
        if excess > 0:
            self._head += excess
            self._start += excess
        if self._head > len(self._records) // 2:  # moved rarely, so that an append stays cheap
            del self._records[: self._head]
            self._head = 0

    def _compact(self) -> None:
        if len(self._records) > self._compact_at:
            last = {record.key: record for record in self._records}
            self._records = sorted(last.values(), key=_offset_of)
            self._compact_at = max(self._records_max, 2 * len(self._records))
