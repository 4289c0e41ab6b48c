"""The router by example: what the guide's default rules say, and what wins over them."""

from __future__ import annotations

import pytest

from bus.errors import PatternError, PriorityError, TopicError
from bus.message import MessagePriority
from bus.routing.router import Router
from bus.settings import DEFAULT_ROUTES, RouteRule, Settings

CRITICAL, HIGH, NORMAL, LOW = MessagePriority


@pytest.fixture
def router() -> Router:
    return Router.from_settings(Settings())


@pytest.mark.parametrize(
    ("topic", "tier"),
    [
        ("trading.orders.BINANCE.new", CRITICAL),
        ("risk.alerts.margin", CRITICAL),
        ("system.emergency.stop", CRITICAL),
        ("market-data.ticks", HIGH),
        ("execution.reports.fills", HIGH),
        ("analytics.daily", NORMAL),
        ("events.login", NORMAL),
        ("logs.app", LOW),
        ("debug.trace.x", LOW),
        ("datagov.datasets.new", LOW),
        ("trading.orders", NORMAL),
        ("anything.else", NORMAL),
    ],
)
def test_default_rules(router: Router, topic: str, tier: MessagePriority) -> None:
    assert router.route(topic).tier is tier


def test_a_route_has_everything(router: Router) -> None:
    route = router.route("trading.orders.BINANCE.new")
    assert (route.topic, route.family) == ("trading.orders.BINANCE.new", "trading.orders")
    assert route.kafka_topic == "bus.trading.orders.critical"
    assert (route.tier, route.rule.contract) == (MessagePriority.CRITICAL, None)


def test_a_rule_leaves_to_the_next_what_it_says_nothing_of() -> None:
    rule = RouteRule(pattern="trading.orders.**", contract="trading.order", compatibility="FULL")
    route = Router.from_settings(Settings(routes=(rule, *DEFAULT_ROUTES))).route("trading.orders.BINANCE.new")
    assert (route.tier, route.rule.contract, route.rule.compatibility) == (
        MessagePriority.CRITICAL,
        "trading.order",
        "FULL",
    )


@pytest.mark.parametrize("priority", [LOW, "LOW", "low", "Low"])
def test_an_explicit_priority_wins(router: Router, priority: MessagePriority | str) -> None:
    route = router.route("trading.orders.BINANCE.new", priority)
    assert (route.tier, route.kafka_topic) == (LOW, "bus.trading.orders.low")


@pytest.mark.parametrize("priority", ["urgent", "", "3"])
def test_an_unknown_priority_is_refused(router: Router, priority: str) -> None:
    with pytest.raises(PriorityError, match=f"'{priority}' is unknown; use one of CRITICAL, HIGH, NORMAL, LOW"):
        router.route("a.b", priority)


def test_the_first_rule_wins() -> None:
    rules = [
        RouteRule(pattern="a.b.**", priority=HIGH, family_depth=3),
        RouteRule(pattern="a.**", priority=LOW, family_depth=1),
    ]
    router = Router("n", rules, RouteRule(pattern="**", priority=CRITICAL))
    assert router.route("a.b.c.d").kafka_topic == "n.a.b.c.high"
    assert router.route("a.b").kafka_topic == "n.a.low"
    assert router.route("b").kafka_topic == "n.b.critical"


def test_the_default_priority_is_a_setting() -> None:
    router = Router.from_settings(Settings(default_priority=LOW, routes=(), namespace="other"))
    assert router.route("trading.orders.x").kafka_topic == "other.trading.orders.low"


def test_a_bad_topic_is_refused(router: Router) -> None:
    with pytest.raises(TopicError, match="extra dot"):
        router.route("a..b")


def test_a_family_that_is_too_long_for_kafka_is_refused(router: Router) -> None:
    with pytest.raises(TopicError, match="lower the route's family_depth"):
        router.route("a." + "b" * 240)


def test_a_rule_with_a_bad_pattern_is_refused() -> None:
    with pytest.raises(PatternError, match="segment '' must be"):
        Router("n", [RouteRule(pattern="a..b")], RouteRule(pattern="**"))
