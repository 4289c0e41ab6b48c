"""The grammar of topics, families and Kafka topic names."""

from __future__ import annotations

import re

from bus.errors import TopicError
from bus.message import TIERS, MessagePriority

TOPIC_LENGTH_MAX = 249
SEGMENT = re.compile(r"[A-Za-z0-9_-]+\Z")
_TOPIC = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_TIER_OF = {tier.tier: tier for tier in TIERS}


def check_topic(topic: str) -> str:
    """Returns the topic when it is one.

    Raises:
        TopicError: It is empty, too long, begins with `_`, or a segment has other characters than
            `A-Z a-z 0-9 _ -`.
    """
    if not isinstance(topic, str):
        raise TopicError(f"a topic is text, not {type(topic).__name__}")
    if len(topic) > TOPIC_LENGTH_MAX:
        raise TopicError(f"topic {topic[:40]!r}... has {len(topic)} characters; at most {TOPIC_LENGTH_MAX} are allowed")
    if not _TOPIC.match(topic):
        raise TopicError(f"topic {topic!r} is not valid: {_fault(topic)}")
    if topic[0] == "_":
        raise TopicError(f"topic {topic!r} begins with '_', which is kept for the bus's own topics")
    return topic


def _fault(topic: str) -> str:
    if not topic:
        return "it is empty; write segments joined by dots, as in trading.orders.new"
    for segment in topic.split("."):
        if not segment:
            return "a segment is empty; remove the extra dot"
        if "*" in segment:
            return "'*' is for patterns; publish to a topic without it"
        if not SEGMENT.match(segment):
            return f"segment {segment!r} may only have letters, digits, '_' and '-'"
    raise AssertionError(f"{topic!r} has no fault")


def family_of(topic: str, depth: int) -> str:
    """The first `depth` segments of a topic, or all when it has fewer."""
    end = -1
    for _ in range(depth):
        end = topic.find(".", end + 1)
        if end < 0:
            return topic
    return topic[:end]


def kafka_topic_name(namespace: str, family: str, tier: MessagePriority) -> str:
    """`{namespace}.{family}.{tier}`.

    Raises:
        TopicError: Kafka would refuse the name for its length.
    """
    name = f"{namespace}.{family}.{tier.tier}"
    if len(name) > TOPIC_LENGTH_MAX:
        raise TopicError(
            f"family {family[:40]!r}... makes a Kafka topic of {len(name)} characters, over {TOPIC_LENGTH_MAX}; "
            "shorten its first segments or lower the route's family_depth"
        )
    return name


def parse_kafka_topic(namespace: str, name: str) -> tuple[str, MessagePriority] | None:
    """The family and tier of a Kafka topic; `None` when it is not a data topic of this namespace."""
    prefix = f"{namespace}."
    if not name.startswith(prefix) or name.startswith(f"{prefix}_"):
        return None
    family, _, tier_name = name[len(prefix) :].rpartition(".")
    tier = _TIER_OF.get(tier_name)
    return (family, tier) if family and tier is not None else None
