"""Values of evolved schemas: what they are read as, and what is refused."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from bus.avro.compatibility import can_read
from bus.avro.resolving import compiled_reader
from bus.errors import ContractError
from tests.avro.case_files import cases
from tests.avro.schema_shapes import (
    DECIMAL,
    EMPTY,
    INNER,
    array,
    encoded,
    enum,
    field,
    fixed,
    logical,
    mapping,
    read,
    record,
)

DECODING = cases("avro-decoding-cases")
REFUSED = frozenset({6, 7, 9, 10, 12, 20, 21, 22, 24, 25, 26, 29, 30, 32, 33})
"""Decoding cases of writers whose data we do not read: four that nobody reads, others of which some values would do."""


def resolved(reader: Any, writer: Any, value: Any) -> Any:
    return read(reader, writer, encoded(writer, value))


def plain(value: Any) -> Any:
    """Bytes as the case files write them, made bytes."""
    if isinstance(value, dict):
        return bytes.fromhex(value["$bytes_hex"]) if "$bytes_hex" in value else {k: plain(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("index", range(len(DECODING)))
def test_values_that_others_read(index: int) -> None:
    case = DECODING[index]
    if index in REFUSED:
        with pytest.raises(ContractError, match="cannot read the writer's data:"):
            compiled_reader(case["reader"], case["writer"])
        return
    # Java's float has 32 bits, Python's 64.
    expected = float(case["datum"]) if "note" in case else plain(case["decoded"])
    assert repr(read(case["reader"], case["writer"], bytes.fromhex(case["encoded_hex"]))) == repr(expected)


def test_every_case_is_there() -> None:
    assert len(DECODING) == 34
    assert {index for index, case in enumerate(DECODING) if "error" in case} < REFUSED


def test_a_refusal_has_all_findings() -> None:
    reader = record(field("a", "int"), field("b", "string"), field("when", logical("long", "timestamp-micros")))
    writer = record(field("a", "long"), field("when", "long"))
    with pytest.raises(ContractError) as refused:
        compiled_reader(reader, writer, name="order")
    lines = [str(finding) for finding in can_read(reader, writer, name="order")]
    assert str(refused.value).splitlines() == ["order cannot read the writer's data:", *lines]
    assert len(lines) == 3


PROMOTED: list[tuple[Any, Any, Any, Any]] = [
    ("long", "int", -7, -7),
    ("float", "int", 16_777_217, 16_777_217.0),
    ("double", "int", 7, 7.0),
    ("float", "long", 7, 7.0),
    ("double", "long", 2**63 - 1, 2.0**63),
    ("double", "float", 1.5, 1.5),
    ("bytes", "string", "é", b"\xc3\xa9"),
    (["null", "double"], "int", 7, 7.0),
    ("double", ["int", "long", "float"], 7, 7.0),
    (["null", "long", "string"], ["string", "int"], 7, 7),
    (array("double"), array("int"), [1, 2], [1.0, 2.0]),
    (mapping(["null", "bytes"]), mapping("string"), {"a": "b"}, {"a": b"b"}),
    (enum("SELL", "OTHER", default="OTHER"), enum("BUY", "SELL"), "BUY", "OTHER"),
    (enum("SELL", "OTHER", default="OTHER"), enum("BUY", "SELL"), "SELL", "SELL"),
    (fixed(2, namespace="new"), fixed(2), b"ab", b"ab"),
    (record(field("b", "int"), namespace="new"), record(field("b", "int"), namespace="old"), {"b": 1}, {"b": 1}),
    (record(field("b", "int"), name="New", aliases=["Order"]), record(field("b", "int")), {"b": 1}, {"b": 1}),
    (record(field("c", "int", aliases=["b"])), record(field("b", "int")), {"b": 1}, {"c": 1}),
    (
        record(field("a", "int", aliases=["b"]), field("b", "int", default=0, aliases=["c"])),
        record(field("c", "int"), field("a", "int")),
        {"a": 1, "c": 2},
        {"a": 1, "b": 2},
    ),
    (
        record(field("a", "int", aliases=["b"], default=0), field("b", "int")),
        record(field("b", "int")),
        {"b": 1},
        {"a": 0, "b": 1},
    ),
    (["null", record(field("b", "int"), name="New", aliases=["Order"])], record(field("b", "int")), {"b": 1}, {"b": 1}),
    (
        record(field("a", ["bytes", "string"]), doc="The same, told otherwise."),
        record(field("a", ["bytes", "string"])),
        {"a": "a"},
        {"a": "a"},
    ),
    (
        ["null", record(field("a", "int"), name="A"), record(field("a", "int"), name="B")],
        [record(field("a", "int"), name="B"), "null"],
        {"a": 1},
        {"a": 1},
    ),
]


@pytest.mark.parametrize(("reader", "writer", "value", "expected"), PROMOTED, ids=range(len(PROMOTED)))
def test_what_another_type_reads(reader: Any, writer: Any, value: Any, expected: Any) -> None:
    assert repr(resolved(reader, writer, value)) == repr(expected)


def test_the_reader_has_its_own_order() -> None:
    reader = record(
        field("new", "int", default=9), field("b", "int"), field("a", "int"), field("late", "int", default=8)
    )
    writer = record(field("a", "int"), field("old", "string"), field("b", "int"))
    seen = resolved(reader, writer, {"a": 1, "old": "x", "b": 2})
    assert list(seen.items()) == [("new", 9), ("b", 2), ("a", 1), ("late", 8)]


DEFAULTS: list[tuple[Any, Any, Any]] = [
    ("null", None, None),
    ("boolean", True, True),
    ("int", -7, -7),
    ("double", 7, 7.0),
    ("float", 1.1, 1.1),
    ("string", "é", "é"),
    ("bytes", "\u00ff\u0000", b"\xff\x00"),
    (fixed(2), "\u00ffa", b"\xffa"),
    (enum("BUY", "SELL"), "SELL", "SELL"),
    (DECIMAL, "\u0000\u0096", Decimal("1.50")),
    (fixed(2, logicalType="decimal", precision=4, scale=2), "\u00ff\u00ff", Decimal("-0.01")),
    (logical("long", "timestamp-millis"), 1_500, dt.datetime(1970, 1, 1, 0, 0, 1, 500_000, dt.UTC)),
    (logical("long", "local-timestamp-micros"), 1, dt.datetime(1970, 1, 1, 0, 0, 0, 1)),
    (logical("long", "timestamp-nanos"), 1, 1),
    (logical("int", "date"), 1, dt.date(1970, 1, 2)),
    (logical("int", "time-millis"), 1_000, dt.time(0, 0, 1)),
    (logical("string", "uuid"), str(uuid.UUID(int=7)), uuid.UUID(int=7)),
    (fixed(12, logicalType="duration"), "\u0000" * 12, bytes(12)),
    (array(logical("int", "date")), [0], [dt.date(1970, 1, 1)]),
    (mapping("bytes"), {"a": "\u00ff"}, {"a": b"\xff"}),
    (["null", "string"], None, None),
    (["null", "string"], "a", "a"),
    (["long", "double"], 1, 1),
    (["double", "long"], 1, 1.0),
    (["null", "bytes", "string"], "a", b"a"),
    (["bytes", "string"], "\u0100", "\u0100"),
    ([logical("string", "uuid"), "bytes"], "a", b"a"),
    (INNER, {}, {"x": 5, "y": [1]}),
    (INNER, {"y": [], "z": 1}, {"x": 5, "y": []}),
    (["null", INNER], {"y": [2], "x": 1}, {"x": 1, "y": [2]}),
]


@pytest.mark.parametrize(("schema", "default", "expected"), DEFAULTS, ids=range(len(DEFAULTS)))
def test_a_default_is_a_value_of_its_schema(schema: Any, default: Any, expected: Any) -> None:
    reader = record(field("a", schema, default=default), field("b", "int"))
    assert repr(resolved(reader, record(field("b", "int")), {"b": 1})) == repr({"a": expected, "b": 1})


@pytest.mark.parametrize(
    ("schema", "default"),
    [
        (array("int"), []),
        (array("int"), [1, 2]),
        (array(array("int")), [[1], []]),
        (mapping(mapping("int")), {"a": {"b": 1}}),
        (INNER, {}),
        (array(INNER), [{}]),
    ],
    ids=str,
)
def test_a_default_is_made_anew_for_each_value(schema: Any, default: Any) -> None:
    def spoil(value: Any) -> None:
        for inner in list(value.values() if isinstance(value, dict) else value):
            if isinstance(inner, dict | list):
                spoil(inner)
        value.clear()

    decode = compiled_reader(record(field("a", schema, default=default), field("b", "int")), record(field("b", "int")))
    first, second = decode(b"\2", 0), decode(b"\2", 0)
    expected = repr(second)
    assert first == second
    spoil(first["a"])
    assert repr(second) == expected == repr(decode(b"\2", 0))


@pytest.mark.parametrize(
    ("schema", "default", "reason"),
    [
        (logical("string", "uuid"), "a", "default-type"),
        (DECIMAL, "\u0027\u0010", "default-type"),
        (logical("int", "time-millis"), -1, "default-type"),
        (logical("long", "timestamp-millis"), 2**62, "default-type"),
        (array(logical("int", "date")), [2**31 - 1], "default-type"),
        (["null", logical("string", "uuid")], "a", "default-type"),
        ("double", 10**400, "default-type"),
        (logical("bytes", "decimal"), "", "give a precision of 1 to 99999"),
        ("int", "a", "default-type"),
    ],
    ids=["uuid", "decimal", "time", "timestamp", "date", "union", "double", "no precision", "no int"],
)
def test_a_default_that_is_no_value(schema: Any, default: Any, reason: str) -> None:
    with pytest.raises(ContractError, match=f"order.a: .*{reason}"):
        compiled_reader(record(field("a", schema, default=default)), record(), name="order")


def doubled(kind: Any, times: int) -> Any:
    """Each record has the one before it twice."""
    for at in range(times):
        named = kind if isinstance(kind, str) else kind["name"]
        kind = record(field("a", kind), field("b", named), name=f"D{at}")
    return kind


LIST = record(field("head", "int"), field("tail", ["null", "Order"]))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (LIST, "schema has Order, which contains itself"),
        (array("null"), "array whose items take no bytes"),
        (array(EMPTY), "array whose items take no bytes"),
        (mapping(array(fixed(0))), "array whose items take no bytes"),
        (doubled("null", 12), "D5, which takes no bytes and has 127 values in it"),
        (logical("bytes", "decimal"), "bytes: bytes decimal\\(None, 0\\) cannot be read; give a precision"),
        (logical("bytes", "decimal", precision=2, scale=3), "and a scale of 0 up to it"),
        (logical("bytes", "decimal", precision=10**6), "give a precision of 1 to 99999"),
    ],
    ids=["cycle", "nulls", "empty records", "empty fixed", "doubled", "no precision", "scale", "precision"],
)
def test_schemas_that_are_not_admitted_are_refused_too(schema: Any, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        compiled_reader(schema, schema)


def test_a_type_is_compiled_once_however_often_it_is_named() -> None:
    """The paths through this schema are 2^30."""
    kind: Any = "string"
    value: Any = "x"
    for at in range(30):
        named = kind if isinstance(kind, str) else kind["name"]
        kind = record(field("a", ["null", kind]), field("b", ["null", named]), name=f"D{at}")
        value = {"a": value, "b": None}
    raw = encoded(kind, value)
    more = field("c", "int", default=1)
    assert read({**kind, "fields": [*kind["fields"], more]}, kind, raw) == {**value, "c": 1}
    assert read({**kind, "fields": [more]}, kind, raw) == {"c": 1}
