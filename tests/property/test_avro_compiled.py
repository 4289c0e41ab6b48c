"""The compiled encoder writes what fastavro does, and nothing that the guard or fastavro refuses."""

from __future__ import annotations

import collections
import datetime as dt
import inspect
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.avro.compiled import Unusual, compiled_encoder
from bus.avro.guard import compiled_guard
from bus.avro.schema import AvroSchema
from bus.errors import EncodeError
from perf import event
from tests.avro.strategies import schemas, values

QUICK = settings(max_examples=150, deadline=None, derandomize=True, database=None)
ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "schemas").glob("*/*.avsc"))
BENCH = ROOT / "perf" / "contracts" / "bench" / "event.avsc"
FRAME = b"\xc3\x01framed--"
Draw = Callable[[st.SearchStrategy[Any]], Any]


class Text(str):
    __slots__ = ()


class Number(IntEnum):
    ONE = 1


ODD: list[Any] = [
    *(None, True, 0, -1, 63, 64, 8191, 8192, 2**31 - 1, 2**31, -(2**31) - 1, 2**41, 2**55, 2**63 - 1, 2**63, 2**1024),
    *(1.5, -0.0, 1e300, float("inf"), float("nan"), Number.ONE, Decimal("1.5"), uuid.UUID(int=1), object()),
    *("", "A", "é" * 40, "x" * 63, "x" * 64, "x" * 8191, "x" * 8192, "\ud800", Text("A"), "2024-07-01"),
    *(b"", b"1234", b"x" * 9_000, bytearray(b"1"), memoryview(b"1"), [], ["A"], ("null", None), ("long", 1), {1}),
    *({}, {"a": 1}, {1: 1}, {"-type": "R1"}, {Text("a"): "A"}, collections.OrderedDict(f0="A"), range(3)),
    *(dt.datetime(2024, 7, 1), dt.date(2024, 7, 1), dt.time(1), dt.datetime(2024, 7, 1, tzinfo=dt.UTC)),
    dt.datetime(1969, 7, 1, 1, 2, 3, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=-7))),
    dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))),
]
PLAIN: list[Any] = [
    *("boolean", "int", "long", "float", "double", "bytes", "string"),
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "int", "logicalType": "date"},
]


def plain(draw: Draw, numbers: Any, depth: int) -> Any:
    """A schema that the compiled encoder takes on."""
    kinds = ["plain", "plain", "enum", "fixed", *(("record", "array", "map", "union", "union") if depth < 3 else ())]
    match draw(st.sampled_from(kinds)):
        case "enum":
            return {"type": "enum", "name": f"E{next(numbers)}", "symbols": ["A", "B", "C"]}
        case "fixed":
            return {"type": "fixed", "name": f"F{next(numbers)}", "size": 4}
        case "record":
            return record(draw, numbers, depth + 1)
        case "array":
            return {"type": "array", "items": no_union(draw, numbers, depth + 1)}
        case "map":
            return {"type": "map", "values": no_union(draw, numbers, depth + 1)}
        case "union":
            other = no_union(draw, numbers, depth + 1)
            return draw(st.sampled_from([["null", other], [other, "null"]]))
    return draw(st.sampled_from(PLAIN))


def no_union(draw: Draw, numbers: Any, depth: int) -> Any:
    schema = plain(draw, numbers, depth)
    return "double" if isinstance(schema, list) else schema


def record(draw: Draw, numbers: Any, depth: int) -> dict[str, Any]:
    fields = [{"name": f"f{at}", "type": plain(draw, numbers, depth)} for at in range(draw(st.integers(1, 4)))]
    return {"type": "record", "name": f"R{next(numbers)}", "fields": fields}


@st.composite
def plain_schemas(draw: Draw) -> dict[str, Any]:
    return record(draw, count(), 0)


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
    return draw(st.sampled_from(ODD))


def of_one_field(kind: Any, name: str = "a") -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": kind}]}


def by_fastavro(parsed: Any, data: Any) -> bytes | None:
    """What the guard and fastavro make of it; `None` when one of them refuses."""
    look = compiled_guard(parsed)
    if look is not None and look(data) is not None:
        return None
    buffer = BytesIO(FRAME)
    buffer.seek(len(FRAME))
    try:
        fastavro.schemaless_writer(buffer, parsed, data)
    except Exception:
        return None
    return buffer.getvalue()


def comparison(definition: Any) -> Callable[[Any], bool]:
    """Whether the compiled encoder wrote the data it is given; when it did, fastavro wrote the same."""
    parsed = fastavro.parse_schema(definition)
    encode = compiled_encoder(parsed, FRAME)

    def compare(data: Any) -> bool:
        try:
            value = encode(data) if encode is not None else None
        except Unusual:
            return False
        assert value is None or value == by_fastavro(parsed, data)
        return value is not None

    return compare


def agrees(definition: Any, data: Any) -> bool:
    return comparison(definition)(data)


@QUICK
@given(st.data())
def test_plain_values_are_written_as_fastavro_writes_them(data: st.DataObject) -> None:
    definition = data.draw(plain_schemas())
    assert agrees(definition, data.draw(values(definition)))


@QUICK
@given(st.data())
def test_values_of_any_schema_are_written_alike_or_left_to_fastavro(data: st.DataObject) -> None:
    definition = data.draw(schemas())
    value = data.draw(values(definition))
    agrees(definition, value)
    agrees(definition, mutated(data.draw, value))


@settings(QUICK, max_examples=400)
@given(st.data())
def test_nothing_is_written_that_is_refused(data: st.DataObject) -> None:
    definition = data.draw(plain_schemas())
    agrees(definition, mutated(data.draw, data.draw(values(definition))))


@pytest.mark.parametrize("kind", [*PLAIN, {"type": "enum", "name": "E", "symbols": ["A"]}, "null"], ids=str)
def test_every_odd_value_in_every_place(kind: Any) -> None:
    places = [kind] if kind == "null" else [kind, ["null", kind], [kind, "null"], {"type": "array", "items": kind}]
    for place in [*places, {"type": "map", "values": kind}]:
        compare = comparison(of_one_field(place))
        assert sum(compare({"a": value}) for odd in ODD for value in (odd, [odd], {"k": odd})) >= 1


@pytest.mark.parametrize("bits", range(65))
def test_integers_of_every_length(bits: int) -> None:
    for number in (1 << bits, (1 << bits) - 1, -(1 << bits), -(1 << bits) - 1):
        assert agrees(of_one_field("long"), {"a": number}) == (-(2**63) <= number < 2**63)


def test_the_event_of_the_benchmarks() -> None:
    schema = AvroSchema.from_json(BENCH.read_text(), "bench.event")
    encode = compiled_encoder(fastavro.parse_schema(json.loads(BENCH.read_text())), schema.frame)
    assert encode is not None
    for each in event.pool(200):
        assert encode(each) == schema.encode(each) == schema.frame + event.encode(each)
    wrong = {**each, "sequence": "1"}
    with pytest.raises(Unusual):
        encode(wrong)
    with pytest.raises(EncodeError, match="sequence"):
        schema.encode(wrong)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_contracts(path: Path) -> None:
    definition = json.loads(path.read_text())
    compiled = compiled_encoder(fastavro.parse_schema(definition), FRAME) is not None
    assert compiled == ('"decimal"' not in path.read_text())

    @settings(QUICK, max_examples=20)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        value = data.draw(values(definition))
        assert agrees(definition, value) == compiled
        agrees(definition, mutated(data.draw, value))

    check()


def test_a_named_type_is_written_wherever_it_is_used() -> None:
    leg = {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": ["null", "int"]}]}
    fields = [{"name": "a", "type": leg}, {"name": "b", "type": {"type": "array", "items": "Leg"}}]
    definition = {"type": "record", "name": "R", "namespace": "n", "fields": fields}
    assert agrees(definition, {"a": {"x": 1}, "b": [{"x": None}, {"x": -1}]})


def doubling() -> Any:
    """Each record has the one before it twice: the plain text of it all would have 2^12 fields."""
    kind: Any = of_one_field("long")
    for at in range(12):
        fields = [{"name": "a", "type": kind}, {"name": "b", "type": kind["name"]}]
        kind = {"type": "record", "name": f"D{at}", "fields": fields}
    return kind


def many_uses(kind: Any) -> Any:
    fields = [{"name": f"f{at}", "type": kind["name"] if at else kind} for at in range(5_000)]
    return {"type": "record", "name": "Many", "fields": fields}


def nested(depth: int) -> Any:
    kind: Any = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return of_one_field(kind)


@pytest.mark.parametrize(
    "parsed",
    [
        "string",
        ["null", "string"],
        of_one_field(["null", "long", "string"]),
        of_one_field(["long"]),
        {**of_one_field("long"), "logicalType": "of-somebody"},
        of_one_field(["null", "null"]),
        of_one_field({"type": "array", "items": ["null", "long"]}),
        of_one_field({"type": "bytes", "logicalType": "decimal", "precision": 4}),
        of_one_field({"type": "string", "logicalType": "of-somebody"}),
        of_one_field({"type": "int", "logicalType": "timestamp-millis"}),
        of_one_field("long", "a']+exit()+v['a"),
        of_one_field("long", "a\n"),
        of_one_field("long", "é"),
        doubling(),
        many_uses(of_one_field("long", "a" * 1_000)),
        nested(30),
    ],
    ids=lambda parsed: str(parsed)[-60:].encode("unicode_escape").decode("ascii"),
)
def test_what_is_left_to_fastavro(parsed: Any) -> None:
    assert compiled_encoder(parsed, FRAME) is None


def test_symbols_are_kept_once() -> None:
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    leg = {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": enum}, {"name": "y", "type": "E"}]}
    encode = compiled_encoder(of_one_field(leg), FRAME)
    assert encode is not None
    assert encode({"a": {"x": "A", "y": "B"}}) == FRAME + b"\0\2"
    tables = [each for each in inspect.getclosurevars(encode).globals.values() if type(each) is dict]
    assert tables == [{"A": b"\0", "B": b"\2"}]


def test_the_deepest_loops_that_compile() -> None:
    depth = max(depth for depth in range(30) if compiled_encoder(nested(depth), FRAME) is not None)
    value: Any = 7
    for _ in range(depth):
        value = [value]
    assert depth >= 5
    assert agrees(nested(depth), {"a": value})
