from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest
from pydantic import BaseModel

from bus.avro.plain import BYTES, JSON, TEXT, Plain
from bus.avro.schema import FRAME_BYTES, AvroSchema
from bus.errors import DecodeError, EncodeError

ORDER = AvroSchema(
    {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "symbol", "type": "string"},
            {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "note", "type": ["null", "string"], "default": None},
        ],
    },
    "shop.order",
)
VALUE: dict[str, Any] = {
    "id": 7,
    "symbol": "BTC",
    "price": Decimal("1.25"),
    "at": datetime(2026, 1, 2, tzinfo=UTC),
    "note": None,
}


class OrderModel(BaseModel):
    id: int
    symbol: str
    price: Decimal
    at: datetime
    note: str | None = None


@dataclass
class OrderClass:
    id: int
    symbol: str
    price: Decimal
    at: datetime
    note: str | None = None


@pytest.mark.parametrize("data", [VALUE, OrderModel(**VALUE), OrderClass(**VALUE)])
def test_dict_model_and_dataclass_are_the_same_bytes(data: Any) -> None:
    assert ORDER.decode(ORDER.encode(data)) == VALUE
    assert ORDER.encode(data) == ORDER.encode(VALUE)


def test_the_frame_is_that_of_avro_single_objects() -> None:
    value = ORDER.encode(VALUE)
    assert value[:2] == b"\xc3\x01"
    assert fastavro.schemaless_reader(BytesIO(value[FRAME_BYTES:]), json.loads(ORDER.normalised), None) == VALUE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({**VALUE, "id": "7"}, r"order\.id: expected long, got str '7'"),
        ({**VALUE, "colour": "red"}, r"order\.colour: expected no such field \(known: .*\), got str 'red'"),
        ({"id": 7}, r"order\.symbol: expected string, got nothing"),
        (7, r"order: expected record \w+, got int 7"),
        ([VALUE], r"order: expected record \w+, got list"),
        ({**VALUE, "id": 2**63}, r"order\.id: expected long of 64 bits"),
    ],
)
def test_what_does_not_fit_is_refused_and_says_where(data: Any, reason: str) -> None:
    with pytest.raises(EncodeError, match=rf"^{reason}.* \(contract shop\.order\)$"):
        ORDER.encode(data)


@pytest.mark.parametrize("cut", range(FRAME_BYTES, 20))
def test_a_value_cut_short_is_refused_with_its_bytes(cut: int) -> None:
    value = ORDER.encode(VALUE)[:cut]
    with pytest.raises(DecodeError) as refused:
        ORDER.decode(value)
    assert refused.value.raw == value


def test_bytes_left_over_are_refused() -> None:
    with pytest.raises(DecodeError, match="3 bytes left over"):
        ORDER.decode(ORDER.encode(VALUE) + b"abc")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\xff", "", "é" * 200, 0, -1, 1.5, True, [], [1, [2]], {"a": {"b": None}}, float("inf"), "x" * 70_000],
)
def test_plain_data_comes_back_equal_and_of_its_type(data: Any) -> None:
    schema = Plain().contract_for(data).schema
    value = schema.encode(data)
    back = schema.decode(value)
    assert back == data
    assert type(back) is type(data)
    read: Any = fastavro.schemaless_reader(BytesIO(value[FRAME_BYTES:]), json.loads(schema.normalised), None)
    assert read == data if schema in (BYTES, TEXT) else json.loads(read["json"].replace("Infinity", "1e999")) == data


@pytest.mark.parametrize("data", [object(), {"a": object()}, {1, object()}, "\ud800"])
def test_plain_data_that_cannot_be_written_is_refused(data: Any) -> None:
    with pytest.raises(EncodeError):
        Plain().contract_for(data).encode(data)


@pytest.mark.parametrize("schema", [BYTES, TEXT, JSON])
@pytest.mark.parametrize("body", ["", "80", "ffffffffffffffffffffffff01", "01", "06", "0661", "0661626364", "04c328"])
def test_plain_values_that_are_broken_are_refused(schema: AvroSchema, body: str) -> None:
    if schema is BYTES and body == "04c328":
        assert schema.decode(schema.frame + bytes.fromhex(body)) == b"\xc3\x28"
        return
    with pytest.raises(DecodeError):
        schema.decode(schema.frame + bytes.fromhex(body))


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        ("bytes", "\u00ff", b"\xff"),
        ({"type": "fixed", "name": "F", "size": 2}, "ab", b"ab"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, "\u0000\u0096", Decimal("1.50")),
        ({"type": "long", "logicalType": "timestamp-micros"}, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (["bytes", "null"], "a", b"a"),
        ({"type": "array", "items": "bytes"}, ["a", "b"], [b"a", b"b"]),
        ({"type": "record", "name": "I", "fields": [{"name": "b", "type": "bytes", "default": "x"}]}, {}, {"b": b"x"}),
        ("double", 1, 1.0),
    ],
)
def test_a_missing_field_is_filled_in_by_a_value_of_its_type(kind: Any, default: Any, value: Any) -> None:
    fields = [{"name": "id", "type": "long"}, {"name": "a", "type": kind, "default": default}]
    schema = AvroSchema({"type": "record", "name": "R", "fields": fields}, "r")
    assert schema.decode(schema.encode({"id": 1})) == {"id": 1, "a": value}
    assert schema.encode({"id": 1}) == schema.encode({"id": 1, "a": value})
    assert json.loads(schema.normalised)["fields"][1]["default"] == default


def test_models_inside_of_a_dict_are_taken_for_their_data() -> None:
    leg = {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": "long"}]}
    fields = [
        {"name": "legs", "type": {"type": "array", "items": leg}},
        {"name": "by", "type": {"type": "map", "values": "Leg"}},
    ]
    schema = AvroSchema({"type": "record", "name": "R", "fields": fields}, "r")

    class Leg(BaseModel):
        x: int

    data = {"legs": [Leg(x=1), {"x": 2}], "by": {"a": Leg(x=3)}}
    assert schema.decode(schema.encode(data)) == {"legs": [{"x": 1}, {"x": 2}], "by": {"a": {"x": 3}}}
    with pytest.raises(EncodeError, match=r"r\.legs\[0\]\.x: expected long, got str 'a'"):
        schema.encode({"legs": [Leg.model_construct(x="a")], "by": {}})  # type: ignore[arg-type]
