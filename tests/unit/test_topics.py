"""The grammar of topics, families and Kafka topic names."""

from __future__ import annotations

from typing import Any

import pytest

from bus.errors import RoutingError, TopicError
from bus.message import TIERS, MessagePriority
from bus.routing.topics import TOPIC_LENGTH_MAX, check_topic, family_of, kafka_topic_name, parse_kafka_topic


@pytest.mark.parametrize(
    "topic",
    ["a", "trading.orders.BINANCE.new", "market-data.ticks", "a_b.c-d.0", "0.1.2", "-", "a._b", "x" * TOPIC_LENGTH_MAX],
)
def test_topics(topic: str) -> None:
    assert check_topic(topic) == topic


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("", "it is empty; write segments joined by dots"),
        (".", "a segment is empty; remove the extra dot"),
        ("a..b", "a segment is empty; remove the extra dot"),
        (".a", "a segment is empty; remove the extra dot"),
        ("a.", "a segment is empty; remove the extra dot"),
        ("a.*.b", "'*' is for patterns; publish to a topic without it"),
        ("a.**", "'*' is for patterns; publish to a topic without it"),
        ("a b", "segment 'a b' may only have letters, digits, '_' and '-'"),
        ("a.ü", "segment 'ü' may only have"),
        ("a.\u0661", "segment .\u0661. may only have"),
        ("a.b\n", r"segment 'b\\n' may only have"),
        ("a/b", "segment 'a/b' may only have"),
        ("_schemas", "begins with '_', which is kept for the bus's own topics"),
        ("x" * (TOPIC_LENGTH_MAX + 1), f"has {TOPIC_LENGTH_MAX + 1} characters; at most {TOPIC_LENGTH_MAX}"),
    ],
)
def test_what_is_no_topic(topic: str, says: str) -> None:
    with pytest.raises(TopicError, match=says.replace("*", r"\*")) as caught:
        check_topic(topic)
    assert isinstance(caught.value, RoutingError | ValueError)
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("topic", [None, b"a.b", 7, ["a"]])
def test_a_topic_is_text(topic: Any) -> None:
    with pytest.raises(TopicError, match=f"a topic is text, not {type(topic).__name__}"):
        check_topic(topic)


@pytest.mark.parametrize(
    ("topic", "depth", "family"),
    [
        ("a.b.c.d", 1, "a"),
        ("a.b.c.d", 2, "a.b"),
        ("a.b.c.d", 3, "a.b.c"),
        ("a.b.c.d", 4, "a.b.c.d"),
        ("a.b.c.d", 9, "a.b.c.d"),
        ("a", 2, "a"),
    ],
)
def test_families(topic: str, depth: int, family: str) -> None:
    assert family_of(topic, depth) == family


def test_kafka_topic_names() -> None:
    assert kafka_topic_name("bus", "trading.orders", MessagePriority.CRITICAL) == "bus.trading.orders.critical"
    assert [kafka_topic_name("n", "f", tier) for tier in TIERS] == ["n.f.critical", "n.f.high", "n.f.normal", "n.f.low"]


@pytest.mark.parametrize("tier", TIERS)
def test_a_kafka_topic_is_as_long_as_kafka_allows(tier: MessagePriority) -> None:
    room = TOPIC_LENGTH_MAX - len(f"bus..{tier.tier}")
    assert len(kafka_topic_name("bus", "f" * room, tier)) == TOPIC_LENGTH_MAX
    with pytest.raises(TopicError, match="over 249; shorten its first segments or lower the route's family_depth"):
        kafka_topic_name("bus", "f" * (room + 1), tier)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("bus.trading.orders.critical", ("trading.orders", MessagePriority.CRITICAL)),
        ("bus.a.low", ("a", MessagePriority.LOW)),
        ("bus.a.critical.high", ("a.critical", MessagePriority.HIGH)),
        ("bus._schemas", None),
        ("bus._dead.low", None),
        ("bus.a.b", None),
        ("bus.low", None),
        ("bus..low", None),
        ("bus", None),
        ("bus.", None),
        ("bus2.a.low", None),
        ("other.a.low", None),
        ("__consumer_offsets", None),
        ("bus.a.LOW", None),
    ],
)
def test_parsing(name: str, parsed: tuple[str, MessagePriority] | None) -> None:
    assert parse_kafka_topic("bus", name) == parsed
