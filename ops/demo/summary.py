"""The last page of a run, for a person."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bus.message import TIERS
from ops.demo.outcome import PERCENTS, Outcome
from ops.demo.table import STYLES, milliseconds, say

NEXT = (
    ("tierbus up", "a broker that stays, on this machine"),
    (
        """tierbus publish trading.orders.BINANCE.new '{"id": 7}' --key BTC-USD --confirm""",
        "one message, acknowledged by all replicas",
    ),
    ("tierbus tail 'trading.**' --from-start --timeout 5", "what was published, as it comes"),
)


def tell(outcome: Outcome, console: Console, written: list[Path]) -> None:
    """Prints the accounts, the latencies, the verdict, and what to try next."""
    console.print()
    console.print(_accounts(outcome))
    console.print(_latencies(outcome))
    for sentence in _sentences(outcome):
        say(console, sentence)
    for path in written:
        say(console, f"written: {path}")
    say(console, "\nTry next:")
    for command, what in NEXT:
        say(console, f"  # {what}\n  {command}")


def _accounts(outcome: Outcome) -> Table:
    table = _table("Every message, by tier and by group")
    table.add_column("tier\n  who")
    for name in ("published", "acknow-\nledged", "received", "missing", "doubled", "out of\norder"):
        table.add_column(name, justify="right")
    for sent in outcome.balance.sent:
        table.add_row(sent.tier.tier, f"{sent.published:,}", f"{sent.acknowledged:,}", style=STYLES[sent.tier])
        for got in outcome.balance.got:
            if got.tier is sent.tier:
                counts = (f"{n:,}" for n in (got.received, got.missing, got.doubled, got.out_of_order))
                table.add_row(f"  {got.consumer}", f"{got.expected:,}", "", *counts)
    return table


def _table(title: str) -> Table:
    """Narrow enough for 80 columns."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )


def _latencies(outcome: Outcome) -> Table:
    table = _table("From publish to handler, milliseconds")
    table.add_column("tier")
    table.add_column("received", justify="right")
    for percent in PERCENTS:
        table.add_column(f"p{percent:g}", justify="right")
    table.add_column("longest", justify="right")
    for tier in TIERS:
        histogram = outcome.latencies[tier]
        found = (milliseconds(ms) for ms in histogram.percentiles(PERCENTS).values())
        table.add_row(
            tier.tier, f"{histogram.count:,}", *found, milliseconds(histogram.highest_ms or None), style=STYLES[tier]
        )
    return table


def _sentences(outcome: Outcome) -> list[str]:
    rate = outcome.published / outcome.elapsed_s if outcome.elapsed_s else 0.0
    said = [
        f"{outcome.published:,} messages in {outcome.elapsed_s:.1f} s ({rate:,.0f}/s) over {outcome.broker}",
        *(str(source) for source in outcome.sources),
    ]
    if outcome.interrupted:
        said.append("stopped by hand before its time; the accounts are of what was published until then")
    if outcome.given_up:
        said.append(f"this machine was too slow for {outcome.given_up:,} more that the clock asked for")
    if outcome.refused:
        said.append(f"full buffers refused {outcome.refused:,} messages, which nobody was to receive")
    said += outcome.troubles
    if outcome.balance.balanced:
        said.append("The accounts balance: published = acknowledged = received, 0 out of key order.")
    else:
        said += ["The accounts do NOT balance:", *(f"  {fault}" for fault in outcome.balance.faults)]
    return said
