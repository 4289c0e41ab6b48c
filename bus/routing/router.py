"""From a topic and a priority to where it goes: for each decision the first rule that matches and makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bus.message import MessagePriority, Partition
from bus.routing.patterns import Pattern, compile_pattern
from bus.routing.topics import check_topic, family_of, kafka_topic_name
from bus.settings import RouteRule, Settings


@dataclass(frozen=True, slots=True)
class Route:
    """Where a topic goes.

    Attributes:
        topic: The dotted topic.
        tier: The tier that it is sent in.
        family: Its first segments.
        kafka_topic: The Kafka topic that holds the family in that tier.
        rule: What the rules decided.
    """

    topic: str
    tier: MessagePriority
    family: str
    kafka_topic: str
    rule: RouteRule

    def partitions(self, count: int) -> list[Partition]:
        """The partitions of its Kafka topic."""
        return [Partition(self.kafka_topic, number) for number in range(count)]


class Router:
    """The rules of one client; the same arguments always give the same route."""

    __slots__ = ("_default", "_namespace", "_rules")

    def __init__(self, namespace: str, rules: Sequence[RouteRule], default: RouteRule) -> None:
        """Compiles the rules.

        Raises:
            PatternError: A rule's pattern is not valid.
        """
        self._namespace = namespace
        self._rules: list[tuple[Pattern, RouteRule]] = [(compile_pattern(rule.pattern), rule) for rule in rules]
        self._default = default

    def put_first(self, rules: Sequence[RouteRule]) -> None:
        """Rules that are asked before those there are.

        Raises:
            PatternError: A rule's pattern is not valid; none was added.
        """
        self._rules[:0] = [(compile_pattern(rule.pattern), rule) for rule in rules]

    @classmethod
    def from_settings(cls, settings: Settings) -> Router:
        """The router that a client with these settings uses."""
        return cls(settings.namespace, settings.routes, RouteRule(pattern="**", priority=settings.default_priority))

    def rule(self, topic: str) -> RouteRule:
        """What the rules that match decide, each leaving to the next what it says nothing of.

        A contract and its compatibility are one decision, made by the rule that names the contract.
        """
        decided: dict[str, Any] = {}
        for pattern, rule in self._rules:
            if pattern.matches(topic):
                said = rule.model_fields_set - {"pattern", "compatibility"}
                if "contract" in said and "contract" not in decided:
                    decided["compatibility"] = rule.compatibility
                decided = {name: getattr(rule, name) for name in said} | decided
        return self._default.model_copy(update=decided)

    def route(self, topic: str, priority: MessagePriority | str | None = None) -> Route:
        """Where a topic goes; an explicit priority wins over the rule's.

        Raises:
            TopicError: The topic is not valid, or its family is too long for Kafka.
            PriorityError: The priority is unknown.
        """
        check_topic(topic)
        rule = self.rule(topic)
        tier = rule.priority if priority is None else MessagePriority.parse(priority)
        family = family_of(topic, rule.family_depth)
        return Route(topic, tier, family, kafka_topic_name(self._namespace, family, tier), rule)
