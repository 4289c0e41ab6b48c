"""The outcome of a workload as a document and as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from perf.summary import Row, ratios
from perf.work import Figure, Work


def document(
    work: Work,
    figures: Sequence[Figure],
    rows: Sequence[Row],
    machine: dict[str, Any],
    versions: dict[str, str],
) -> dict[str, Any]:
    """Returns all that is kept of a workload: every raw figure, the settings, and where it was measured."""
    unsaid = {"servers", "topic", "group", "contender", "profile"}
    return {
        "workload": work.workload,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": {name: value for name, value in dataclasses.asdict(work).items() if name not in unsaid},
        "machine": machine,
        "versions": versions,
        "ratios": {
            ours: {peer: round(ratio, 2) for peer, ratio in peers.items()} for ours, peers in ratios(rows).items()
        },
        "medians": [dataclasses.asdict(row) for row in rows],
        "figures": [dataclasses.asdict(figure) for figure in figures],
    }


def table(work: Work, rows: Sequence[Row]) -> Table:
    """Returns the rows with a column of ratios for each way of tierbus."""
    ours = ratios(rows)
    rounds = max((row.rounds for row in rows), default=0)
    title = f"{work.workload}: {work.events:,} events, medians of {rounds} rounds"
    shown = Table(title=title, title_justify="left")
    shown.add_column("contender")
    for column in ("msg/s", "min - max", "CPU µs/msg", "peak MiB", *(f"{name} is" for name in ours)):
        shown.add_column(column, justify="right")
    for row in rows:
        style = {"tierbus": "bold cyan", "peer": "", "reference": "dim"}[row.kind]
        if row.rate == 0:
            shown.add_row(row.name, "invalid", *[""] * (3 + len(ours)), style=style)
            continue
        factors = [f"{ours[name][row.name]:.2f} x" if row.name in ours[name] else "" for name in ours]
        shown.add_row(
            row.name,
            f"{row.rate:,.0f}",
            f"{row.rate_min:,.0f} - {row.rate_max:,.0f}",
            f"{row.cpu_us:.1f}",
            f"{row.rss_peak_bytes / 2**20:.0f}",
            *factors,
            style=style,
        )
    return shown
