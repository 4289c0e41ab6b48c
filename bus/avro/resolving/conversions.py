"""Logical types: what a number, a text or bytes stand for."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from bus.avro.compatibility.tree import Node

Convert = Callable[[Any], Any]
"""Raises ValueError for what stands for nothing."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_DAY_S = 86_400
_DECIMAL = re.compile(r"decimal\(([1-9]\d{0,4}), (\d{1,5})\)")


def conversion(node: Node) -> Convert | None:
    """What makes a Python value of what is written; `None` where both are the same.

    As fastavro has it: nanoseconds stay numbers, and durations, decimals that carry their scale, and UUIDs in 16 bytes
    stay bytes.

    Raises:
        ValueError: A decimal without a precision, or with a scale that does not fit it.
    """
    if node.logical.startswith("decimal"):
        return _decimal(node)
    return _CONVERSIONS.get((node.kind, node.logical))


def _decimal(node: Node) -> Convert:
    found = _DECIMAL.fullmatch(node.logical)
    if found is None or int(found[2]) > int(found[1]):
        raise ValueError(f"{node} cannot be read; give a precision of 1 to 99999, and a scale of 0 up to it")
    precision, scale = int(found[1]), int(found[2])
    limit = 10**precision
    context = Context(prec=precision)

    def convert(raw: bytes) -> Decimal:
        number = int.from_bytes(raw, "big", signed=True)
        if not -limit < number < limit:  # looked at first: of a million digits a decimal is made in minutes
            raise ValueError(f"a decimal has more than {precision} digits")
        return Decimal(number).scaleb(-scale, context)

    return convert


def _timestamp(epoch: datetime.datetime, unit_us: int) -> Convert:
    def convert(number: int) -> datetime.datetime:
        try:
            return epoch + datetime.timedelta(0, 0, number * unit_us)
        except OverflowError:
            raise ValueError(f"{number} is no time in the years 1 to 9999") from None

    return convert


def _date(number: int) -> datetime.date:
    try:
        return datetime.date.fromordinal(number + _EPOCH_DAY)
    except (OverflowError, ValueError):
        raise ValueError(f"{number} is no day in the years 1 to 9999") from None


def _time(unit_us: int) -> Convert:
    units = 1_000_000 // unit_us

    def convert(number: int) -> datetime.time:
        if not 0 <= number < _DAY_S * units:
            raise ValueError(f"{number} is no time of a day")
        seconds, part = divmod(number, units)
        return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, part * unit_us)

    return convert


_CONVERSIONS: dict[tuple[str, str], Convert] = {
    ("long", "timestamp-millis"): _timestamp(_EPOCH, 1000),
    ("long", "timestamp-micros"): _timestamp(_EPOCH, 1),
    ("long", "local-timestamp-millis"): _timestamp(_EPOCH.replace(tzinfo=None), 1000),
    ("long", "local-timestamp-micros"): _timestamp(_EPOCH.replace(tzinfo=None), 1),
    ("int", "date"): _date,
    ("int", "time-millis"): _time(1000),
    ("long", "time-micros"): _time(1),
    ("string", "uuid"): UUID,
}
