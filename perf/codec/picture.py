"""One picture of the codec workload: the contenders with the event, and tierbus to fastavro in every shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perf.codec.shapes import Section
from perf.codec.summary import BASE, OURS, RATIO_MAX, Row, too_slow
from perf.picture import COLORS, INK

QUIET = "#52606d"
TOO_SLOW = "#c2703d"
WAYS = ("encode", "decode")
SHOWN_MAX = 2.0
"""Where the bars of ratios end; a longer one says its length in its text."""


def draw(sections: Sequence[Section], rows: Sequence[Row], where: str, path: Path) -> None:
    """Writes the event's medians as bars and below them every shape's ratio, encoding left and decoding right."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    first, *others = (section.name for section in sections)
    top = [row for row in rows if row.section == first and row.us is not None]
    below = [row for row in rows if row.section in others and row.contender == OURS and row.ratio is not None]
    heights = [max(len({row.contender for row in top}), 1), max(len({(r.section, r.shape) for r in below}), 1)]
    size = (13, 2.0 + 0.36 * sum(heights))
    figure, axes = pyplot.subplots(
        2, 2, figsize=size, height_ratios=heights, sharey="row", layout="constrained", squeeze=False
    )
    for column, way in enumerate(WAYS):
        _contenders(axes[0][column], [row for row in top if row.direction == way])
        _shapes(axes[1][column], [row for row in below if row.direction == way])
        axes[0][column].set_title(
            f"Microseconds to {way} the event", loc="left", fontsize=13, color=INK, fontweight="bold"
        )
        axes[1][column].set_title(
            f"Time of tierbus to {way}, fastavro's being 1", loc="left", fontsize=13, color=INK, fontweight="bold"
        )
    figure.text(0.01, -0.01, where, fontsize=8, color=QUIET, va="top")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, facecolor="white", bbox_inches="tight", pad_inches=0.15)
    pyplot.close(figure)


def _contenders(axes: Any, rows: Sequence[Row]) -> None:
    kinds = {OURS: "tierbus", BASE: "reference"}
    widest = max((row.us.high for row in rows if row.us is not None), default=1.0)
    for place, row in enumerate(rows):
        assert row.us is not None
        weight = "bold" if row.contender == OURS else "normal"
        axes.barh(place, row.us.median, color=COLORS[kinds.get(row.contender, "peer")], height=0.68)
        axes.plot([row.us.low, row.us.high], [place, place], color=INK, linewidth=1.2, solid_capstyle="butt")
        text = f"{row.us.median:.2f}"
        axes.text(row.us.high + widest * 0.015, place, text, va="center", color=INK, fontsize=10, fontweight=weight)
    axes.set_yticks(range(len(rows)), [row.contender for row in rows])
    axes.set_xlim(0, widest * 1.14)
    _bare(axes, len(rows))


def _shapes(axes: Any, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        assert row.ratio is not None
        assert row.us is not None
        color = TOO_SLOW if too_slow(row) else COLORS["tierbus"]
        axes.barh(place, min(row.ratio.median, SHOWN_MAX), color=color, height=0.68)
        ends = [min(end, SHOWN_MAX) for end in (row.ratio.low, row.ratio.high)]
        axes.plot(ends, [place, place], color=INK, linewidth=1.2, solid_capstyle="butt")
        text = f"{row.ratio.median:.2f}   {row.us.median:.1f} µs" + (" *" if row.falls_back else "")
        white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(ends[1] + 0.03, place, text, va="center", color=INK, fontsize=9, bbox=white)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.axvline(RATIO_MAX, color=QUIET, linewidth=0.8, linestyle="dotted")
    axes.set_yticks(range(len(rows)), [row.shape for row in rows])
    axes.set_xlim(0, SHOWN_MAX * 1.25)
    _bare(axes, len(rows))


def _bare(axes: Any, count: int) -> None:
    """The first on top, and no frame; the left and the right share their places."""
    axes.set_ylim(max(count, 1) - 0.5, -0.5)
    axes.xaxis.set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=10)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
