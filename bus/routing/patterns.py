"""Patterns: which topics they match, and which families they could match in."""

from __future__ import annotations

import re
from typing import Protocol

from bus.errors import PatternError
from bus.routing.topics import SEGMENT, TOPIC_LENGTH_MAX

_META = frozenset("\\.^$*+?{}[]|()")
_QUANTIFIERS = frozenset("*+?{")


class Pattern(Protocol):
    """What a subscription asks for."""

    text: str

    def matches(self, topic: str) -> bool:
        """Whether the topic is meant, in full."""
        ...

    def may_match_in(self, family: str) -> bool:
        """Whether some topic of the family could match; true when that cannot be told."""
        ...


def compile_pattern(pattern: str | re.Pattern[str]) -> Pattern:
    """Reads a topic, a wildcard pattern or a compiled regular expression.

    Raises:
        PatternError: It is none of them.
    """
    if isinstance(pattern, re.Pattern):
        if not isinstance(pattern.pattern, str):
            raise PatternError(f"pattern {pattern.pattern!r} is a bytes expression; topics are text")
        return RegexPattern(pattern)
    if not isinstance(pattern, str):
        raise PatternError(f"a pattern is text or a compiled re.Pattern, not {type(pattern).__name__}")
    if len(pattern) > TOPIC_LENGTH_MAX:
        raise PatternError(f"pattern {pattern[:40]!r}... has {len(pattern)} characters; at most {TOPIC_LENGTH_MAX}")
    segments = pattern.split(".")
    if segments[0].startswith("_"):
        raise PatternError(f"pattern {pattern!r} begins with '_', which is kept for the bus's own topics")
    for segment in segments:
        if segment not in ("*", "**") and not SEGMENT.match(segment):
            raise PatternError(
                f"pattern {pattern!r} is not valid: segment {segment!r} must be '*' (one segment), '**' (one or "
                "more) or letters, digits, '_' and '-'; for more, give re.compile(...)"
            )
    return WildcardPattern(pattern, tuple(segments))


class WildcardPattern:
    """`*` is exactly one segment, `**` is one or more, at any place."""

    __slots__ = ("_exact", "_segments", "text")

    def __init__(self, text: str, segments: tuple[str, ...]) -> None:
        self.text = text
        self._segments = segments
        self._exact = "*" not in text

    def matches(self, topic: str) -> bool:
        """Whether the whole topic matches; takes time segments x wildcards, never more."""
        if self._exact:
            return topic == self.text
        return _match(self._segments, topic.split("."))

    def may_match_in(self, family: str) -> bool:
        """Whether the family itself, or the family with more segments behind it, can match."""
        return _may_extend(self._segments, family.split("."))


def _match(pattern: tuple[str, ...], topic: list[str]) -> bool:
    """Greedy with one step back: only the last `**` ever has to take more, as in shell globbing."""
    p = t = 0
    star = -1
    star_end = 0
    while t < len(topic):
        if p < len(pattern) and pattern[p] == "**":
            star, star_end = p, t + 1  # one segment is the least it takes
            p, t = p + 1, t + 1
        elif p < len(pattern) and pattern[p] in ("*", topic[t]):
            p, t = p + 1, t + 1
        elif star >= 0:
            star_end += 1
            p, t = star + 1, star_end
        else:
            return False
    return p == len(pattern)


def _may_extend(pattern: tuple[str, ...], family: list[str]) -> bool:
    """Whether the pattern matches some topic that begins with the family's segments."""
    for position, segment in enumerate(family):
        if position >= len(pattern):
            return False
        if pattern[position] == "**":
            return True  # it can take the rest of the family and what the pattern still wants follows
        if pattern[position] not in ("*", segment):
            return False
    return True


class RegexPattern:
    """A regular expression, matched in full."""

    __slots__ = ("_fullmatch", "_prefix", "text")

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.text = pattern.pattern
        self._fullmatch = pattern.fullmatch
        self._prefix = literal_prefix(pattern)

    def matches(self, topic: str) -> bool:
        """Whether the expression matches the topic from first to last character."""
        return self._fullmatch(topic) is not None

    def may_match_in(self, family: str) -> bool:
        """Decided by the literal text that the expression begins with."""
        return family.startswith(self._prefix) or self._prefix.startswith((family + ".", family))


def literal_prefix(pattern: re.Pattern[str]) -> str:
    """The text that every match must begin with, as far as it is easily seen; empty when in doubt."""
    if pattern.flags & (re.IGNORECASE | re.VERBOSE) or "|" in pattern.pattern:
        return ""
    text = pattern.pattern.removeprefix("^")
    prefix: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text) and text[position + 1] in "._-":
            char = text[position + 1]
            position += 2
        elif char in _META:
            break
        else:
            position += 1
        prefix.append(char)
    if position < len(text) and text[position] in _QUANTIFIERS and prefix:
        prefix.pop()  # the last character belongs to the quantifier
    return "".join(prefix)
