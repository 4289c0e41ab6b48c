"""Medians and ratios out of the figures of one workload."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from statistics import median

from perf.contenders import Contender, Kind
from perf.work import Figure


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One contender over its valid rounds; rates are events a second.

    Attributes:
        cpu_us: Median CPU time of the process, all threads, for one event.
        invalid: Why rounds did not count.
    """

    name: str
    kind: Kind
    rounds: int
    rate: float
    rate_min: float
    rate_max: float
    cpu_us: float
    rss_peak_bytes: float
    invalid: tuple[str, ...]


def rows(contenders: Sequence[Contender], figures: Sequence[Figure]) -> list[Row]:
    """Returns a row a contender, in their order; one with no valid round has a rate of zero."""
    return [_row(contender, [f for f in figures if f.contender == contender.name]) for contender in contenders]


def _row(contender: Contender, figures: Sequence[Figure]) -> Row:
    valid = [figure for figure in figures if figure.error is None and figure.wall_s > 0]
    rates = [figure.rate for figure in valid] or [0.0]
    return Row(
        name=contender.name,
        kind=contender.kind,
        rounds=len(valid),
        rate=median(rates),
        rate_min=min(rates),
        rate_max=max(rates),
        cpu_us=median([figure.cpu_s / figure.events * 1e6 for figure in valid] or [0.0]),
        rss_peak_bytes=median([figure.rss_peak_bytes for figure in valid] or [0]),
        invalid=tuple(figure.error for figure in figures if figure.error is not None),
    )


def ratios(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Returns `tierbus / other` of the medians: for each way of tierbus, by the other's name.

    Rows without a valid round have no ratio.
    """
    return {
        ours.name: {row.name: ours.rate / row.rate for row in rows if row.kind != "tierbus" and row.rate > 0}
        for ours in rows
        if ours.kind == "tierbus" and ours.rate > 0
    }
