"""Records of one field, a record for each type, to show what the type costs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from perf.codec.coding import Schema

PLAIN = "long"
"""The type that the others are compared with."""
VALUES = 100
_chance = random.Random(7)
_NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class OneField:
    """A record with the field `value`, and values of that record; `decoded` where they come back as others."""

    name: str
    schema: Schema
    values: Sequence[Any]
    decoded: Sequence[Any] | None = None


def _long() -> int:
    return _chance.randrange(1_760_000_000_000, 1_770_000_000_000)


def _moment() -> dt.datetime:
    return _NOON + dt.timedelta(milliseconds=_chance.randrange(10**9))


def _price() -> Decimal:
    return Decimal(_chance.randrange(10**13)).scaleb(-8)


def _of(name: str, kind: Any, make: Callable[[], Any]) -> OneField:
    return OneField(name, _record(kind), [{"value": make()} for _ in range(VALUES)])


def _record(kind: Any) -> Schema:
    return {"type": "record", "name": "One", "namespace": "bench", "fields": [{"name": "value", "type": kind}]}


def _logical(kind: str, logical: str, make: Callable[[], Any]) -> OneField:
    return _of(logical, {"type": kind, "logicalType": logical}, make)


def _named(name: str, field: str, kind: str) -> Schema:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind}]}


def _left_out() -> OneField:
    """A dict without its optional field, as it is often written."""
    whole = _record(["null", "long"])
    whole["fields"].append({"name": "other", "type": ["null", "long"], "default": None})
    decoded = [{"value": _long(), "other": None} for _ in range(VALUES)]
    return OneField("optional long, one left out", whole, [{"value": each["value"]} for each in decoded], decoded)


def _unions() -> tuple[OneField, OneField]:
    """Records that the encoder has to tell apart by their fields, and records given as (name, dict)."""
    kind = [_named("Cash", "amount", "long"), _named("Card", "digits", "string")]
    values = [({"amount": _long()}, {"digits": str(_long())})[number % 2] for number in range(VALUES)]
    names = [f"bench.{('Cash', 'Card')[number % 2]}" for number in range(VALUES)]
    plain = [{"value": each} for each in values]
    told = [{"value": (name, each)} for name, each in zip(names, values, strict=True)]
    return (
        OneField("union of 2 records", _record(kind), plain),
        OneField("union of 2 records, named", _record(kind), told, plain),
    )


_DECIMAL = {"logicalType": "decimal", "precision": 28, "scale": 8}
_SYMBOLS = ["NEW", "FILLED", "CANCELLED", "REJECTED"]
_KEYS = [f"key-{number}" for number in range(10)]

TYPES: tuple[OneField, ...] = (
    _of(PLAIN, "long", _long),
    _of("double", "double", _chance.random),
    _of("string of 12", "string", lambda: f"{_chance.randrange(10**12):012}"),
    _logical("long", "timestamp-millis", _moment),
    _logical("long", "timestamp-micros", _moment),
    _logical("long", "local-timestamp-micros", lambda: _moment().replace(tzinfo=None)),
    _logical("int", "date", lambda: _moment().date()),
    _logical("int", "time-millis", lambda: _moment().time()),
    _logical("long", "time-micros", lambda: _moment().time()),
    _logical("string", "uuid", lambda: uuid.UUID(int=_chance.getrandbits(128), version=4)),
    _of("decimal(28, 8) in bytes", {"type": "bytes", **_DECIMAL}, _price),
    _of("decimal(28, 8) in fixed", {"type": "fixed", "name": "Price", "size": 12, **_DECIMAL}, _price),
    _of("enum", {"type": "enum", "name": "Status", "symbols": _SYMBOLS}, lambda: _chance.choice(_SYMBOLS)),
    _of("optional long", ["null", "long"], _long),
    _left_out(),
    _of("array of 10 longs", {"type": "array", "items": "long"}, lambda: [_long() for _ in range(10)]),
    _of("map of 10 longs", {"type": "map", "values": "long"}, lambda: {key: _long() for key in _KEYS}),
    _of("nested record", _named("Inner", "value", "long"), lambda: {"value": _long()}),
    *_unions(),
)
