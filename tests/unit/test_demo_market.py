"""The generated market, its pace, and what the desk decides."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from random import Random

import pytest

from bus import RouteRule, Settings
from bus.avro.contracts import load_contracts
from bus.routing.router import Router
from ops.demo.desk import NOTIONAL_MAX, Order, decide, spread
from ops.demo.draft import Draft
from ops.demo.market import START_PRICES, Market
from ops.demo.pace import Pace
from ops.demo.plan import ROUTES, Plan, kafka_topics

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
CONTRACTS = load_contracts(None)
ROUTER = Router("t", ROUTES, RouteRule(pattern="**"))


def market(seed: int = 7) -> Market:
    return Market(seed, lambda: NOW)


def order(quantity: str = "1", price: str | None = "100") -> Order:
    return Order("o-1", "BINANCE", "BTC-USD", "flow", Decimal(quantity), None if price is None else Decimal(price))


def check(draft: Draft) -> None:
    rule = ROUTER.route(draft.topic).rule
    assert rule.contract is not None
    contract = CONTRACTS[rule.contract]
    decoded = contract.decode(contract.encode(draft.data))
    assert {name: decoded[name] for name in draft.data} == draft.data


def test_the_same_seed_gives_the_same_market() -> None:
    assert list(islice(market(), 500)) == list(islice(market(), 500))
    assert list(islice(market(), 50)) != list(islice(market(8), 50))


def test_every_message_fits_the_contract_that_its_route_names() -> None:
    drafts = list(islice(market(), 2_000))
    for draft in drafts:
        check(draft)
    kinds = Counter(draft.topic.split(".")[0] for draft in drafts)
    assert kinds.keys() == {"market-data", "trading", "logs"}
    assert kinds["market-data"] > kinds["logs"] > kinds["trading"] > 100


def test_quotes_count_without_gaps_and_stay_near_where_they_began() -> None:
    seen: Counter[str] = Counter()
    for draft in islice(market(), 30_000):
        if draft.topic.startswith("market-data."):
            seen[draft.topic] += 1
            assert draft.data["sequence"] == seen[draft.topic]
            assert draft.data["bid"] < draft.data["last"] < draft.data["ask"]
            assert 0.3 < draft.data["last"] / START_PRICES[draft.key] < 3


@pytest.mark.parametrize(
    ("given", "alerts", "status"),
    [
        (order("1", "100"), 0, "FILLED"),
        (order("1", str(NOTIONAL_MAX)), 0, "FILLED"),
        (order("1", str(NOTIONAL_MAX + 1)), 1, "REJECTED"),
        (order("1", None), 0, "FILLED"),
        (order("1000", None), 1, "REJECTED"),
    ],
)
def test_the_desk_reports_each_order_and_alerts_over_its_limit(given: Order, alerts: int, status: str) -> None:
    *raised, report = decide(given, NOW)
    assert [draft.topic for draft in raised] == ["risk.alerts.flow"] * alerts
    assert (report.topic, report.key, report.data["status"]) == ("execution.reports.BINANCE", "BTC-USD", status)
    for draft in (*raised, report):
        check(draft)


def test_orders_of_every_instrument_can_be_reported() -> None:
    generated = market()
    for _ in range(500):
        data = generated.order().data
        for draft in decide(Order(**{name: data[name] for name in Order.__slots__}), NOW):
            check(draft)


def test_the_spread_of_a_quote() -> None:
    draft = spread({"bid": 99.0, "ask": 101.0, "venue": "NYSE", "symbol": "AAPL", "quoted_at": NOW})
    assert (draft.key, draft.data["value"]) == ("NYSE/AAPL", pytest.approx(200.0))
    check(draft)


def test_the_pace_follows_the_clock() -> None:
    pace = Pace(64, began_s=4.0)
    assert [pace.due(now) for now in (4.0, 4.0625, 4.0625, 4.125, 4.25)] == [0, 4, 0, 4, 8]
    assert pace.given_up == 0


def test_the_pace_loses_nothing_to_rounding() -> None:
    rng, pace, now, sent = Random(1), Pace(333.3, began_s=0.0), 0.0, 0
    while now < 60:
        now += rng.uniform(0.001, 0.02)
        sent += pace.due(now)
    assert sent == int(333.3 * now)


def test_a_long_stop_is_not_made_up_for() -> None:
    pace = Pace(100, began_s=0.0, catch_up_s=0.25)
    assert pace.due(10.0) == 25
    assert pace.given_up == 975
    assert pace.due(10.1) == 10
    assert pace.due(9.0) == 0  # a clock that steps back asks for nothing


def test_topics_are_made_once_each_with_their_retention() -> None:
    settings = Settings(routes=ROUTES, namespace="t")
    drafts = [market().quote(), market().quote(), market().order(), market().line()]
    topics = {topic.name: topic for topic in kafka_topics(settings, drafts)}
    assert topics.keys() == {"t.market-data.quotes.high", "t.trading.orders.critical", "t.logs.low"}
    assert topics["t.logs.low"].config == {"retention.ms": "3600000"}


def test_a_run_has_a_namespace_of_its_own_unless_one_is_given() -> None:
    assert Plan().settings("h:1", "abc").namespace == "demo-abc"
    assert Plan(overrides={"namespace": "mine"}).settings("h:1", "abc").namespace == "mine"
    assert Plan().settings("h:1", "abc").bootstrap_servers == "h:1"
