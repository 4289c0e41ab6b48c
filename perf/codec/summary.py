"""Medians and ratios out of the timings of the codec workload."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import median

from perf.codec.timing import Direction, Timing

OURS = "tierbus"
BASE = "fastavro"
RATIO_MAX = 1.15
"""What tierbus may take at most for what it adds to fastavro: the frame, checks, and errors with a place."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """Median, lowest and highest over the rounds."""

    median: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One contender with one shape in one direction, over its valid rounds.

    Attributes:
        us: Microseconds a value; `None` without a valid round.
        ratio: Of the contender's time to fastavro's, round by round.
        to_plain: Of its time to the one that it takes for the section's plain shape: the median of the rounds' ratios.
        invalid: Why rounds did not count.
    """

    section: str
    shape: str
    contender: str
    direction: Direction
    rounds: int
    us: Spread | None
    ratio: Spread | None
    to_plain: float | None
    size_bytes: float
    falls_back: bool
    invalid: tuple[str, ...]


_Key = tuple[str, str, str, Direction]
_Rounds = Mapping[int, float]
"""Microseconds by the round's number."""


def rows(timings: Sequence[Timing], plain: Mapping[str, str]) -> list[Row]:
    """Returns a row a shape, contender and direction, in the order of the timings.

    Args:
        timings: Of all rounds.
        plain: The shape that the others of its section are compared with, by section.
    """
    grouped: dict[_Key, list[Timing]] = {}
    for timing in timings:
        grouped.setdefault((timing.section, timing.shape, timing.contender, timing.direction), []).append(timing)
    taken = {key: {each.round: each.us for each in group if each.error is None} for key, group in grouped.items()}
    return [_row(key, group, taken, plain.get(key[0])) for key, group in grouped.items()]


def _row(key: _Key, group: Sequence[Timing], taken: Mapping[_Key, _Rounds], plain: str | None) -> Row:
    section, shape, contender, direction = key
    own = taken[key]
    base = taken.get((section, shape, BASE, direction), {})
    plainest = taken.get((section, plain, contender, direction), {}) if plain is not None else {}
    valid = [each for each in group if each.error is None]
    price = _spread([us / plainest[number] for number, us in own.items() if number in plainest])
    return Row(
        section=section,
        shape=shape,
        contender=contender,
        direction=direction,
        rounds=len(own),
        us=_spread(list(own.values())),
        ratio=_spread([us / base[number] for number, us in own.items() if number in base]),
        to_plain=price.median if price is not None else None,
        size_bytes=median([each.size_bytes for each in valid] or [0.0]),
        falls_back=any(each.falls_back for each in valid),
        invalid=tuple(each.error for each in group if each.error is not None),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread(median(values), min(values), max(values)) if values else None


def too_slow(row: Row) -> bool:
    """Whether it is a row of tierbus that takes more of fastavro's time than it should."""
    return row.contender == OURS and row.ratio is not None and row.ratio.median > RATIO_MAX
