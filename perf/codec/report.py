"""The outcome of the codec workload as a document and as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from perf.codec.one import CodecWork
from perf.codec.shapes import Section
from perf.codec.summary import BASE, OURS, RATIO_MAX, Row, too_slow
from perf.codec.timing import Timing

_STYLES = {OURS: "bold cyan", BASE: "dim"}
_WAYS = ("encode", "decode")


def document(
    work: CodecWork,
    rounds: int,
    timings: Sequence[Timing],
    rows: Sequence[Row],
    machine: dict[str, Any],
    versions: dict[str, str],
) -> dict[str, Any]:
    """Returns all that is kept: every round's timing, the settings, and where it was measured."""
    return {
        "workload": "codec",
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": {**dataclasses.asdict(work), "rounds": rounds, "ratio_max": RATIO_MAX},
        "machine": machine,
        "versions": versions,
        "ratios": {
            f"{row.section}: {row.shape}, {row.direction}": round(row.ratio.median, 3)
            for row in rows
            if row.contender == OURS and row.ratio is not None
        },
        "medians": [dataclasses.asdict(row) for row in rows],
        "figures": [_figure(row, timings) for row in rows],
    }


def _figure(row: Row, timings: Sequence[Timing]) -> dict[str, Any]:
    """The rounds of a row in their order: microseconds, or `None` where one was invalid."""
    key = ("section", "shape", "contender", "direction")
    own = [each for each in timings if all(getattr(each, name) == getattr(row, name) for name in key)]
    return {
        **{name: getattr(row, name) for name in key},
        "us": [each.us if each.error is None else None for each in own],
    }


def tables(sections: Sequence[Section], rows: Sequence[Row]) -> list[Table]:
    """Returns a table a section, by shape where tierbus is with fastavro alone, else by contender."""
    shown = []
    for section in sections:
        of_section = [row for row in rows if row.section == section.name]
        if not of_section:
            continue
        make = _by_shape if section.contenders == {OURS, BASE} else _by_contender
        shown.append(make(section, of_section))
    return shown


def _table(section: Section, rows: Sequence[Row]) -> Table:
    rounds = max(row.rounds for row in rows)
    title = f"codec, {section.title}: µs a value, medians of {rounds} rounds; ratio: to fastavro"
    return Table(title=title, title_justify="left")


def _by_contender(section: Section, rows: Sequence[Row]) -> Table:
    shown = _table(section, rows)
    shown.add_column("shape")
    shown.add_column("contender")
    for column in ("bytes", "encode", "min - max", "ratio", "decode", "min - max", "ratio"):
        shown.add_column(column, justify="right")
    for (shape, contender), pair in _pairs(rows).items():
        cells: list[str | Text] = [f"{pair['encode'].size_bytes:.0f}"]
        for way in _WAYS:
            row = pair[way]
            spread = f"{row.us.low:.2f} - {row.us.high:.2f}" if row.us is not None else ""
            cells += [_us(row), spread, _ratio(row)]
        shown.add_row(shape, contender, *cells, style=_STYLES.get(contender, ""))
    return shown


def _by_shape(section: Section, rows: Sequence[Row]) -> Table:
    shown = _table(section, rows)
    shown.add_column("shape")
    price = [f"x {section.plain}"] if section.plain is not None else []
    for way in _WAYS:
        for column in (way, *price, BASE, *price, "ratio"):
            shown.add_column(column, justify="right")
    shown.add_column("encoded by")
    pairs = _pairs(rows)
    for shape in dict.fromkeys(row.shape for row in rows):
        ours, base = pairs.get((shape, OURS), {}), pairs.get((shape, BASE), {})
        cells: list[str | Text] = []
        for way in _WAYS:
            for row in (ours.get(way), base.get(way)):
                cells += [_us(row), *([_times(row.to_plain if row is not None else None)] if price else [])]
            cells.append(_ratio(ours.get(way)))
        shown.add_row(shape, *cells, _writer(ours.get("encode")))
    return shown


def _writer(row: Row | None) -> str:
    if row is None or row.us is None:
        return ""
    return BASE if row.falls_back else "compiled"


def _pairs(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    pairs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        pairs.setdefault((row.shape, row.contender), {})[row.direction] = row
    return pairs


def _us(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{row.us.median:.2f}" if row.us is not None else "invalid"


def _times(ratio: float | None) -> str:
    return f"{ratio:.2f}" if ratio is not None else ""


def _ratio(row: Row | None) -> Text:
    if row is None:
        return Text("")
    return Text(_times(row.ratio.median if row.ratio is not None else None), style="bold red" if too_slow(row) else "")
