"""Resident memory of this process, from the end of a warm-up on."""

from __future__ import annotations

import gc

import psutil

_EVERY = 50_000
_MIB = 1024 * 1024


class Memory:
    """Looks at the resident memory from time to time."""

    def __init__(self, warm_up: int) -> None:
        self._warm_up = warm_up
        self._process = psutil.Process()  # type: ignore[no-untyped-call]
        self._seen: dict[int, float] = {}

    def look(self, count: int) -> None:
        """So many messages have passed."""
        if count == self._warm_up or (count > self._warm_up and count % _EVERY == 0):
            self._measure(count)

    def _measure(self, count: int) -> None:
        gc.collect()
        self._seen[count] = self._process.memory_info().rss / _MIB

    def report(self) -> dict[str, object]:
        """In MiB: after the warm-up, at the end, the most in between, and the course of it."""
        values = list(self._seen.values())
        return {
            "warm_mib": round(values[0], 1),
            "end_mib": round(values[-1], 1),
            "most_mib": round(max(values), 1),
            "course": [round(value) for value in values],
        }
