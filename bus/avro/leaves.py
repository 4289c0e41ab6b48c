"""Which Python values the types with no others inside take, such that they come back as they were.

Two roundings belong to the type and are no change: a float's to 24 bits, and that of milliseconds.
"""

from __future__ import annotations

import datetime
import decimal
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

Fits = Callable[[Any], bool]
"""Whether a value fits a schema."""

UTC_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
LOCAL_EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_EARLIEST = datetime.datetime.min - LOCAL_EPOCH
_LATEST = datetime.datetime.max - LOCAL_EPOCH
_MICROSECOND = datetime.timedelta(microseconds=1)
_FLOAT = struct.Struct("<f")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Leaf:
    """What fits, and the exact type of which the encoder itself refuses what does not."""

    fits: Fits
    fine: type | None = None


NATIVE: dict[tuple[Any, Any], type] = {
    ("long", "timestamp-millis"): datetime.datetime,
    ("long", "timestamp-micros"): datetime.datetime,
    ("long", "local-timestamp-millis"): datetime.datetime,
    ("long", "local-timestamp-micros"): datetime.datetime,
    ("int", "date"): datetime.date,
    ("int", "time-millis"): datetime.time,
    ("long", "time-micros"): datetime.time,
    ("string", "uuid"): UUID,
    ("bytes", "decimal"): Decimal,
    ("fixed", "decimal"): Decimal,
}
"""The logical types that the encoder knows, with the types that their values come back as."""


def logical_of(schema: Any) -> str | None:
    """The logical type of a schema, if the encoder knows it."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("logicalType"), str):
        return None
    logical: str = schema["logicalType"]
    return logical if (schema["type"], logical) in NATIVE else None


def digits_of(schema: Mapping[str, Any]) -> tuple[int, int] | None:
    """Precision and scale of a decimal; `None` when nobody could read its values."""
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if isinstance(precision, int) and isinstance(scale, int) and 0 < precision <= decimal.MAX_PREC:
        return int(precision), int(scale)
    return None


def exact(precision: int, scale: int) -> tuple[Decimal, decimal.Context]:
    """What `quantize` takes to give a number the places of the scale, or to raise where a digit would be lost.

    But it gives any zero those places, and a NaN comes out as it is.
    """
    traps = [decimal.Rounded, decimal.InvalidOperation]
    context = decimal.Context(precision, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=traps)
    return Decimal((0, (1,), -scale)), context


def leaf(schema: Any) -> Leaf:
    """The leaf of a primitive, an enum or a fixed, with its logical type."""
    kind = schema if isinstance(schema, str) else schema["type"]
    match kind, logical_of(schema):
        case _, "decimal":
            return Leaf(_decimal(digits_of(schema), schema.get("size")))
        case _, str(logical):
            return _LOGICAL[logical]
        case "enum", _:
            symbols = frozenset(schema["symbols"])
            return Leaf(lambda value: isinstance(value, str) and value in symbols, str)
        case "fixed", _:
            size = schema["size"]
            return Leaf(lambda value: isinstance(value, bytes | bytearray) and len(value) == size, bytes)
    return _PRIMITIVE[kind]


def is_whole(value: Any) -> bool:
    """Whether it is an int; a bool is none here."""
    return isinstance(value, int) and not isinstance(value, bool)


def _double(value: Any) -> bool:
    try:
        return isinstance(value, float) or (is_whole(value) and float(value) == value)
    except OverflowError:
        return False


def _float(value: Any) -> bool:
    try:
        if isinstance(value, float):
            return len(_FLOAT.pack(value)) > 0
        return is_whole(value) and _FLOAT.unpack(_FLOAT.pack(value))[0] == value
    except (OverflowError, struct.error):
        return False


def is_text(value: Any) -> bool:
    """Whether it is text that can be written as UTF-8."""
    try:
        return isinstance(value, str) and (value.isascii() or len(value.encode()) > 0)
    except UnicodeEncodeError:
        return False


def _whole_between(low: int, high: int) -> Fits:
    return lambda value: (type(value) is int or is_whole(value)) and low <= value <= high


def _timestamp(unit: datetime.timedelta, *, local: bool) -> Fits:
    raw = _whole_between(_EARLIEST // unit, _LATEST // unit)

    def fits(value: Any) -> bool:
        if not isinstance(value, datetime.datetime):
            return raw(value)
        if local or value.tzinfo is datetime.UTC:
            return (value.tzinfo is None) == local
        return value.utcoffset() is not None and _EARLIEST <= value - UTC_EPOCH <= _LATEST

    return fits


def _date() -> Fits:
    raw = _whole_between(_EARLIEST.days, _LATEST.days)
    return lambda value: (isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)) or raw(value)


def _time(unit: datetime.timedelta) -> Fits:
    raw = _whole_between(0, datetime.timedelta(days=1) // unit - 1)
    return lambda value: value.tzinfo is None if isinstance(value, datetime.time) else raw(value)


def _decimal(digits: tuple[int, int] | None, size: Any) -> Fits:
    if digits is None:
        return lambda _: False
    precision, scale = digits
    quantum, context = exact(precision, scale)

    def fits(value: Any) -> bool:
        if isinstance(value, Decimal):
            if value:
                return value.is_finite() and _is_exact(value, quantum, context)
            sign, _, exponent = value.as_tuple()
            signed = sign and size is not None  # the encoder makes -2 units of -0 in a fixed
            return not signed and isinstance(exponent, int) and 0 <= exponent + scale <= precision
        if not isinstance(value, bytes | bytearray) or size not in (None, len(value)):
            return False
        number = abs(int.from_bytes(value, "big", signed=True))
        bits = number.bit_length()
        return bits <= 3 * precision or (bits <= 4 * precision and number < 10**precision)

    return fits


def _is_exact(value: Decimal, quantum: Decimal, context: decimal.Context) -> bool:
    try:
        value.quantize(quantum, None, context)
    except decimal.DecimalException:
        return False
    return True


_PRIMITIVE = {
    "null": Leaf(lambda value: value is None, type(None)),
    "boolean": Leaf(lambda value: value is True or value is False, bool),
    "int": Leaf(_whole_between(-(1 << 31), (1 << 31) - 1)),
    "long": Leaf(_whole_between(-(1 << 63), (1 << 63) - 1)),
    "float": Leaf(_float),
    "double": Leaf(_double, float),
    "bytes": Leaf(lambda value: isinstance(value, bytes | bytearray), bytes),
    "string": Leaf(is_text, str),
}
_MILLISECOND = 1000 * _MICROSECOND
_LOGICAL = {
    "timestamp-millis": Leaf(_timestamp(_MILLISECOND, local=False)),
    "timestamp-micros": Leaf(_timestamp(_MICROSECOND, local=False)),
    "local-timestamp-millis": Leaf(_timestamp(_MILLISECOND, local=True)),
    "local-timestamp-micros": Leaf(_timestamp(_MICROSECOND, local=True)),
    "date": Leaf(_date()),
    "time-millis": Leaf(_time(_MILLISECOND)),
    "time-micros": Leaf(_time(_MICROSECOND)),
    "uuid": Leaf(lambda v: isinstance(v, UUID) or (isinstance(v, str) and _UUID.fullmatch(v) is not None)),
}
