"""Patterns by example; `tests/property` tries them against a slow reference."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from bus.errors import PatternError
from bus.routing.patterns import compile_pattern, literal_prefix


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a.b", ["a.b"], ["a", "a.b.c", "a.bc", "b.a"]),
        ("a.*", ["a.b", "a.-"], ["a", "a.b.c", "ab.c"]),
        ("*", ["a"], ["a.b"]),
        ("*.*", ["a.b"], ["a", "a.b.c"]),
        ("**", ["a", "a.b", "a.b.c.d"], []),
        ("a.**", ["a.b", "a.b.c"], ["a", "b.a"]),
        ("**.z", ["a.z", "a.b.z", "z.z"], ["z", "a.z.b"]),
        ("a.**.z", ["a.b.z", "a.b.c.z", "a.z.z"], ["a.z", "a", "a.b.z.c"]),
        ("a.*.c.**", ["a.b.c.d", "a.b.c.d.e"], ["a.b.c", "a.b.b.c.d"]),
        ("**.**", ["a.b", "a.b.c"], ["a"]),
        ("**.m.**", ["a.m.b", "m.m.m", "a.m.m.b"], ["m.a", "a.m", "m.m"]),
        ("**.x.*.**.y", ["a.x.b.c.y", "a.x.x.b.c.y"], ["a.x.b.y", "x.b.c.y"]),
        ("trading.orders.*.new", ["trading.orders.BINANCE.new"], ["trading.orders.new", "trading.orders.a.b.new"]),
    ],
)
def test_wildcards(pattern: str, matching: list[str], others: list[str]) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.text == pattern
    assert [topic for topic in matching if not compiled.matches(topic)] == []
    assert [topic for topic in others if compiled.matches(topic)] == []


@pytest.mark.parametrize(
    ("pattern", "may", "cannot"),
    [
        ("a.b.c", ["a.b"], ["a.c", "b.b"]),
        ("a.b", ["a.b", "a"], ["a.c", "a.b.c"]),
        ("a", ["a"], ["a.b", "b"]),
        ("a.*", ["a.b", "a"], ["a.b.c", "b.c"]),
        ("*.b.**", ["a.b", "x.b", "a"], ["a.c"]),
        ("**", ["a", "a.b"], []),
        ("a.**.z", ["a.b", "a.z", "a"], ["b.a"]),
    ],
)
def test_families_that_a_wildcard_can_match_in(pattern: str, may: list[str], cannot: list[str]) -> None:
    compiled = compile_pattern(pattern)
    assert [family for family in may if not compiled.may_match_in(family)] == []
    assert [family for family in cannot if compiled.may_match_in(family)] == []


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "segment '' must be"),
        ("a..b", "segment '' must be"),
        ("a.", "segment '' must be"),
        ("a.b*", r"segment 'b\*' must be '\*' \(one segment\), '\*\*' \(one or more\)"),
        ("a.***", r"segment '\*\*\*' must be"),
        ("a b", "segment 'a b' must be"),
        ("a.[bc]", r"for more, give re.compile"),
        ("a.b\n", r"segment 'b\\n' must be"),
        ("x" * 250, "has 250 characters; at most 249"),
    ],
)
def test_what_is_no_pattern(pattern: str, says: str) -> None:
    with pytest.raises(PatternError, match=says) as caught:
        compile_pattern(pattern)
    assert len(str(caught.value)) < 450


@pytest.mark.parametrize("pattern", [None, 7, b"a.*", ["a"]])
def test_a_pattern_is_text_or_an_expression(pattern: Any) -> None:
    with pytest.raises(PatternError, match=f"not {type(pattern).__name__}"):
        compile_pattern(pattern)


def test_an_expression_of_bytes_is_refused() -> None:
    pattern: Any = re.compile(b"a")
    with pytest.raises(PatternError, match="bytes expression; topics are text"):
        compile_pattern(pattern)


def test_an_expression_is_matched_in_full() -> None:
    compiled = compile_pattern(re.compile(r"a\.[bc]+"))
    assert compiled.text == r"a\.[bc]+"
    assert compiled.matches("a.bc")
    assert not compiled.matches("a.bcd")
    assert not compiled.matches("x.a.b")
    assert compile_pattern(re.compile("a|ab")).matches("ab")
    assert compile_pattern(re.compile("A.B", re.IGNORECASE)).matches("a.b")


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [
        (r"trading\.orders\..*", "trading.orders."),
        (r"^trading\.x", "trading.x"),
        ("market-data", "market-data"),
        (r"ab*", "a"),
        (r"ab+c", "a"),
        (r"ab?", "a"),
        (r"ab{2}", "a"),
        (r"a\.?b", "a"),
        (r"a.b", "a"),
        (r"a[bc]", "a"),
        (r"a$", "a"),
        (r"a|b", ""),
        (r"(a)b", ""),
        (r"\w+", ""),
        (r"\x61", ""),
        ("(?i)abc", ""),
        ("", ""),
    ],
)
def test_literal_prefixes(expression: str, prefix: str) -> None:
    assert literal_prefix(re.compile(expression)) == prefix


def test_no_prefix_is_seen_where_letters_mean_something_else() -> None:
    assert literal_prefix(re.compile("abc", re.IGNORECASE)) == ""
    assert literal_prefix(re.compile("a b", re.VERBOSE)) == ""


def test_many_wildcards_take_no_exponential_time() -> None:
    compiled = compile_pattern(".".join(["**", "a"] * 30 + ["z"]))
    topic = ".".join(["a"] * 120)
    begin = time.perf_counter()
    assert not compiled.matches(topic)
    assert time.perf_counter() - begin < 0.5
