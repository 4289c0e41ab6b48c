from __future__ import annotations

from collections import Counter

import pytest

from bus.consume.schedule import SHARES, charge, next_tier


def served(waiting: list[int], rounds: int) -> Counter[int]:
    credits, counts = list(SHARES), Counter[int]()
    for _ in range(rounds):
        tier = next_tier(waiting, credits)
        assert tier is not None
        charge(credits, tier)
        counts[tier] += 1
    return counts


def test_shares_are_kept_when_all_tiers_wait() -> None:
    assert served([1, 1, 1, 1], sum(SHARES) * 100) == {tier: share * 100 for tier, share in enumerate(SHARES)}


@pytest.mark.parametrize("tier", range(4))
def test_a_tier_alone_gets_everything(tier: int) -> None:
    waiting = [0, 0, 0, 0]
    waiting[tier] = 1
    assert served(waiting, 1000) == {tier: 1000}


def test_the_most_urgent_goes_first_and_none_is_starved() -> None:
    credits = list(SHARES)
    order = []
    for _ in range(sum(SHARES)):
        tier = next_tier([1, 1, 1, 1], credits)
        assert tier is not None
        charge(credits, tier)
        order.append(tier)
    assert order == sorted(order)
    assert set(order) == {0, 1, 2, 3}


def test_nothing_waits() -> None:
    assert next_tier([0, 0, 0, 0], list(SHARES)) is None
