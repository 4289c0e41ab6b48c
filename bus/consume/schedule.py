"""Which tier is taken from next. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SHARES = (8, 4, 2, 1)
"""Of each round, by tier: the most urgent first, and none without its share."""


def next_tier(waiting: Sequence[int], credits: list[int]) -> int | None:
    """The most urgent tier that has something waiting and credit left; when none has credit, a new round begins.

    Args:
        waiting: Messages that wait, by tier.
        credits: What is left of each tier's share in this round; the chosen tier is charged by `charge`.

    Returns:
        The tier, or `None` when nothing waits.
    """
    second: int | None = None
    for tier, count in enumerate(waiting):
        if count:
            if credits[tier] > 0:
                return tier
            if second is None:
                second = tier
    if second is not None:
        credits[:] = SHARES
    return second


def charge(credits: list[int], tier: int) -> None:
    """Takes one unit of a tier's share."""
    credits[tier] -= 1
