"""What is said of a value that does not fit: the path, what was expected and what came."""

from __future__ import annotations

import collections
import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from pydantic import BaseModel

from bus.avro.derive import derive
from bus.avro.explain import explain
from bus.avro.schema import AvroSchema
from bus.errors import EncodeError

LEG = {"type": "record", "name": "shop.Leg", "fields": [{"name": "price", "type": "double"}]}
SIDE = {"type": "enum", "name": "Side", "symbols": ["BUY", "SELL"]}
MANY = {"type": "enum", "name": "Many", "symbols": [f"S{at}" for at in range(11)]}
HASH = {"type": "fixed", "name": "Hash", "size": 4}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
FIXED_DECIMAL = {"type": "fixed", "name": "Money", "size": 4, "logicalType": "decimal", "precision": 5, "scale": 2}
LIMIT = {
    "type": "record",
    "name": "Limit",
    "fields": [
        {"name": "kind", "type": {"type": "enum", "name": "LimitKind", "symbols": ["limit"]}},
        {"name": "price", "type": "double"},
    ],
}
MARKET = {
    "type": "record",
    "name": "Market",
    "fields": [
        {"name": "kind", "type": {"type": "enum", "name": "MarketKind", "symbols": ["market"]}},
        {"name": "price", "type": "double"},
    ],
}
NOON = dt.datetime(2024, 7, 1, 12)


def logical(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "logicalType": name}


def array(kind: Any) -> dict[str, Any]:
    return {"type": "array", "items": kind}


def mapping(kind: Any) -> dict[str, Any]:
    return {"type": "map", "values": kind}


def said(kind: Any, value: Any) -> str | None:
    return explain(fastavro.parse_schema(kind), value, "a")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("null", 0, "expected null, got int 0"),
        ("boolean", 1, "expected boolean, got int 1"),
        ("int", True, "expected int, got bool True"),
        ("int", 2**31, "expected int of 32 bits, got int 2147483648"),
        ("long", 1.9, "expected long, got float 1.9"),
        ("long", -(2**63) - 1, "expected long of 64 bits, got int -9223372036854775809"),
        ("double", "1.5", "expected double, got str '1.5'"),
        ("double", True, "expected double, got bool True"),
        ("double", Decimal("0.1"), "expected double, got Decimal 0.1"),
        ("double", 2**53 + 1, "expected double (a whole number that it holds exactly), got int 9007199254740993"),
        ("float", 1e300, "expected float of 32 bits, got float 1e+300"),
        ("float", 2**24 + 1, "expected float (a whole number that it holds exactly), got int 16777217"),
        ("string", b"abc", "expected string, got bytes b'abc'"),
        ("string", "a\ud800", r"expected string of valid Unicode (no lone surrogate), got str 'a\ud800'"),
        ("string", collections.UserString("a"), "expected string, got UserString 'a'"),
        ("bytes", "abc", "expected bytes, got str 'abc'"),
        ("bytes", "x" * 99, f"expected bytes, got str '{'x' * 36}..."),
        ("bytes", [1, 2], "expected bytes, got list [1, 2]"),
        (HASH, b"abc", "expected fixed Hash of 4 bytes (not 3), got bytes b'abc'"),
        (HASH, "abcd", "expected fixed Hash of 4 bytes, got str 'abcd'"),
        (SIDE, "HOLD", "expected enum Side (BUY, SELL), got str 'HOLD'"),
        (MANY, 1, "expected enum Many (S0, S1, S2, S3, S4, S5, S6, S7 and 3 more), got int 1"),
    ],
)
def test_plain_types(kind: Any, value: Any, text: str) -> None:
    assert said(kind, value) == f"a: {text}"


TIMESTAMP = logical("long", "timestamp-micros")
LOCAL = logical("long", "local-timestamp-millis")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (TIMESTAMP, "now", "expected timestamp-micros, got str 'now'"),
        (TIMESTAMP, NOON.date(), "expected timestamp-micros, got date 2024-07-01"),
        (
            TIMESTAMP,
            NOON,
            "expected timestamp-micros with a time zone (as datetime.now(UTC) has), got datetime 2024-07-01 12:00:00",
        ),
        (TIMESTAMP, 10**18, "expected timestamp-micros of the years 1 to 9999, got int 1000000000000000000"),
        (
            TIMESTAMP,
            dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))),
            "expected timestamp-micros of the years 1 to 9999, got datetime 0001-01-01 00:00:00+01:00",
        ),
        (
            LOCAL,
            NOON.replace(tzinfo=dt.UTC),
            "expected local-timestamp-millis without a time zone, got datetime 2024-07-01 12:00:00+00:00",
        ),
        (
            logical("int", "date"),
            NOON,
            "expected date without a time of day (as .date() gives), got datetime 2024-07-01 12:00:00",
        ),
        (logical("int", "date"), "2024-07-01", "expected date, got str '2024-07-01'"),
        (logical("int", "date"), 2**31 - 1, "expected date of the years 1 to 9999, got int 2147483647"),
        (
            logical("int", "time-millis"),
            dt.time(1, tzinfo=dt.UTC),
            "expected time-millis without a time zone, got time 01:00:00+00:00",
        ),
        (logical("int", "time-millis"), 86_400_000, "expected time-millis within a day, got int 86400000"),
        (logical("long", "time-micros"), -1, "expected time-micros within a day, got int -1"),
        (logical("string", "uuid"), "abc", "expected uuid (8-4-4-4-12 hex digits), got str 'abc'"),
        (logical("string", "uuid"), 5, "expected uuid, got int 5"),
        (DECIMAL, 1.5, "expected decimal (give a Decimal), got float 1.5"),
        (DECIMAL, "1.5", "expected decimal (give a Decimal), got str '1.5'"),
        (
            DECIMAL,
            Decimal("1.234"),
            "expected decimal of at most 3 digits before the point and 2 after it, got Decimal 1.234",
        ),
        (
            DECIMAL,
            Decimal(1000),
            "expected decimal of at most 3 digits before the point and 2 after it, got Decimal 1000",
        ),
        (
            DECIMAL,
            Decimal("1E+3"),
            "expected decimal of at most 3 digits before the point and 2 after it, got Decimal 1E+3",
        ),
        (
            DECIMAL,
            Decimal("NaN"),
            "expected decimal of at most 3 digits before the point and 2 after it, got Decimal NaN",
        ),
        (
            DECIMAL,
            b"\x01\x86\xa0",
            r"expected decimal of at most 3 digits before the point and 2 after it, got bytes b'\x01\x86\xa0'",
        ),
        (FIXED_DECIMAL, Decimal("-0"), "expected decimal (a zero without a sign), got Decimal -0"),
        (
            {"type": "bytes", "logicalType": "decimal"},
            Decimal(1),
            "expected decimal (which the contract gives no precision and scale), got Decimal 1",
        ),
    ],
)
def test_logical_types(kind: Any, value: Any, text: str) -> None:
    assert said(kind, value) == f"a: {text}"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (array("long"), "abc", "a: expected array, got str 'abc'"),
        (array("long"), (1, 2), "a: expected array, got tuple (1, 2)"),
        (array("long"), {"k": 1}, "a: expected array, got dict {'k': 1}"),
        (array("long"), [1, 2, "3"], "a[2]: expected long, got str '3'"),
        (mapping("long"), [], "a: expected map, got list []"),
        (mapping("long"), {1: 1}, "a: expected map with str keys, got int 1"),
        (mapping("long"), {"\ud800": 1}, r"a: expected map with keys of valid Unicode, got str '\ud800'"),
        (mapping("long"), {"k.x": 1.5}, "a['k.x']: expected long, got float 1.5"),
        (mapping("long"), {"k" * 99: None}, f"a['{'k' * 36}...]: expected long, got None"),
        (LEG, 7, "a: expected record Leg, got int 7"),
        (LEG, {}, "a.price: expected double, got nothing"),
        (LEG, {"price": 1, "x": 2}, "a.x: expected no such field (known: price), got int 2"),
        (LEG, {"price": 1, "x y": 2}, "a['x y']: expected no such field (known: price), got int 2"),
        (LEG, {"price": 1, 5: 2}, "a[5]: expected no such field (known: price), got int 2"),
        (array(array(LEG)), [[], [{"price": 1.5}, {"price": "abc"}]], "a[1][1].price: expected double, got str 'abc'"),
    ],
)
def test_places(kind: Any, value: Any, text: str) -> None:
    assert said(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (["null", "string", LEG], 5, "a: expected null, string or record Leg, got int 5"),
        (["null", "double"], "abc", "a: expected null or double, got str 'abc'"),
        (["null", "int"], 2**31, "a: expected int of 32 bits, got int 2147483648"),
        (["null", SIDE], "HOLD", "a: expected enum Side (BUY, SELL), got str 'HOLD'"),
        (
            ["null", TIMESTAMP, "string"],
            NOON,
            "a: expected timestamp-micros with a time zone (as datetime.now(UTC) has), ",
        ),
        (["null", "string", LEG], {"price": "abc"}, "a.price: expected double, got str 'abc'"),
        (["null", LEG, mapping("long")], {"price": "abc"}, "a.price: expected double, got str 'abc'"),
        (["null", array("long")], [1, "2"], "a[1]: expected long, got str '2'"),
        ([LIMIT, MARKET], {"kind": "market", "price": "abc"}, "a.price: expected double, got str 'abc'"),
        (
            [LIMIT, MARKET],
            {"kind": "market", "prize": 1.5},
            "a: expected record Limit or record Market, got dict {'kind': ",
        ),
        ([LIMIT, MARKET], ("Market", {"kind": "market"}), "a.price: expected double, got nothing"),
        ([LIMIT, MARKET], ("Stop", {}), "a: expected record Limit or record Market, got tuple ('Stop', {})"),
        (["null", "long"], ("long", "5"), "a: expected long, got str '5'"),
        (["null", "long"], (1, 2, 3), "a: expected null or long, got tuple (1, 2, 3)"),
        (
            [logical("int", "date"), "string"],
            "2024-07-01",
            "a: expected date or string, got str '2024-07-01'; say which is meant: ('string', value)",
        ),
        (
            [logical("int", "date"), "string"],
            "no date",
            "a: expected date or string, got str 'no date'; say which is meant: ('string', value)",
        ),
        (
            [TIMESTAMP, "double"],
            5,
            "a: expected timestamp-micros or double, got int 5; say which is meant: ('double', value)",
        ),
        (
            ["double", "long"],
            2**53 + 1,
            "a: expected double or long, got int 9007199254740993; say which is meant: ('long', value)",
        ),
        (
            [{"type": "fixed", "name": f"F{at}", "size": 2} for at in range(10)],
            None,
            f"a: expected {', '.join(f'fixed F{at} of 2 bytes' for at in range(8))} and 2 more, got None",
        ),
    ],
)
def test_unions(kind: Any, value: Any, text: str) -> None:
    wrong = said(kind, value)
    assert wrong is not None
    assert wrong.startswith(text)
    assert len(wrong) < 300


@pytest.mark.parametrize(
    ("kind", "default", "expected"),
    [
        ("bytes", "\xff", "a.f: expected bytes, got nothing; its default, str 'ÿ', cannot be written"),
        ("long", True, "a.f: expected long, got nothing; its default, bool True, cannot be written"),
        (LEG, {}, "a.f: expected record Leg, got nothing; its default, dict {}, cannot be written"),
        ("double", "NaN", None),
        (["null", "long"], None, None),
        (LEG, {"price": 1.5}, None),
    ],
)
def test_a_missing_field_is_its_default(kind: Any, default: Any, expected: str | None) -> None:
    fields = [{"name": "f", "type": kind, "default": default}]
    assert said({"type": "record", "name": "R", "fields": fields}, {}) == expected


def nested_unions(depth: int) -> tuple[Any, Any]:
    kind: Any = "long"
    value: Any = "wrong"
    for at in range(depth):
        record = {"type": "record", "name": f"R{at}", "fields": [{"name": "a", "type": kind}]}
        other = {"type": "record", "name": f"S{at}", "fields": [{"name": "b", "type": "long"}]}
        kind, value = ["null", record, other], {"a": value}
    return kind, value


def test_unions_inside_each_other_are_looked_into_once() -> None:
    kind, value = nested_unions(25)
    assert said(kind, value) == f"a{'.a' * 25}: expected long, got str 'wrong'"


def test_many_fields_are_not_all_named() -> None:
    fields = [{"name": f"f{at}", "type": "long", "default": 0} for at in range(40)]
    wrong = said({"type": "record", "name": "R", "fields": fields}, {"g": 1})
    assert wrong is not None
    assert wrong.startswith("a.g: expected no such field (known: f0, f1, ")
    assert wrong.endswith(", f15 and 24 more), got int 1")


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError


class Loud:
    def __repr__(self) -> str:
        return "line\n" * 1_000


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([10**5_000], "list"),
        (10**5_000, "int of 16610 bits"),
        (Loud(), "Loud line line lin...ine line line"),
        (bytearray(b"ab"), "bytearray(b'ab')"),
        ([[[[[[[[1]]]]]]]], "list [[[[[[[...]]]]]]]"),
        (Decimal(10**50), f"Decimal 1{'0' * 36}..."),
        (uuid.UUID(int=1), "UUID 00000000-0000-0000-0000-000000000001"),
    ],
    ids=["huge", "number", "loud", "bytearray", "deep", "digits", "uuid"],
)
def test_what_came_is_shown_short(value: Any, shown: str) -> None:
    assert said("null", value) == f"a: expected null, got {shown}"


def test_what_cannot_be_shown_is_named() -> None:
    wrong = said("null", Mute())
    assert wrong is not None
    assert wrong.startswith("a: expected null, got Mute <Mute instance at ")


class Order(BaseModel):
    legs: list[dict[str, float]]
    at: dt.datetime


@dataclass
class Fill:
    at: dt.datetime
    opens: dt.time


def test_an_error_of_encoding_has_the_path_and_the_contract() -> None:
    order = AvroSchema(derive(Order), "trading.order")
    with pytest.raises(EncodeError) as refused:
        order.encode({"legs": [{}, {}, {"price": "abc"}], "at": NOON.replace(tzinfo=dt.UTC)})
    text = "order.legs[2]['price']: expected double, got str 'abc' (contract trading.order)"
    assert str(refused.value) == text
    with pytest.raises(
        EncodeError, match=r"^order\.at: expected timestamp-micros with a time zone .*trading\.order\)$"
    ):
        order.encode(Order(legs=[], at=NOON))
    fill = AvroSchema(derive(Fill), "fill")
    with pytest.raises(
        EncodeError, match=r"^fill\.opens: expected time-micros without a time zone, .* \(contract fill\)$"
    ):
        fill.encode(Fill(NOON.replace(tzinfo=dt.UTC), dt.time(1, tzinfo=dt.UTC)))
    with pytest.raises(EncodeError, match=r"^fill: expected record Fill, got list \[\] \(contract fill\)$"):
        fill.encode([])


class Moody(collections.UserDict[str, Any]):
    def __contains__(self, key: object) -> bool:
        raise LookupError("not today")


def test_data_that_raises_when_it_is_looked_at_is_refused() -> None:
    schema = AvroSchema({"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}, "x.r")
    with pytest.raises(EncodeError, match=r"^r: LookupError: not today \(contract x\.r\)$"):
        schema.encode(Moody(a=1))
