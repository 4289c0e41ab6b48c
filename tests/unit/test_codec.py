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

from bus.avro.codec import Codec
from bus.avro.plain import BYTES, JSON, TEXT, decode_plain, encode_plain
from bus.avro.registry import SchemaRegistry
from bus.avro.schema import FRAME_BYTES, AvroSchema
from bus.errors import ContractError, DecodeError, EncodeError

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
        ({**VALUE, "id": "7"}, "id"),
        ({**VALUE, "colour": "red"}, "field colour is not in the contract; it has at, id, note, price, symbol"),
        ({"id": 7}, "symbol"),
        (7, "expected a record .* got int"),
        ([VALUE], "expected a record"),
        ({**VALUE, "id": 2**63}, "id"),
    ],
)
def test_what_does_not_fit_is_refused_and_says_where(data: Any, reason: str) -> None:
    with pytest.raises(EncodeError, match=f"shop.order: .*{reason}"):
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
    schema, value = encode_plain(data)
    back = decode_plain(schema, value)
    assert back == data
    assert type(back) is type(data)
    read: Any = fastavro.schemaless_reader(BytesIO(value[FRAME_BYTES:]), json.loads(schema.normalised), None)
    assert read == data if schema in (BYTES, TEXT) else json.loads(read["json"].replace("Infinity", "1e999")) == data


@pytest.mark.parametrize("data", [object(), {"a": object()}, {1, object()}, "\ud800"])
def test_plain_data_that_cannot_be_written_is_refused(data: Any) -> None:
    with pytest.raises(EncodeError):
        encode_plain(data)


@pytest.mark.parametrize("schema", [BYTES, TEXT, JSON])
@pytest.mark.parametrize("body", ["", "80", "ffffffffffffffffffffffff01", "01", "06", "0661", "0661626364", "04c328"])
def test_plain_values_that_are_broken_are_refused(schema: AvroSchema, body: str) -> None:
    if schema is BYTES and body == "04c328":
        assert decode_plain(schema, schema.frame + bytes.fromhex(body)) == b"\xc3\x28"
        return
    with pytest.raises(DecodeError):
        decode_plain(schema, schema.frame + bytes.fromhex(body))


class Store:
    """A registry's topic in memory."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def items(self) -> dict[str, bytes]:
        return self.entries

    async def put(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = value

    async def refresh(self) -> None:
        """Nothing to read: it is all here."""


def registry_over(store: Store) -> SchemaRegistry:
    async def opened() -> Store:
        return store

    return SchemaRegistry(opened)


def priced(scale: int, name: str = "Price") -> AvroSchema:
    price = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": scale}
    return AvroSchema({"type": "record", "name": name, "fields": [{"name": "p", "type": price}]}, f"shop.price{scale}")


async def test_a_client_that_starts_later_reads_what_was_registered() -> None:
    store = Store()
    await registry_over(store).register(ORDER)
    assert list(store.entries) == [ORDER.sha256]
    codec = Codec(None, registry_over(store))
    value = ORDER.encode(VALUE)
    with pytest.raises(LookupError):
        codec.decode(value)
    await codec.learn(value)
    assert codec.decode(value) == VALUE


async def test_two_scales_of_one_crc_are_not_both_let_in() -> None:
    assert priced(2).frame == priced(4).frame
    assert priced(2).sha256 != priced(4).sha256
    store = Store()
    await registry_over(store).register(priced(2))
    with pytest.raises(ContractError, match="same Avro fingerprint but other logical types"):
        await registry_over(store).register(priced(4))
    assert len(store.entries) == 1
    await registry_over(store).register(priced(4, "OtherPrice"))


async def test_of_two_that_race_the_later_in_the_topic_is_taken_out() -> None:
    class Racing(Store):
        async def put(self, key: str, value: bytes | None) -> None:
            if key == priced(4).sha256 and value is not None:
                await registry_over(first).register(priced(2))
                self.entries |= first.entries
            await super().put(key, value)

    first, store = Store(), Racing()
    with pytest.raises(ContractError, match="same Avro fingerprint"):
        await registry_over(store).register(priced(4))
    assert list(store.entries) == [priced(2).sha256]


async def test_an_unknown_schema_and_no_frame_are_decode_errors_with_the_bytes() -> None:
    codec = Codec(None, registry_over(Store()))
    value = ORDER.encode(VALUE)
    with pytest.raises(DecodeError, match="is in no registry") as unknown:
        await codec.learn(value)
    assert unknown.value.raw == value
    for foreign in (b"", b"{}", b"\xc3\x01", b"\x00\x00\x00\x00\x01abcdef"):
        with pytest.raises(DecodeError, match="not with an Avro frame"):
            codec.decode(foreign)


async def test_entries_that_are_no_schemas_are_passed_over() -> None:
    store = Store()
    store.entries = {"a": b"{", "b": b"{}", "c": b'{"name": "x", "schema": "[1]"}', "d": b"7"}
    assert await registry_over(store).find(ORDER.frame) is None
    await registry_over(store).register(ORDER)


def test_an_unknown_contract_lists_those_that_are() -> None:
    with pytest.raises(ContractError, match=r"contract shop\.none is unknown; known are .*datagov\.dataset"):
        Codec(None, registry_over(Store())).contract("shop.none")


def test_contracts_of_a_folder_of_ones_own(tmp_path: Any) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "order.avsc").write_text(ORDER.normalised)
    assert Codec(str(tmp_path), registry_over(Store())).contract("shop.order").sha256 == ORDER.sha256
    (tmp_path / "shop" / "broken.avsc").write_text("{")
    with pytest.raises(ContractError, match=r"shop\.broken"):
        Codec(str(tmp_path), registry_over(Store()))
    with pytest.raises(ContractError, match="is no folder"):
        Codec(str(tmp_path / "missing"), registry_over(Store()))
