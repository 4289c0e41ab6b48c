"""The last page of a run, for a person."""

from __future__ import annotations

from pathlib import Path

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
        say(console, f"  {command:<86} {what}")


def _accounts(outcome: Outcome) -> Table:
    table = Table(title="Every message by tier and by consumer", title_justify="left")
    for name, justify in (("tier", "left"), ("who", "left"), ("published", "right"), ("acknowledged", "right")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for name in ("received", "missing", "doubled", "out of order"):
        table.add_column(name, justify="right")
    for sent in outcome.balance.sent:
        table.add_section()
        style = STYLES[sent.tier]
        counts = (f"{sent.published:,}", f"{sent.acknowledged:,}")
        table.add_row(sent.tier.tier, "published by all", *counts, "", "", "", "", style=style)
        for got in outcome.balance.got:
            if got.tier is sent.tier:
                faults = (f"{n:,}" for n in (got.missing, got.doubled, got.out_of_order))
                table.add_row("", got.consumer, f"{got.expected:,}", "", f"{got.received:,}", *faults)
    return table


def _latencies(outcome: Outcome) -> Table:
    table = Table(title="From publish to handler, milliseconds", title_justify="left")
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
