from __future__ import annotations

from typing import Any

import pytest

from bus.avro.admission import NESTING_MAX, SCHEMA_BYTES_MAX
from bus.avro.schema import AvroSchema
from bus.errors import ContractError


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": n, "type": t} for n, t in fields.items()]}


def nested(depth: int) -> Any:
    schema: Any = "long"
    for level in range(depth):
        schema = record(f"R{level}", inner=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        record("List", head="int", tail=["null", "List"]),
        record("A", b=record("B", a={"type": "array", "items": "A"})),
        record("M", m={"type": "map", "values": "M"}),
    ],
)
def test_cycles_are_refused(schema: Any) -> None:
    with pytest.raises(ContractError, match="contains itself"):
        AvroSchema(schema, "x")


@pytest.mark.parametrize(
    "items",
    ["null", record("E"), record("N", a="null", b=record("Inner")), {"type": "fixed", "name": "F", "size": 0}],
)
def test_arrays_of_nothing_are_refused_wherever_they_are(items: Any) -> None:
    with pytest.raises(ContractError, match=r"x\.list\[\]?: array items take no bytes|x\.list: array items take"):
        AvroSchema(record("Outer", list={"type": "array", "items": items}), "x")


def test_a_map_of_nulls_takes_its_keys_and_is_let_in() -> None:
    AvroSchema({"type": "map", "values": "null"}, "x")


def test_nesting_has_a_limit() -> None:
    AvroSchema(nested(NESTING_MAX), "x")
    with pytest.raises(ContractError, match=f"deeper than {NESTING_MAX}"):
        AvroSchema(nested(NESTING_MAX + 1), "x")


def test_nesting_through_names_counts_too() -> None:
    fields: dict[str, Any] = {"f0": record("T0", v="long")}
    for level in range(1, NESTING_MAX + 2):
        fields[f"f{level}"] = record(f"T{level}", v=f"T{level - 1}")
    with pytest.raises(ContractError, match="deeper"):
        AvroSchema(record("Root", **fields), "x")


def doubled(levels: int, leaf: str) -> Any:
    schema: Any = record("L0", a=leaf, b=leaf)
    for level in range(1, levels):
        schema = record(f"L{level}", a=schema, b=f"L{level - 1}")
    return schema


@pytest.mark.timeout(10)
def test_a_small_schema_with_many_paths_is_walked_once_and_refused() -> None:
    with pytest.raises(ContractError, match="unfolds to more than 100000 places"):
        AvroSchema(doubled(40, "long"), "x")  # 2^40 paths
    AvroSchema(doubled(12, "long"), "x")


@pytest.mark.timeout(10)
def test_many_values_that_take_no_bytes_are_refused() -> None:
    with pytest.raises(ContractError, match="more than 64 values that take no bytes"):
        AvroSchema(doubled(8, "null"), "x")
    AvroSchema(doubled(4, "null"), "x")


def test_a_thousand_optional_fields_are_let_in() -> None:
    AvroSchema(record("Wide", **{f"f{number}": ["null", "string"] for number in range(1_000)}), "x")


def test_items_of_nothing_but_a_byte_are_refused() -> None:
    item = record("Item", a="boolean", **{f"f{number}": "null" for number in range(5)})
    for kind in ({"type": "array", "items": item}, {"type": "map", "values": item}):
        with pytest.raises(ContractError, match="items with more than 4 values that take no bytes"):
            AvroSchema(record("R", a=kind), "x")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}] * 2}, "field a is there twice"),
        ({"type": "record", "name": "R", "fields": [{"name": "a b\nimport os", "type": "int"}]}, "no name in Avro"),
        (record("Bad Name"), "'Bad Name' is no name in Avro"),
        (record("R", a={"type": "fixed", "name": "a b.F", "size": 1}), "'a b.F' is no name in Avro"),
        (record("R") | {"namespace": "shop-eu"}, "'shop-eu.R' is no name in Avro"),
        (record("R", a={"type": "enum", "name": "E", "symbols": []}), r"x\.a: enum has no symbols"),
        (record("R", a=["null", "int", "int"]), r"x\.a: union has two branches of int"),
        (record("R", a=["string", {"type": "string", "logicalType": "uuid"}]), "two branches of string"),
        (record("R", a=[{"type": "array", "items": each} for each in ("int", "long")]), "two branches of array"),
        (record("R", a={"type": "bytes", "logicalType": "decimal"}), "precision None"),
        (record("R", a={"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}), "scale must be less"),
        (record("R", a={"type": "bytes", "logicalType": "decimal", "precision": 0}), "precision 0"),
    ],
)
def test_what_avro_forbids_is_refused(schema: Any, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        AvroSchema(schema, "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"type": "recrd"}', "no Avro schema"),
        ('"' + "x" * SCHEMA_BYTES_MAX + '"', "at most"),
        ("7", "no Avro schema"),
        ("null", "no Avro schema"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_name(text: str, reason: str) -> None:
    with pytest.raises(ContractError, match=f"schema orders.order .*{reason}"):
        AvroSchema.from_json(text, "orders.order")
