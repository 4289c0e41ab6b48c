"""Measures the codec: runs the rounds, writes the results and shows the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from perf.codec.one import CodecWork
from perf.codec.picture import draw
from perf.codec.report import document, tables
from perf.codec.rounds import run_rounds
from perf.codec.shapes import sections
from perf.codec.summary import BASE, OURS, RATIO_MAX, rows
from perf.codec.timing import Timing
from perf.contenders import Contender
from perf.machine import machine, versions


def measure(
    contenders: Sequence[Contender], rounds: int, limit_s: float, out: Path, console: Console
) -> tuple[dict[str, Any], int]:
    """Returns the document and how many timings were invalid; leaves the document and a picture in `out`.

    Raises:
        FailedRunError: A round did not end within `limit_s`, or failed as a whole.
    """
    before, shown = machine(), sections()
    # Every ratio is to fastavro, so it always takes part.
    work = CodecWork(tuple(dict.fromkeys([*(contender.name for contender in contenders), BASE])))
    console.print(f"codec: {len(work.contenders)} contenders, {rounds} rounds")
    timings = run_rounds(work, rounds, limit_s, lambda number, found: _tell(console, number, found))
    summed = rows(timings, {section.name: section.plain for section in shown if section.plain is not None})
    found = document(work, rounds, timings, summed, before, versions())
    stem = out / f"{datetime.now(UTC):%Y-%m-%d}-codec"
    out.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    where = (
        f"CPU time of one thread, median of {rounds} rounds (line: lowest to highest); dotted: {RATIO_MAX}; "
        f"*: encoded by fastavro; Python {found['versions']['python']}, fastavro {found['versions']['fastavro']}"
    )
    draw(shown, summed, where, stem.with_suffix(".png"))
    for table in tables(shown, summed):
        console.print(table)
    return found, sum(timing.error is not None for timing in timings)


def _tell(console: Console, number: int, timings: Sequence[Timing]) -> None:
    def us(contender: str, way: str) -> float | None:
        wanted = ("event", contender, way, None)
        return next((t.us for t in timings if (t.section, t.contender, t.direction, t.error) == wanted), None)

    told = []
    for way in ("encode", "decode"):
        ours, base = us(OURS, way), us(BASE, way)
        if ours is not None and base is not None:
            told.append(f"{way} {ours:.2f} µs, {ours / base:.2f} x fastavro")
    console.print(f"  round {number + 1}  {'; '.join(told)}", highlight=False, markup=False)
    for timing in timings:
        if timing.error is not None:
            place = f"{timing.contender}, {timing.shape}, {timing.direction}"
            console.print(f"    INVALID: {place}: {timing.error}", highlight=False, markup=False)
