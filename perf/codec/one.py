"""Runs one round (`python -m perf.codec.one WORK_AS_JSON`); what it prints are its timings."""

from __future__ import annotations

import dataclasses
import gc
import json
import sys
import time

from perf.codec.coding import Code
from perf.codec.shapes import sections
from perf.codec.timing import Lap, Timing, laps, timed
from perf.contenders import coder, contender


@dataclasses.dataclass(frozen=True, slots=True)
class CodecWork:
    """One round of all.

    Attributes:
        contenders: Names of those that are run.
        only: The sections that are run; all when empty.
        lap_values: How many values are encoded or decoded between two looks at the clock.
        repeats: How often each lap is run; the fastest counts.
    """

    contenders: tuple[str, ...]
    only: tuple[str, ...] = ()
    lap_values: int = 1_000
    repeats: int = 7


def run(work: CodecWork) -> list[Timing]:
    """Returns a timing for each shape, direction and contender, invalid ones with their error."""
    codes: list[tuple[str, Code]] = [(name, coder(contender("codec", name))) for name in work.contenders]
    ready: list[Lap] = []
    failed: list[Timing] = []
    for section in sections():
        if work.only and section.name not in work.only:
            continue
        taking_part = [(name, code) for name, code in codes if name in section.contenders]
        for shape in section.shapes:
            more, wrong = laps(section, shape, taking_part, work.lap_values)
            ready += more
            failed += wrong
    # Nobody's lap is to pay for a collection that another's objects bring about.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        return timed(ready, work.repeats, time.process_time) + failed
    finally:
        gc.enable()
        gc.unfreeze()


def main() -> None:
    """Prints the timings as JSON."""
    given = json.loads(sys.argv[1])
    work = CodecWork(**{**given, "contenders": tuple(given["contenders"]), "only": tuple(given["only"])})
    print(json.dumps([dataclasses.asdict(timing) for timing in run(work)]))


if __name__ == "__main__":
    main()
