"""One picture of a workload: a bar a contender, tierbus in colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perf.summary import Row
from perf.work import Work

COLORS = {"tierbus": "#0b6e99", "peer": "#9aa5ae", "reference": "#e3e7ea"}
INK = "#1f2933"


def draw(work: Work, rows: Sequence[Row], where: str, path: Path) -> None:
    """Writes the medians as bars, a line over each from its lowest to its highest round, `where` below."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    shown = sorted((row for row in rows if row.rate > 0), key=lambda row: row.rate)
    figure, axes = pyplot.subplots(figsize=(9, 1.3 + 0.42 * len(shown)), layout="constrained")
    names = [row.name for row in shown]
    axes.barh(names, [row.rate for row in shown], color=[COLORS[row.kind] for row in shown], height=0.68)
    widest = max((row.rate_max for row in shown), default=1.0)
    for place, row in enumerate(shown):
        axes.plot([row.rate_min, row.rate_max], [place, place], color=INK, linewidth=1.2, solid_capstyle="butt")
        weight = "bold" if row.kind == "tierbus" else "normal"
        end = max(row.rate, row.rate_max) + widest * 0.012
        axes.text(end, place, f"{row.rate:,.0f}", va="center", color=INK, fontsize=10, fontweight=weight)
    for label, row in zip(axes.get_yticklabels(), shown, strict=True):
        label.set_fontweight("bold" if row.kind == "tierbus" else "normal")
        label.set_color(INK)
    verb = "published and acknowledged" if work.workload == "publish" else "consumed, decoded and handled"
    axes.set_title(f"Avro events {verb} a second", loc="left", fontsize=13, color=INK, fontweight="bold")
    axes.set_xlim(0, widest * 1.14)
    axes.xaxis.set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=10)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    figure.text(0.01, -0.01, where, fontsize=8, color="#52606d", va="top")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160, facecolor="white", bbox_inches="tight", pad_inches=0.15)
    pyplot.close(figure)
