"""Percentiles from buckets, against the percentiles of the numbers themselves."""

from __future__ import annotations

import math
from random import Random

import pytest

from ops.demo.latency import LOWEST_MS, RATIO, Histogram


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("percent", [0.1, 50, 90, 99, 99.9, 100])
def test_percentiles_are_those_of_the_values_at_most_two_percent_high(seed: int, percent: float) -> None:
    rng = Random(seed)
    values = [rng.lognormvariate(2, 1.5) for _ in range(3_000)]
    exact = sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]
    told = filled(values).percentile(percent)
    assert told is not None
    assert exact <= told * (1 + 1e-9)
    assert told <= exact * RATIO * (1 + 1e-9)


def test_nothing_recorded_has_no_percentiles() -> None:
    assert Histogram().percentile(50) is None
    assert Histogram().percentiles([50, 99]) == {50: None, 99: None}
    assert Histogram().curve() == []


def test_one_value_is_every_percentile() -> None:
    histogram = filled([7.0])
    assert {histogram.percentile(p) for p in (1, 50, 100)} == {7.0}


def test_the_ends_are_counted_and_not_lost() -> None:
    histogram = filled([-1.0, 0.0, 1e9])
    assert histogram.count == 3
    assert histogram.percentile(50) == LOWEST_MS
    assert histogram.highest_ms == 1e9


def test_one_slow_message_in_a_thousand_shows_where_it_should() -> None:
    histogram = filled([1.0] * 999 + [500.0])
    assert histogram.percentile(99.9) == pytest.approx(1.0, rel=0.02)
    assert histogram.percentile(99.95) == 500.0


def test_since_is_what_came_after() -> None:
    histogram = filled([1.0] * 10)
    earlier = histogram.copy()
    for _ in range(10):
        histogram.record(100.0)
    lately = histogram.since(earlier)
    assert lately.count == 10
    assert lately.percentile(1) == pytest.approx(100.0, rel=0.02)
    assert earlier.count == 10
    assert histogram.percentile(50) == pytest.approx(1.0, rel=0.02)


def test_the_curve_rises_and_ends_with_all() -> None:
    rng = Random(3)
    curve = filled([rng.expovariate(0.1) for _ in range(500)]).curve()
    assert curve == sorted(curve)
    assert curve[-1][0] == 100
    assert [ms for _, ms in curve] == sorted(ms for _, ms in curve)
