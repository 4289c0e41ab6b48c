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


def test_a_small_schema_with_many_paths_is_walked_once() -> None:
    schema: Any = record("L0", a="long", b="long")
    for level in range(1, 40):
        schema = record(f"L{level}", a=schema, b=f"L{level - 1}")
    AvroSchema(schema, "x")  # 2^40 paths


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
