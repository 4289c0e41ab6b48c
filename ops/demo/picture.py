"""The latency picture: one curve a tier, percentiles spread so that the tail can be seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from bus.message import TIERS, MessagePriority
from ops.demo.latency import Histogram

# Told apart by colour-blind eyes and by their line styles in print.
_LINES: dict[MessagePriority, tuple[str, str]] = {
    MessagePriority.CRITICAL: ("#b2182b", "-"),
    MessagePriority.HIGH: ("#c46f00", "--"),
    MessagePriority.NORMAL: ("#1b7837", "-."),
    MessagePriority.LOW: ("#2166ac", ":"),
}
_TICKS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)


def nines(percent: float) -> float:
    """Where a percentile stands on the axis: 0 at 0, 1 at 90, 2 at 99 and so on."""
    return -math.log10(max(1e-6, 1 - percent / 100))


def draw(latencies: Mapping[MessagePriority, Histogram], caption: str, path: Path) -> None:
    """Writes the picture.

    Raises:
        ImportError: matplotlib is missing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = Figure(figsize=(9, 5.4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for tier in TIERS:
        histogram = latencies[tier]
        # Beyond the last whole message a percentile is a guess.
        points = [(p, ms) for p, ms in histogram.curve() if p <= 100 * (1 - 0.5 / max(1, histogram.count))]
        if not points:
            continue
        colour, style = _LINES[tier]
        axes.plot(
            [nines(p) for p, _ in points],
            [ms for _, ms in points],
            color=colour,
            linestyle=style,
            linewidth=2.4,
            label=f"{tier.tier}  ({histogram.count:,} received)",
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks([nines(p) for p in _TICKS], [f"{p:g} %" for p in _TICKS])
    axes.set_xlim(0, nines(_TICKS[-1]))
    lowest, highest = axes.get_ylim()
    axes.set_ylim(min(lowest, 1.0), max(highest, 100.0))
    axes.grid(which="major", color="#c8c8c8", linewidth=0.8)
    axes.grid(which="minor", color="#ececec", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("share of messages that took no longer", fontsize=11)
    axes.set_ylabel("end to end, milliseconds", fontsize=11)
    axes.set_title("From publish to handler, by tier", fontsize=14, loc="left", weight="bold")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=True, fontsize=11, loc="lower right")
    figure.supxlabel(caption, fontsize=9, color="#444444")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
