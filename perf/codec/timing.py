"""Times the contenders of every shape in turns, in this process, by CPU time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice
from typing import Any, Literal

from perf.codec.coding import Code
from perf.codec.shapes import Section, Shape

Clock = Callable[[], float]
Direction = Literal["encode", "decode"]


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """What one contender took for one shape in one round. `error` is set when it is invalid: then it counts nowhere.

    Attributes:
        us: Microseconds a value, in the fastest of the round's laps.
        size_bytes: Mean size of an encoded value.
        falls_back: Whether a value takes the slower of two ways to be encoded.
    """

    section: str
    shape: str
    contender: str
    direction: Direction
    round: int = 0
    us: float = 0.0
    size_bytes: float = 0.0
    falls_back: bool = False
    error: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Lap:
    """One function with what it is called with, and the timing to be filled in."""

    timing: Timing
    act: Callable[[Any], Any]
    inputs: Sequence[Any]


def laps(
    section: Section, shape: Shape, codes: Iterable[tuple[str, Code]], count: int
) -> tuple[list[Lap], list[Timing]]:
    """Returns laps of `count` values, contenders side by side, and timings of the contenders that fail.

    A contender fails when it raises, or when decoding does not give what was encoded.
    """
    encoding, decoding, failed = [], [], []
    for name, code in codes:
        try:
            coding = code(shape.schema, shape.model)
            encoded = [coding.encode(value) for value in shape.values]
            decoded = [coding.decode(value) for value in encoded]
            if decoded != list(shape.values if shape.decoded is None else shape.decoded):
                raise ValueError("what was decoded is not what was encoded")
            falls_back = any(map(coding.falls_back, shape.values))
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            failed += [Timing(section.name, shape.name, name, way, error=why) for way in ("encode", "decode")]
            continue
        size_bytes = sum(map(len, encoded)) / len(encoded)
        timing = Timing(section.name, shape.name, name, "encode", size_bytes=size_bytes, falls_back=falls_back)
        encoding.append(Lap(timing, coding.encode, list(islice(cycle(shape.values), count))))
        timing = Timing(section.name, shape.name, name, "decode", size_bytes=size_bytes)
        decoding.append(Lap(timing, coding.decode, list(islice(cycle(encoded), count))))
    return encoding + decoding, failed


def timed(all_laps: Sequence[Lap], repeats: int, clock: Clock) -> list[Timing]:
    """Returns the laps' timings in their order: each lap is run `repeats` times and its fastest counts.

    Everything is run once before anything is run again, so a disturbance falls on one repeat of many laps and not on
    all repeats of one. The first time is not counted, and every other repeat goes backwards, so that nobody always
    comes after the same neighbour.
    """
    best_s = [float("inf")] * len(all_laps)
    for repeat in range(repeats + 1):
        order = range(len(all_laps)) if repeat % 2 else reversed(range(len(all_laps)))
        for place in order:
            taken_s = _once(all_laps[place], clock)
            if repeat:
                best_s[place] = min(best_s[place], taken_s)
    return [
        dataclasses.replace(lap.timing, us=round(taken_s / len(lap.inputs) * 1e6, 4))
        for lap, taken_s in zip(all_laps, best_s, strict=True)
    ]


def _once(lap: Lap, clock: Clock) -> float:
    act, inputs = lap.act, lap.inputs
    begun_s = clock()
    for each in inputs:
        act(each)
    return clock() - begun_s
