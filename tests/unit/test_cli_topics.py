"""Which Kafka topics a family consists of, and how what there is is listed."""

from __future__ import annotations

import pytest

from bus import PriorityError, RouteRule, Settings, TopicError
from ops.cli.declaring import declared
from ops.cli.topics import listed

SETTINGS = Settings(namespace="n")


def names(family: str, *tiers: str, settings: Settings = SETTINGS) -> list[str]:
    return [topic.name for topic in declared(family, tiers, None, settings)]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("trading.orders", ["n.trading.orders.critical"]),
        ("market-data.quotes", ["n.market-data.quotes.high"]),
        ("logs.gateway", ["n.logs.gateway.low"]),
        ("shop.carts", ["n.shop.carts.normal"]),
        ("carts", ["n.carts.normal"]),
    ],
)
def test_without_tiers_the_routes_decide(family: str, expected: list[str]) -> None:
    assert names(family) == expected


def test_tiers_by_urgency_each_once() -> None:
    assert names("a.b", "LOW", "critical", "low") == ["n.a.b.critical", "n.a.b.low"]


def test_a_family_whose_topics_are_routed_to_several_tiers_has_them_all() -> None:
    routes = (
        RouteRule(pattern="a.b.urgent.*", priority="critical"),
        RouteRule(pattern="a.b.**", priority="low"),
        RouteRule(pattern="a.**", priority="high"),
    )
    assert names("a.b", settings=Settings(namespace="n", routes=routes)) == ["n.a.b.critical", "n.a.b.low"]


def test_partitions_and_retention_are_the_routes_unless_given() -> None:
    routes = (RouteRule(pattern="a.**", partitions=7, retention_ms=5),)
    settings = Settings(namespace="n", routes=routes)
    (topic,) = declared("a.b", (), None, settings)
    assert (topic.partitions, topic.config) == (7, {"retention.ms": "5"})
    assert declared("a.b", (), 3, settings)[0].partitions == 3


def test_what_is_no_family_is_refused_with_the_family_it_would_be() -> None:
    with pytest.raises(TopicError, match=r"a\.b\.c is no family: its topics belong to a\.b"):
        declared("a.b.c", (), None, SETTINGS)


def test_a_deeper_family_where_the_route_is_deeper() -> None:
    settings = Settings(namespace="n", routes=(RouteRule(pattern="a.**", family_depth=3),))
    assert names("a.b.c", settings=settings) == ["n.a.b.c.normal"]
    assert names("a.b", settings=settings) == ["n.a.b.normal"]


@pytest.mark.parametrize(("family", "tiers", "error"), [("a..b", (), TopicError), ("a.b", ("urgent",), PriorityError)])
def test_wrong_names(family: str, tiers: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        declared(family, tiers, None, SETTINGS)


def test_the_list_is_in_order_and_keeps_our_own_apart() -> None:
    found = {"n.b.x.low": 2, "n.b.x.critical": 4, "n.a.y.high": 1, "n._schemas": 1, "n.foreign": 3}
    document = listed("n", "h:1", found, {"n.b.x.low": 9})
    assert [family["family"] for family in document["families"]] == ["a.y", "b.x"]
    assert document["families"][1]["tiers"] == [
        {"tier": "critical", "kafka_topic": "n.b.x.critical", "partitions": 4, "written": 0},
        {"tier": "low", "kafka_topic": "n.b.x.low", "partitions": 2, "written": 9},
    ]
    assert [row["kafka_topic"] for row in document["internal"]] == ["n._schemas", "n.foreign"]
