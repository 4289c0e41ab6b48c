"""Counters as one picture; nothing is computed before somebody asks."""

from __future__ import annotations

from typing import Any

from bus.publish.tier import Tier

_TOTALS = ("published", "acknowledged", "failed", "refused")


def snapshot(tiers: list[Tier], received: int, elapsed_s: float, moved_before: int) -> dict[str, Any]:
    """What `MessageBus.get_metrics` returns.

    Args:
        tiers: The publisher's tiers.
        received: Messages pulled or handled since connect.
        elapsed_s: Seconds since the last picture.
        moved_before: Messages published and received up to then.
    """
    by_tier = {
        tier.priority.tier: {
            "published": tier.published,
            "published_bytes": tier.published_bytes,
            "acknowledged": tier.acknowledged,
            "failed": tier.failed,
            "refused": tier.refused,
            "buffered": tier.account.messages,
            "buffer_utilization": tier.account.utilization,
        }
        for tier in tiers
    }
    totals = {name: sum(int(tier[name]) for tier in by_tier.values()) for name in _TOTALS}
    moved = totals["published"] + received
    return {
        "messages_per_second": (moved - moved_before) / elapsed_s if elapsed_s > 0 else 0.0,
        "buffer_utilization": max((tier["buffer_utilization"] for tier in by_tier.values()), default=0.0),
        "error_rate": totals["failed"] / totals["published"] if totals["published"] else 0.0,
        **totals,
        "received": received,
        "tiers": by_tier,
    }
