"""The view of a run while it goes on: a table by tier, or plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from bus.message import TIERS, MessagePriority

STYLES = {
    MessagePriority.CRITICAL: "bold red",
    MessagePriority.HIGH: "yellow",
    MessagePriority.NORMAL: "green",
    MessagePriority.LOW: "cyan",
}
_LINE_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Row:
    """One tier in the last moment.

    Attributes:
        published: Messages so far.
        published_s: Messages a second.
        received_s: Receptions a second.
        p50_ms: Half of the receptions took no longer; `None` when there were none.
        p99_ms: As `p50_ms`, of 99 in 100.
        buffer: How full the tier's buffer is, 0 to 1.
        lag: Messages that readers are behind.
    """

    tier: MessagePriority
    published: int
    published_s: float
    received_s: float
    p50_ms: float | None
    p99_ms: float | None
    buffer: float
    lag: int


def milliseconds(value: float | None) -> str:
    """A latency with three digits that matter, or a dash."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def table(rows: Sequence[Row], title: str) -> Table:
    """The rows as a table."""
    drawn = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption="latency end to end, all consumers together",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    drawn.add_column("tier")
    for name in ("published/s", "received/s", "p50 ms", "p99 ms", "buffer", "lag", "published"):
        drawn.add_column(name, justify="right", min_width=6)
    for row in rows:
        drawn.add_row(
            row.tier.tier,
            f"{row.published_s:,.0f}",
            f"{row.received_s:,.0f}",
            milliseconds(row.p50_ms),
            milliseconds(row.p99_ms),
            f"{row.buffer:.1%}",
            f"{row.lag:,}",
            f"{row.published:,}",
            style=STYLES[row.tier],
        )
    return drawn


def line(rows: Sequence[Row], elapsed_s: float) -> str:
    """The rows as one line."""
    parts = [
        f"{row.tier.tier} {row.published_s:,.0f}/s p50 {milliseconds(row.p50_ms)} p99 {milliseconds(row.p99_ms)} ms"
        f" lag {row.lag:,}"
        for row in rows
    ]
    return f"{elapsed_s:5.1f} s | " + " | ".join(parts)


def say(console: Console, sentence: str) -> None:
    """Prints a sentence as it is: no markup, no colours, no line breaks of ours."""
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


class View:
    """Shows rows as they come, and sentences between them. Use it as a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._line_at_s = _LINE_EVERY_S
        self._started = False

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None and self._started:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """A sentence that stays."""
        say(self._console, sentence)

    def show(self, rows: Sequence[Row], elapsed_s: float, title: str) -> None:
        """The rows of now; a line only every few seconds."""
        if self._live is not None:
            if not self._started:
                self._live.start()
                self._started = True
            self._live.update(table(rows, title), refresh=True)
        elif elapsed_s >= self._line_at_s:
            self._line_at_s += _LINE_EVERY_S
            self.say(line(rows, elapsed_s))


def lag_of(*lags: Mapping[str, int]) -> dict[str, int]:
    """Lags of several clients together, by tier."""
    return {tier.tier: sum(lag.get(tier.tier, 0) for lag in lags) for tier in TIERS}
