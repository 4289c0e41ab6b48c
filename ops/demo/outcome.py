"""What a run came to, and the report of it as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bus.message import TIERS
from ops.demo.accounts import Balance, as_json
from ops.demo.latency import Histogram
from ops.demo.sources import Source

PERCENTS = (50.0, 90.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run.

    Attributes:
        balance: The books.
        latencies: Publish to handler, by tier, without the warm-up.
        sources: Where the records came from.
        elapsed_s: How long messages were generated.
        given_up: Messages that the clock asked for and this machine was too slow for.
        refused: Messages that a full buffer refused; they are not in the books.
        interrupted: Whether somebody stopped it before its time.
        troubles: What went wrong beside the books, one sentence each.
        namespace: Prefix of its Kafka topics.
        broker: What it ran on.
    """

    balance: Balance
    latencies: Sequence[Histogram]
    sources: tuple[Source, ...]
    elapsed_s: float
    given_up: int
    refused: int
    interrupted: bool
    troubles: tuple[str, ...]
    namespace: str
    broker: str

    @property
    def fine(self) -> bool:
        """Whether the books balance and nothing else went wrong."""
        return self.balance.balanced and not self.troubles

    @property
    def published(self) -> int:
        """Messages of all tiers."""
        return sum(row.published for row in self.balance.sent)


def report(outcome: Outcome) -> dict[str, Any]:
    """The outcome as a JSON object; latencies in ms, each with a whole number of microseconds."""
    return {
        "fine": outcome.fine,
        "interrupted": outcome.interrupted,
        "troubles": list(outcome.troubles),
        "broker": outcome.broker,
        "namespace": outcome.namespace,
        "elapsed_s": round(outcome.elapsed_s, 3),
        "published": outcome.published,
        "given_up": outcome.given_up,
        "refused": outcome.refused,
        "sources": [
            {"name": s.name, "origin": s.origin, "records": len(s.drafts), "reason": s.reason} for s in outcome.sources
        ],
        "accounts": as_json(outcome.balance),
        "latency_ms": {tier.tier: _latency(outcome.latencies[tier]) for tier in TIERS},
    }


def _latency(histogram: Histogram) -> dict[str, Any]:
    found = {f"p{percent:g}": ms for percent, ms in histogram.percentiles(PERCENTS).items()}
    rounded = {name: None if ms is None else round(ms, 3) for name, ms in found.items()}
    return {"count": histogram.count, **rounded, "max": round(histogram.highest_ms, 3)}
