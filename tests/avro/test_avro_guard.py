"""What the encoder alone would write as something else is refused, with the field's name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, computed_field

from bus.avro.derive import derive
from bus.avro.schema import AvroSchema
from bus.errors import EncodeError

MONEY = {"type": "fixed", "name": "Money", "size": 4, "logicalType": "decimal", "precision": 4, "scale": 2}
LEG = {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": ["null", "int"]}]}


def logical(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "logicalType": name}


def of_one_field(kind: Any) -> AvroSchema:
    return AvroSchema({"type": "record", "name": "Order", "fields": [{"name": "a", "type": kind}]}, "order")


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("long", 1.9, r"order\.a: expected long, got float 1\.9"),
        ("long", True, r"order\.a: expected long, got bool True"),
        ("int", 2**31, r"order\.a: expected int of 32 bits, got int 2147483648"),
        (["null", "int"], -(2**31) - 1, "int of 32 bits"),
        ("boolean", "false", r"order\.a: expected boolean, got str 'false'"),
        ("null", 0, r"order\.a: expected null, got int 0"),
        ("double", "1.5", r"order\.a: expected double, got str '1\.5'"),
        ("float", 1e300, "float of 32 bits"),
        (logical("long", "timestamp-micros"), dt.datetime(2024, 7, 1), "with a time zone"),
        (logical("long", "timestamp-millis"), dt.datetime(2024, 7, 1), "with a time zone"),
        (logical("long", "timestamp-micros"), 10**18, "of the years 1 to 9999"),
        (logical("long", "local-timestamp-micros"), dt.datetime(2024, 7, 1, tzinfo=dt.UTC), "without a time zone"),
        (logical("long", "time-micros"), dt.time(1, tzinfo=dt.UTC), "without a time zone"),
        (logical("int", "date"), dt.datetime(2024, 7, 1, tzinfo=dt.UTC), "without a time of day"),
        (logical("string", "uuid"), "abc", "expected uuid"),
        (MONEY, Decimal("-0"), "a zero without a sign"),
        (MONEY, Decimal("1E+9"), "at most 2 digits before the point"),
        (MONEY, Decimal("0E+9999"), "at most 2 digits before the point"),
        (LEG, {"x": 1, "typo": 2}, r"order\.a\.typo: expected no such field \(known: x\), got int 2"),
        (
            {"type": "array", "items": LEG},
            [{"x": 1}, {"x": 1.5}],
            r"order\.a\[1\]\.x: expected null or int, got float 1\.5",
        ),
        ({"type": "array", "items": "long"}, {1: 2}, "expected array, got dict"),
        ({"type": "array", "items": "long"}, b"ab", "expected array, got bytes"),
        ({"type": "array", "items": "long"}, (1, 2), "expected array, got tuple"),
        ({"type": "map", "values": "long"}, [], "expected map, got list"),
        ({"type": "map", "values": "long"}, {"k": 1.5}, r"order\.a\['k'\]: expected long"),
        ([{"type": "array", "items": "long"}, "bytes"], b"", r"say which is meant: \('bytes', value\)"),
    ],
)
def test_what_would_be_written_as_something_else(kind: Any, value: Any, reason: str) -> None:
    with pytest.raises(EncodeError, match=reason):
        of_one_field(kind).encode({"a": value})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31 - 1),
        ("long", -(2**63)),
        ("boolean", False),
        (["null", "long"], None),
        (["null", "long", "double"], 1.5),
        (["float", "double"], 1e300),
        (logical("long", "timestamp-micros"), 5),
        (logical("long", "local-timestamp-micros"), dt.datetime(2024, 7, 1)),
        (logical("string", "uuid"), "00000000-0000-0000-0000-000000000001"),
        (MONEY, Decimal("-99.99")),
        (["null", LEG, "long"], ("Leg", {"x": 1})),
        ([{"type": "array", "items": "long"}, "bytes"], ("bytes", b"")),
        ({"type": "array", "items": LEG}, [{"x": None}]),
    ],
)
def test_what_fits_is_written(kind: Any, value: Any) -> None:
    of_one_field(kind).encode({"a": value})


class Side(Enum):
    BUY = "BUY"


class Order(BaseModel):
    side: Side
    at: dt.datetime

    @computed_field  # type: ignore[prop-decorator]
    @property
    def loud(self) -> str:
        return self.side.value


def test_models_are_encoded_as_they_are() -> None:
    schema = AvroSchema(derive(Order), "order")
    at = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    assert schema.decode(schema.encode(Order(side=Side.BUY, at=at))) == {"side": "BUY", "at": at}
    with pytest.raises(EncodeError, match=r"order\.at: expected .* with a time zone"):
        schema.encode(Order(side=Side.BUY, at=dt.datetime(2024, 7, 1)))


@pytest.mark.parametrize("kind", ["boolean", "int", "long"])
def test_items_may_be_null_where_the_contract_says_so(kind: str) -> None:
    items = {"type": "array", "items": ["null", kind]}
    values = {"type": "map", "values": ["null", kind]}
    fields = [{"name": "a", "type": items}, {"name": "m", "type": values}]
    schema = AvroSchema({"type": "record", "name": "R", "fields": fields}, "x")
    data = {"a": [None, 1 if kind != "boolean" else True], "m": {"k": None}}
    assert schema.decode(schema.encode(data)) == data
    with pytest.raises(EncodeError):
        schema.encode({"a": [None, "1"], "m": {}})
