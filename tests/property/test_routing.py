"""Patterns, the router and Kafka topic names against slow and obvious references."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bus.message import TIERS, MessagePriority
from bus.routing.patterns import compile_pattern
from bus.routing.router import Router
from bus.routing.topics import check_topic, family_of, kafka_topic_name, parse_kafka_topic
from bus.settings import RouteRule

# Few letters, so that patterns and topics meet often.
_small_segments = st.sampled_from(["a", "b", "ab", "a-b"])
_small_topics = st.lists(_small_segments, min_size=1, max_size=7).map(".".join)
_patterns = st.lists(st.one_of(_small_segments, st.sampled_from(["*", "**"])), min_size=1, max_size=7).map(".".join)

_segments = st.text("ABCXYZabcxyz0189_-", min_size=1, max_size=12)
_topics = st.lists(_segments, min_size=1, max_size=8).map(".".join).filter(lambda topic: not topic.startswith("_"))
_tiers = st.sampled_from(TIERS)
_namespaces = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)


def obviously_matches(pattern: list[str], topic: list[str]) -> bool:
    """`*` is one segment, `**` one or more."""
    if not pattern:
        return not topic
    if not topic:
        return False
    head, rest = pattern[0], pattern[1:]
    if head == "**":
        return any(obviously_matches(rest, topic[taken:]) for taken in range(1, len(topic) + 1))
    return head in ("*", topic[0]) and obviously_matches(rest, topic[1:])


def obviously_may_extend(pattern: list[str], family: list[str]) -> bool:
    """Whether some topic that begins with the family's segments matches."""
    if not family:
        return True  # what the pattern still wants can follow
    if not pattern:
        return False
    if pattern[0] == "**":
        return obviously_may_extend(pattern, family[1:]) or obviously_may_extend(pattern[1:], family[1:])
    return pattern[0] in ("*", family[0]) and obviously_may_extend(pattern[1:], family[1:])


@given(_patterns, _small_topics)
@example("**.a.**.a", "a.a.b.a")
@example("**.**.a", "a.a")
@example("a.**.*.b", "a.b.b.b")
def test_wildcards_match_as_the_reference_says(pattern: str, topic: str) -> None:
    assert compile_pattern(pattern).matches(topic) == obviously_matches(pattern.split("."), topic.split("."))


@given(_topics)
def test_a_topic_is_the_pattern_of_itself(topic: str) -> None:
    assert compile_pattern(topic).matches(topic)
    assert compile_pattern("**").matches(topic)
    assert compile_pattern(".".join("*" for _ in topic.split("."))).matches(topic)


@given(_patterns, _small_topics)
def test_families_are_as_the_reference_says(pattern: str, family: str) -> None:
    expected = obviously_may_extend(pattern.split("."), family.split("."))
    assert compile_pattern(pattern).may_match_in(family) == expected


@given(_patterns, _small_topics, st.integers(1, 7))
def test_the_family_of_a_matching_topic_is_read(pattern: str, topic: str, depth: int) -> None:
    compiled = compile_pattern(pattern)
    if compiled.matches(topic):
        assert compiled.may_match_in(family_of(topic, depth))


# Expressions that are put together from parts; most parts match something of a topic made of a, b, - and dots.
_parts = st.sampled_from(
    [
        *(
            "a",
            "b",
            "ab",
            "-",
            r"\.",
            r"\-",
            ".",
            "[ab]",
            "[^.]",
            r"\w",
            "(a)",
            "(?:ab)",
            "(a|b)",
            "|",
            "^",
            "$",
            r"\A",
        ),
        *(
            "a*",
            "b+",
            "a?",
            "a{2}",
            "b{0,1}",
            ".*",
            r"\.?",
            r"\.*",
            "(?=a)",
            "(?!b)",
            r"\b",
            "a*?",
            "a{,2}",
            "}",
            "]",
            "{",
        ),
        *("(?i:A)", r"\x61", r"\141", "_", r"\_"),
    ]
)
_flags = st.sampled_from([0, re.IGNORECASE, re.VERBOSE, re.MULTILINE, re.DOTALL, re.ASCII])


@given(st.lists(_parts, max_size=6).map("".join), _flags, _small_topics, st.integers(1, 7))
@example("a{0}b", 0, "b", 1)
@example("a{,2}b", 0, "b", 1)
@example(r"a\.{0}b", 0, "ab", 1)
def test_an_expression_never_misses_a_family(expression: str, flags: int, topic: str, depth: int) -> None:
    try:
        compiled = compile_pattern(re.compile(expression, flags))
    except re.error:
        return
    if compiled.matches(topic):
        assert compiled.may_match_in(family_of(topic, depth))


@given(_topics.map(re.escape), st.integers(1, 7))
def test_an_escaped_topic_reads_its_own_family_and_not_every_other(expression: str, depth: int) -> None:
    compiled = compile_pattern(re.compile(expression))
    topic = expression.replace("\\", "")
    assert compiled.matches(topic)
    assert compiled.may_match_in(family_of(topic, depth))
    assert not compiled.may_match_in("+" + topic)


@given(_topics, _namespaces, _tiers, st.integers(1, 8))
def test_a_kafka_topic_says_where_it_came_from(topic: str, namespace: str, tier: MessagePriority, depth: int) -> None:
    family = family_of(check_topic(topic), depth)
    name = kafka_topic_name(namespace, family, tier)
    assert parse_kafka_topic(namespace, name) == (family, tier)
    assert parse_kafka_topic(f"{namespace}x", name) is None


@given(_topics, st.integers(1, 8))
def test_a_family_is_the_beginning_of_its_topic(topic: str, depth: int) -> None:
    family = family_of(topic, depth)
    assert topic.split(".")[: len(family.split("."))] == family.split(".")
    assert len(family.split(".")) == min(depth, len(topic.split(".")))


_rules = st.fixed_dictionaries(
    {"pattern": _patterns},
    optional={
        "priority": _tiers,
        "family_depth": st.integers(1, 4),
        "contract": st.sampled_from(["a.one", "a.two"]),
        "compatibility": st.sampled_from(["FULL", "NONE"]),
        "partitions": st.integers(1, 9),
    },
)


@given(st.lists(_rules, max_size=6), _tiers, _small_topics, st.one_of(st.none(), _tiers))
def test_each_decision_is_of_the_first_rule_that_makes_it(
    given: list[dict[str, Any]], usual: MessagePriority, topic: str, explicit: MessagePriority | None
) -> None:
    matching = [rule for rule in given if obviously_matches(rule["pattern"].split("."), topic.split("."))]
    usually = RouteRule(pattern="**", priority=usual)
    route = Router("n", [RouteRule(**rule) for rule in given], usually).route(topic, explicit)
    for name in ("priority", "family_depth", "contract", "partitions"):
        assert getattr(route.rule, name) == [*(r[name] for r in matching if name in r), getattr(usually, name)][0]
    bound = next((rule for rule in matching if "contract" in rule), {})
    assert route.rule.compatibility == bound.get("compatibility", "BACKWARD_TRANSITIVE")
    assert route.tier is (route.rule.priority if explicit is None else explicit)
    assert route.family == ".".join(topic.split(".")[: route.rule.family_depth])
    assert route.kafka_topic == f"n.{route.family}.{route.tier.tier}"
