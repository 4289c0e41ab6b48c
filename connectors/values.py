"""Reads values of foreign JSON without trusting their types; what does not fit becomes nothing, never an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

SEGMENT_LENGTH_MAX = 60
_NOT_SEGMENT = re.compile(r"[^A-Za-z0-9_-]+")
_INT_MAX = 2**31 - 1


class MappingError(ValueError):
    """A record that cannot be mapped: says which one and what it lacks."""


def text(value: Any) -> str | None:
    """Text as it is, a number as text, anything else as JSON; nothing for null and the empty text."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def texts(value: Any) -> list[str]:
    """A list of texts; one text alone is a list of one."""
    if isinstance(value, list | tuple):
        return [item for item in map(text, value) if item is not None]
    one = text(value)
    return [] if one is None else [one]


def mapping(value: Any) -> Mapping[str, Any]:
    """The JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value: Any) -> int | None:
    """A whole number that fits 32 bits."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _INT_MAX:
        return value
    return None


def number(value: Any) -> float | None:
    """A finite number, also when it is written as text; nothing for `NA` and the like."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time, in UTC unless it says otherwise."""
    if not isinstance(value, str):
        return None
    try:
        result = datetime.fromisoformat(value)
        return result.replace(tzinfo=UTC) if result.tzinfo is None else result.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day(value: Any) -> date | None:
    """An ISO 8601 date."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def others(record: Mapping[str, Any], known: Iterable[str], prefix: str = "") -> dict[str, str]:
    """The fields that are not known, each as JSON text, so that nothing is lost."""
    unknown = record.keys() - set(known)
    return {prefix + name: json.dumps(record[name], ensure_ascii=False) for name in sorted(unknown)}


def segment(value: str | None) -> str:
    """A topic segment made of a code: other characters than letters, digits, `_` and `-` become `-`."""
    made = _NOT_SEGMENT.sub("-", value or "").strip("-")[:SEGMENT_LENGTH_MAX]
    return made or "unknown"
