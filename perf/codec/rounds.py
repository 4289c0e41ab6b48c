"""Runs the codec's rounds, each in a process of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from perf.codec.one import CodecWork
from perf.codec.timing import Timing
from perf.process import result_of

Told = Callable[[int, list[Timing]], None]


def run_rounds(work: CodecWork, rounds: int, limit_s: float, told: Told) -> list[Timing]:
    """Returns the timings of all rounds; `told` is called after each.

    Raises:
        FailedRunError: A round did not end within `limit_s`, or failed as a whole.
    """
    timings: list[Timing] = []
    for number in range(rounds):
        found = result_of("perf.codec.one", dataclasses.asdict(work), limit_s)
        of_round = [dataclasses.replace(Timing(**each), round=number) for each in found]
        told(number, of_round)
        timings += of_round
    return timings
