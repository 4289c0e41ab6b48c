"""The compiled encoder writes what fastavro does, and nothing that the guard or fastavro refuses."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.schema import SchemaParseException
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bus.avro.compiled import Unusual, compiled_encoder
from bus.avro.guard import compiled_guard
from bus.avro.schema import AvroSchema
from bus.errors import EncodeError
from perf import event
from tests.avro import anything
from tests.avro.odd import ODD, mutated
from tests.avro.strategies import schemas, values

QUICK = settings(max_examples=100, deadline=None, derandomize=True, database=None)
ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "schemas").glob("*/*.avsc"))
BENCH = ROOT / "perf" / "contracts" / "bench" / "event.avsc"
FRAME = b"\xc3\x01framed--"
Draw = Callable[[st.SearchStrategy[Any]], Any]


PLAIN: list[Any] = [*("boolean", "int", "long", "float", "double", "bytes", "string"), *anything.LOGICAL]


DISTINCT: list[list[Any]] = [
    ["boolean"],
    ["long", "double"],
    ["string", "uuid"],
    ["bytes", "array"],
    ["record", "map"],
]
"""Of each list one can be in a union, for its Python types are its own (fastavro takes bytes for an array, too)."""
DEFAULTS = {"boolean": True, "int": -1, "long": 2**40, "float": 0.5, "double": 1.5, "string": "é"}


def plain(draw: Draw, numbers: Any, depth: int) -> Any:
    """A schema that the compiled encoder takes on."""
    kinds = ["leaf", "leaf", "enum", "fixed", *(("record", "array", "map", "null", "union") if depth < 3 else ())]
    kind = draw(st.sampled_from(kinds))
    if kind == "null":
        other = of_kind(draw, draw(st.sampled_from(kinds[:-2])), numbers, depth)
        return draw(st.sampled_from([["null", other], [other, "null"]]))
    if kind == "union":
        chosen = draw(st.lists(st.sampled_from(DISTINCT), unique_by=str, min_size=1, max_size=3))
        branches = ["null", *(of_kind(draw, draw(st.sampled_from(each)), numbers, depth) for each in chosen)]
        return draw(st.permutations(branches))
    return of_kind(draw, kind, numbers, depth)


def of_kind(draw: Draw, kind: str, numbers: Any, depth: int) -> Any:
    match kind:
        case "leaf":
            return draw(st.sampled_from(PLAIN))
        case "enum":
            return {"type": "enum", "name": f"E{next(numbers)}", "symbols": ["A", "B", "C"]}
        case "fixed":
            decimal = {"logicalType": "decimal", "precision": 4, "scale": 1} if draw(st.booleans()) else {}
            return {"type": "fixed", "name": f"F{next(numbers)}", "size": 4, **decimal}
        case "record":
            return record(draw, numbers, depth + 1)
        case "array":
            return {"type": "array", "items": plain(draw, numbers, depth + 1)}
        case "map":
            return {"type": "map", "values": plain(draw, numbers, depth + 1)}
        case "uuid":
            return {"type": "string", "logicalType": "uuid"}
    return kind


def record(draw: Draw, numbers: Any, depth: int) -> dict[str, Any]:
    fields = []
    for at in range(draw(st.integers(1, 4))):
        kind = plain(draw, numbers, depth)
        default = DEFAULTS.get(kind) if isinstance(kind, str) else None
        given = default is not None or (isinstance(kind, list) and kind[0] == "null")
        fields.append({"name": f"f{at}", "type": kind, **({"default": default} if given else {})})
    return {"type": "record", "name": f"R{next(numbers)}", "fields": fields}


@st.composite
def plain_schemas(draw: Draw) -> dict[str, Any]:
    return record(draw, count(), 0)


def of_one_field(kind: Any, name: str = "a") -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": kind}]}


def by_fastavro(parsed: Any, data: Any) -> bytes | None:
    """What the guard and fastavro make of it; `None` when one of them refuses."""
    if not compiled_guard(parsed)(data):
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
    encode = compiled_encoder(parsed)

    def compare(data: Any) -> bool:
        try:
            value = encode(data, FRAME) if encode is not None else None
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
    assert agrees(definition, data.draw(anything.fitting(definition, plain=True)))


@QUICK
@given(st.data())
def test_values_of_any_schema_are_written_alike_or_left_to_fastavro(data: st.DataObject) -> None:
    definition = data.draw(st.one_of(schemas(), anything.anything()))
    try:
        compare = comparison(definition)
    except SchemaParseException:
        assume(False)  # a default that does not fit
    value = data.draw(anything.fitting(definition))
    compare(value)
    compare(mutated(data.draw, value))


@settings(QUICK, max_examples=200)
@given(st.data())
def test_nothing_is_written_that_is_refused(data: st.DataObject) -> None:
    definition = data.draw(plain_schemas())
    agrees(definition, mutated(data.draw, data.draw(anything.fitting(definition))))


@pytest.mark.parametrize("kind", [*PLAIN, {"type": "enum", "name": "E", "symbols": ["A"]}, "null"], ids=str)
def test_every_odd_value_in_every_place(kind: Any) -> None:
    places = [kind] if kind == "null" else [kind, ["null", kind], [kind, "null"], {"type": "array", "items": kind}]
    for place in [*places, {"type": "map", "values": kind}]:
        compare = comparison(of_one_field(place))
        assert sum(compare({"a": value}) for odd in ODD for value in (odd, [odd], {"k": odd})) >= 1


LEG = {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": "long"}]}
SIDE = {"type": "enum", "name": "Side", "symbols": ["BUY", "SELL"]}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
FIXED_MONEY = {"type": "fixed", "name": "Money", "size": 4, "logicalType": "decimal", "precision": 5, "scale": 2}
MOMENT = {"type": "long", "logicalType": "timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
LONGS = {"type": "array", "items": "long"}
NOW = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("branches", "values", "others"),
    [
        (["null", "long", "string"], [None, 5, -(2**63), "A"], [True, 1.5, 2**63, b"", ("long", 5)]),
        (["boolean", "int", "long"], [True, 5], [2**31, 2**63, "A"]),
        (["double", "long"], [1.5, 5], [2**53 + 1]),
        (["float", "long"], [1.5, 5], [2**24 + 1]),
        (["float", "string", "double"], ["A"], [1.5, 5]),
        ([MOMENT, DATE], [NOW, NOW.date()], [NOW.replace(tzinfo=None), 5]),
        ([DATE, MOMENT], [NOW.date()], [NOW, 5]),
        ([DATE, "long"], [NOW.date()], [5]),
        ([DATE, "string"], [NOW.date()], ["A", "2024-07-01"]),
        ([SIDE, "string"], ["BUY"], ["A"]),
        ([LONGS, "bytes"], [[1]], [b""]),
        (["bytes", LONGS], [[1], b""], [bytearray()]),
        (["string", {"type": "string", "logicalType": "uuid"}], ["A", uuid.UUID(int=1)], []),
        ([{"type": "string", "logicalType": "uuid"}, "string"], [uuid.UUID(int=1)], ["A", str(uuid.UUID(int=1))]),
        ([MONEY, "double", "bytes"], [Decimal("1.5"), 1.5], [b"A", Decimal("1.555")]),
        (["null", LEG, "long"], [None, {"x": 1}, 5], [{}, {"x": 1, "y": 1}, {"x": "A"}]),
        (["string", {"type": "map", "values": "long"}], [{}, {"k": 1}, "A"], [{"k": "A"}]),
        (["null", {"type": "null"}], [None], [5]),
    ],
    ids=range(18),
)
def test_a_union_is_compiled_where_the_type_says_which_branch(
    branches: list[Any], values: list[Any], others: list[Any]
) -> None:
    for place, inside in (
        (branches, lambda value: value),
        ({"type": "array", "items": branches}, lambda value: [value]),
        ({"type": "map", "values": branches}, lambda value: {"k": value}),
    ):
        compare = comparison(of_one_field(place))
        assert [value for value in values if not compare({"a": inside(value)})] == []
        assert [value for value in others if compare({"a": inside(value)})] == []


@pytest.mark.parametrize("kind", [MONEY, FIXED_MONEY], ids=["bytes", "fixed"])
@pytest.mark.parametrize(
    ("number", "fits"),
    [
        *(("0", True), ("0.00", True), ("0E+3", True), ("0.000", False), ("0E+9999", False)),
        *(("1.5", True), ("1.50", True), ("1.500", False), ("-0.01", True), ("0.001", False), ("127", True)),
        *(("999.99", True), ("-999.99", True), ("1000", False), ("1E+2", True), ("1E+3", False), ("1E-2", True)),
        *(("1.28", True), ("-1.28", True), ("-1.29", True), ("655.35", True), ("655.36", True), ("1E+9999", False)),
        *(("NaN", False), ("sNaN", False), ("-Infinity", False), ("12345678901234567890", False)),
    ],
)
def test_decimals(kind: Any, number: str, fits: bool) -> None:
    assert agrees(of_one_field(kind), {"a": Decimal(number)}) == fits


def test_a_zero_with_a_sign_is_not_for_fixed() -> None:
    """fastavro makes -2 of it."""
    assert agrees(of_one_field(MONEY), {"a": Decimal("-0.0")})
    assert not agrees(of_one_field(FIXED_MONEY), {"a": Decimal("-0.0")})


def test_fields_that_are_missing_are_filled_in() -> None:
    defaults: list[tuple[Any, Any]] = [
        *(("long", 7), ("string", "é"), ("double", 1.5), (["null", "long"], None), (["string", "null"], "A")),
        *((DATE, 5), (MOMENT, 5), (LONGS, [1, 2]), (SIDE, "SELL"), ({**LEG, "name": "Other"}, {"x": 1})),
    ]
    fields = [{"name": f"f{at}", "type": kind, "default": default} for at, (kind, default) in enumerate(defaults)]
    fields += [{"name": "g", "type": ["null", "int"]}, {"name": "h", "type": "long"}]
    compare = comparison({"type": "record", "name": "R", "fields": fields})
    assert compare({"h": 1})
    assert compare({"h": 1, "f0": 2, "f8": "BUY", "g": 5})
    assert not compare({})
    assert not compare({"h": 1, "z": 1})
    assert not compare({"z": 1, **{f"f{at}": default for at, (_, default) in enumerate(defaults)}, "g": None})


@pytest.mark.parametrize(("kind", "default"), [("bytes", "é"), ("long", True), ("double", "NaN"), (LEG, {"x": "A"})])
def test_a_default_of_another_kind_is_left_to_fastavro(kind: Any, default: Any) -> None:
    definition = {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind, "default": default}]}
    assert not agrees(definition, {})


@pytest.mark.parametrize("bits", range(65))
def test_integers_of_every_length(bits: int) -> None:
    for number in (1 << bits, (1 << bits) - 1, -(1 << bits), -(1 << bits) - 1):
        assert agrees(of_one_field("long"), {"a": number}) == (-(2**63) <= number < 2**63)


def test_the_event_of_the_benchmarks() -> None:
    schema = AvroSchema.from_json(BENCH.read_text(), "bench.event")
    encode = compiled_encoder(fastavro.parse_schema(json.loads(BENCH.read_text())))
    assert encode is not None
    for each in event.pool(200):
        assert encode(each, schema.frame) == schema.encode(each) == schema.frame + event.encode(each)
    wrong = {**each, "sequence": "1"}
    with pytest.raises(Unusual):
        encode(wrong, schema.frame)
    with pytest.raises(EncodeError, match="sequence"):
        schema.encode(wrong)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_contracts(path: Path) -> None:
    definition = json.loads(path.read_text())
    assert compiled_encoder(fastavro.parse_schema(definition)) is not None

    @settings(QUICK, max_examples=20)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        value = data.draw(values(definition))
        assert agrees(definition, value)
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
        of_one_field(["null", ["long"]]),
        of_one_field([LEG, {**LEG, "name": "Other"}]),
        of_one_field([LEG, {"type": "map", "values": "long"}]),
        of_one_field([]),
        of_one_field({"type": "array", "items": "null"}),
        {**of_one_field("long"), "logicalType": "of-somebody"},
        of_one_field({"type": "bytes", "logicalType": "decimal"}),
        of_one_field({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": None}),
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
    assert compiled_encoder(parsed) is None


def test_symbols_are_kept_once() -> None:
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    leg = {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": enum}, {"name": "y", "type": "E"}]}
    encode = compiled_encoder(of_one_field(leg))
    assert encode is not None
    assert encode({"a": {"x": "A", "y": "B"}}, FRAME) == FRAME + b"\0\2"
    tables = [each for each in inspect.getclosurevars(encode).globals.values() if type(each) is dict]
    assert tables == [{"A": b"\0", "B": b"\2"}]


def test_the_deepest_loops_that_compile() -> None:
    depth = max(depth for depth in range(30) if compiled_encoder(nested(depth)) is not None)
    value: Any = 7
    for _ in range(depth):
        value = [value]
    assert depth >= 5
    assert agrees(nested(depth), {"a": value})
