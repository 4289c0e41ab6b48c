"""Values that are wrong in most places, and data with one thing in it that may be wrong."""

from __future__ import annotations

import array
import collections
import datetime as dt
import types
import uuid
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Text(str):
    __slots__ = ()


class Number(IntEnum):
    ONE = 1


class Symbol(str, Enum):  # noqa: UP042 - text and enum alike is what is odd about it
    A = "A"


class Items(list[Any]):
    __slots__ = ()


_NOON = dt.datetime(2024, 7, 1, 12)
_FAR_EAST, _FAR_WEST = (dt.timezone(dt.timedelta(hours=hours)) for hours in (14, -7))
ODD: list[Any] = [
    *(None, True, False, Number.ONE, 0, -1, 63, 64, 8191, 8192, 86_399_999, 86_400_000, 86_400_000_000),
    *(2**31 - 1, 2**31, -(2**31) - 1, 2**24 + 1, 2**41, 2**53 + 1, 2**55, 2**63 - 1, -(2**63), 2**63, 2**1024),
    *(253_402_300_800_000, -62_135_596_800_001, 253_402_300_800_000_000, -62_135_596_800_000_001, 3_000_000),
    *(1.5, -0.0, 1e300, 3.4028235677973366e38, 3.4028235e38, 1e-300, float("inf"), float("nan"), Fraction(1, 2), 1j),
    *(
        Decimal("1.5"),
        Decimal("-0"),
        Decimal("0.000"),
        Decimal("0E+3"),
        Decimal("0E+9999"),
        Decimal("1E+3"),
        Decimal(7),
    ),
    *(Decimal("99.99"), Decimal("-99.99"), Decimal("1.000"), Decimal("1E+9999"), Decimal("NaN"), Decimal("sNaN")),
    *(Decimal("-Infinity"), Decimal("-128"), Decimal("127"), Decimal("0.01"), Decimal("12345678901234567890")),
    *(
        "",
        "A",
        "é" * 40,
        "x" * 63,
        "x" * 64,
        "x" * 8191,
        "x" * 8192,
        "\ud800",
        Text("A"),
        Symbol.A,
        "2024-07-01",
        "1.5",
    ),
    *(str(uuid.UUID(int=5)), f"{{{uuid.UUID(int=5)}}}", uuid.UUID(int=5).hex, uuid.UUID(int=2**127 + 1)),
    *(b"", b"A", b"1234", b"\xff\xff", b"\x7f" * 4, b"\x80" * 9, b"x" * 9_000, bytearray(b"1"), bytearray(b"1234")),
    *(memoryview(b"1"), memoryview(b"1234"), array.array("b", [1]), array.array("l", [1, 2])),
    *([], ["A"], [1], [None], [[]], Items([1]), (), (1, 2), (1, 2, 3), {1}, range(3), collections.deque([1])),
    *(("null", None), ("long", 1), ("long", "1"), ("string", "A"), ("E0", "A"), ("R1", {}), ("E0",)),
    *({}, {"a": 1}, {1: 1}, {"k": None}, {"\ud800": 1}, {"-type": "R1"}, {Text("a"): "A"}, {Symbol.A: 1}),
    *(collections.OrderedDict(f0="A"), collections.UserDict(a=1), types.MappingProxyType({"a": 1})),
    *(collections.defaultdict(int, a=1), collections.UserString("A"), object(), Exception, NotImplemented),
    *(_NOON, dt.date(2024, 7, 1), dt.date.max, dt.time(1), dt.time(23, 59, 59, 999_999), dt.time(1, tzinfo=dt.UTC)),
    *(_NOON.replace(tzinfo=dt.UTC), _NOON.replace(tzinfo=_FAR_WEST), dt.timedelta(1)),
    dt.datetime(1969, 7, 1, 1, 2, 3, 999_999, tzinfo=_FAR_WEST),
    *(dt.datetime.min.replace(tzinfo=_FAR_EAST), dt.datetime.max.replace(tzinfo=_FAR_WEST), dt.datetime.min),
    *(dt.datetime.max.replace(tzinfo=dt.UTC), dt.datetime.min.replace(tzinfo=dt.UTC)),
]


def mutated(draw: Draw, value: Any) -> Any:
    """The value with one thing in it that may be wrong."""
    if type(value) is dict and value and draw(st.integers(0, 9)) > 0:
        key = draw(st.sampled_from(sorted(value)))
        match draw(st.integers(0, 9)):
            case 0:
                return {name: each for name, each in value.items() if name != key}
            case 1:
                return {**value, draw(st.sampled_from(["more", 1, b"f0"])): 1}
            case 2:
                return {"more" if name == key else name: each for name, each in value.items()}
            case 3:
                return collections.UserDict(value)
        return {**value, key: mutated(draw, value[key])}
    if type(value) is list and value and draw(st.booleans()):
        return draw(st.sampled_from([tuple(value), [*value[:-1], mutated(draw, value[-1])]]))
    if type(value) is tuple and len(value) == 2 and draw(st.integers(0, 3)) > 0:
        return value[0], mutated(draw, value[1])
    return draw(st.sampled_from(ODD))
