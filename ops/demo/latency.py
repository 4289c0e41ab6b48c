"""Latencies in buckets of equal ratio, and the percentiles of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

LOWEST_MS = 0.01
RATIO = 1.02
"""A percentile is told at most 2 % too high."""

_LOG_RATIO = math.log(RATIO)
_BUCKETS = math.ceil(math.log(600_000 / LOWEST_MS) / _LOG_RATIO)


class Histogram:
    """Counts of latencies from 10 microseconds to 10 minutes; what is beyond is counted in the last bucket."""

    __slots__ = ("_counts", "count", "highest_ms")

    def __init__(self) -> None:
        self._counts = [0] * (_BUCKETS + 1)
        self.count = 0
        self.highest_ms = 0.0

    def record(self, latency_ms: float) -> None:
        """One more latency; a negative one (a clock that was set back) counts as the lowest."""
        bucket = 0 if latency_ms <= LOWEST_MS else math.ceil(math.log(latency_ms / LOWEST_MS) / _LOG_RATIO)
        self._counts[min(bucket, _BUCKETS)] += 1
        self.count += 1
        if latency_ms > self.highest_ms:
            self.highest_ms = latency_ms

    def percentile(self, percent: float) -> float | None:
        """The latency in ms that `percent` of all were not over; `None` when there are none."""
        if not self.count:
            return None
        wanted = max(1, math.ceil(self.count * percent / 100))
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(LOWEST_MS * RATIO**bucket, self.highest_ms) or LOWEST_MS
        raise AssertionError("unreachable: the buckets hold all that was counted")

    def percentiles(self, percents: Sequence[float]) -> dict[float, float | None]:
        """Several at once."""
        return {percent: self.percentile(percent) for percent in percents}

    def copy(self) -> Histogram:
        """One that does not change when this one does."""
        twin = Histogram()
        twin._counts = self._counts.copy()
        twin.count = self.count
        twin.highest_ms = self.highest_ms
        return twin

    def since(self, earlier: Histogram) -> Histogram:
        """What was recorded after `earlier`, an earlier copy of this one; its highest is the one of all."""
        rest = Histogram()
        rest._counts = [now - then for now, then in zip(self._counts, earlier._counts, strict=True)]
        rest.count = self.count - earlier.count
        rest.highest_ms = self.highest_ms
        return rest

    def curve(self) -> list[tuple[float, float]]:
        """(percent, ms) at the end of each bucket that is not empty, for drawing."""
        points, seen = [], 0
        for bucket, count in enumerate(self._counts):
            if count:
                seen += count
                points.append((100 * seen / self.count, min(LOWEST_MS * RATIO**bucket, self.highest_ms)))
        return points
