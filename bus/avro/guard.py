"""What the encoder would write as something else without an error, refused before it is written.

fastavro cuts a float for an int field, takes any value for a boolean, lets a 32-bit field overflow, drops fields of
nested records that the schema does not have, takes naive datetimes for local time, and drops the zone of a time of day.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str | None]
"""What is wrong with a value, beginning with the place; `None` when nothing is."""

_INT = 1 << 31


def compiled_guard(parsed: Any) -> Check | None:
    """What looks at the values of a parsed schema (names in full, no cycles); `None` when none needs a look."""
    return _compiled(parsed, {})


def _compiled(schema: Any, named: dict[str, Check | None]) -> Check | None:
    if isinstance(schema, str):
        return named[schema] if schema in named else _PLAIN.get(schema)
    if isinstance(schema, list):
        return _union(schema, named)
    kind = schema["type"]
    if kind in ("record", "error"):
        check = named[schema["name"]] = _record(schema, named)
        return check
    if kind == "array":
        return _items(_or_none(schema["items"], _compiled(schema["items"], named)))
    if kind == "map":
        return _values(_or_none(schema["values"], _compiled(schema["values"], named)))
    if kind in ("enum", "fixed"):
        named[schema["name"]] = None
        return None
    if not isinstance(kind, str):
        return _compiled(kind, named)
    return _LOGICAL.get(schema.get("logicalType") or "", None if "logicalType" in schema else _PLAIN.get(kind))


def _record(schema: Mapping[str, Any], named: dict[str, Check | None]) -> Check:
    names = frozenset(field["name"] for field in schema["fields"])
    count = len(names)
    # What the encoder fills in by itself when it is missing; of other fields it misses each one.
    optional = frozenset(f["name"] for f in schema["fields"] if "default" in f or "null" in f["type"])
    compiled = ((field["name"], _compiled(field["type"], named)) for field in schema["fields"])
    checks = [(name, check, _FINE.get(check)) for name, check in compiled if check is not None]

    def look(data: Any) -> str | None:
        # The check of an abstract class costs as much as a small record's encoding.
        if type(data) is not dict and not isinstance(data, Mapping):
            return None  # the encoder refuses it
        # As many fields as the schema has, with all that may be missing among them, leave no place for a strange one.
        if (len(data) != count or not data.keys() >= optional) and not data.keys() <= names:
            unknown = ", ".join(sorted(map(str, data.keys() - names)))
            return f": field {unknown} is not in the contract; it has {', '.join(sorted(names))}"
        for name, check, fine in checks:
            if name in data and type(value := data[name]) is not fine and value is not None:
                wrong = check(value)
                if wrong is not None:
                    return f".{name}{wrong}"
        return None

    return look


def _or_none(schema: Any, check: Check | None) -> Check | None:
    """For items: a record looks for None by itself, before it calls a check."""
    if check is None or not isinstance(schema, list) or "null" not in schema:
        return check
    return lambda value: None if value is None else check(value)


def _items(check: Check | None) -> Check | None:
    if check is None:
        return None
    return lambda data: next((f"[]{wrong}" for item in data if (wrong := check(item)) is not None), None)


def _values(check: Check | None) -> Check | None:
    if check is None:
        return None
    return lambda data: next((f".{key}{wrong}" for key, v in data.items() if (wrong := check(v)) is not None), None)


def _union(branches: list[Any], named: dict[str, Check | None]) -> Check | None:
    """Only of null and one type: with more, the encoder tries each branch and is strict by itself."""
    others = [check for branch in branches if branch != "null" for check in [_compiled(branch, named)]]
    return others[0] if len(others) == 1 else None


def _int(value: Any) -> str | None:
    if type(value) is int and -_INT <= value < _INT:
        return None
    return _long(value) or (None if -_INT <= value < _INT else f": {value} does not fit 32 bits")


def _long(value: Any) -> str | None:
    if type(value) is int or (isinstance(value, int) and type(value) is not bool):
        return None
    return f": expected an int, got {type(value).__name__} {value!r}"


def _boolean(value: Any) -> str | None:
    return None if value is True or value is False else f": expected a bool, got {type(value).__name__} {value!r}"


def _timestamp(value: Any) -> str | None:
    if isinstance(value, datetime.datetime):
        return (
            None if value.tzinfo is not None else f": {value} has no time zone; give it one, as datetime.now(UTC) does"
        )
    return _long(value)


def _date(value: Any) -> str | None:
    return f": {value} has a time of day; give .date()" if isinstance(value, datetime.datetime) else None


def _time(value: Any) -> str | None:
    zoned = isinstance(value, datetime.time) and value.tzinfo is not None
    return f": {value} has a time zone, which Avro's time of day cannot keep" if zoned else None


_PLAIN: dict[str, Check] = {"int": _int, "long": _long, "boolean": _boolean}
_LOGICAL: dict[str, Check] = {
    "timestamp-millis": _timestamp,
    "timestamp-micros": _timestamp,
    "date": _date,
    "time-millis": _time,
    "time-micros": _time,
}
_FINE: dict[Check, type] = {_long: int, _boolean: bool}
"""Types that need no closer look."""
