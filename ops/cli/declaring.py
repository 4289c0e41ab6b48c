"""Which Kafka topics a family consists of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bus import MessagePriority, Settings, TopicError
from bus.publish.topics import new_kafka_topic
from bus.routing.patterns import compile_pattern
from bus.routing.router import Router
from bus.routing.topics import check_topic
from bus.transport.base import NewKafkaTopic


def declared(family: str, tiers: Sequence[str], partitions: int | None, settings: Settings) -> list[NewKafkaTopic]:
    """The Kafka topics of a family; without tiers, those that the routes give its topics.

    Raises:
        TopicError: No topic can have this family under the routes.
        PriorityError: A tier is unknown.
    """
    check_topic(family)
    router = Router.from_settings(settings)
    sample = next((each for each in (f"{family}.x", family) if router.route(each).family == family), None)
    if sample is None:
        depth = router.rule(family).family_depth
        raise TopicError(
            f"{family} is no family: its topics belong to {router.route(family).family}, for the route takes the first "
            f"{depth} segments; give that, or change the route's family_depth"
        )
    chosen = [MessagePriority.parse(tier) for tier in tiers] or _routed(family, settings) or [router.route(sample).tier]
    topics = [new_kafka_topic(router.route(sample, tier), settings) for tier in sorted(set(chosen))]
    return topics if partitions is None else [replace(topic, partitions=partitions) for topic in topics]


def _routed(family: str, settings: Settings) -> list[MessagePriority]:
    """The tiers of the rules that topics of the family can fall under, up to the first that takes them all."""
    tiers = []
    for rule in settings.routes:
        pattern = compile_pattern(rule.pattern)
        if "priority" in rule.model_fields_set and pattern.may_match_in(family):
            tiers.append(rule.priority)
            if pattern.matches(f"{family}.x") and pattern.matches(f"{family}.x.y"):
                break
    return tiers
