"""Schemas proposed from examples: what becomes of each kind, maps and records, notes, limits, refusals."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bus.avro.derive import derive
from bus.avro.schema import AvroSchema
from bus.errors import ContractError
from ops.contracts.infer import Proposal, infer
from ops.contracts.infer.seen import FIELDS_MAX, KEYS_MAX
from tests.avro.test_avro_derive import an_order

UTC_TIME = dt.datetime(2024, 5, 17, 12, tzinfo=dt.UTC)


def proposal(*values: Any) -> Proposal:
    """Of examples with a field `a`; each of them fits what is proposed."""
    examples = [{"a": value} for value in values]
    proposed = infer(examples, name="Test")
    schema = AvroSchema(proposed.schema, "test")
    for example in examples:
        schema.encode(example)
    return proposed


def type_of(*values: Any) -> Any:
    return proposal(*values).schema["fields"][0]["type"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([True, False], "boolean"),
        ([1, -(2**63), 2**63 - 1], "long"),
        ([1.5], "double"),
        ([1, 1.5], "double"),
        ([2**53, 1.5], "double"),
        ([2**53 + 1, 1.5], ["long", "double"]),
        (["x", ""], "string"),
        ([b"x", bytearray(b"y")], "bytes"),
        ([UUID(int=7)], {"type": "string", "logicalType": "uuid"}),
        ([UTC_TIME], {"type": "long", "logicalType": "timestamp-micros"}),
        ([UTC_TIME.replace(tzinfo=None)], {"type": "long", "logicalType": "local-timestamp-micros"}),
        ([dt.date(2024, 2, 29)], {"type": "int", "logicalType": "date"}),
        ([dt.time(9, 30)], {"type": "long", "logicalType": "time-micros"}),
        ([None, 1], ["null", "long"]),
        ([None, "x", 1, True], ["null", "boolean", "long", "string"]),
        ([None, 1.5, 1, "x"], ["null", "double", "string"]),
        (
            [dt.date(2024, 2, 29), b"x", UTC_TIME],
            [
                {"type": "long", "logicalType": "timestamp-micros"},
                "bytes",
                {"type": "int", "logicalType": "date"},
            ],
        ),
        ([[1], [2.5, None]], {"type": "array", "items": ["null", "double"]}),
        ([[], [[1], []]], {"type": "array", "items": {"type": "array", "items": "long"}}),
        ([[], "x"], ["string", {"type": "array", "items": "string"}]),
    ],
    ids=str,
)
def test_what_becomes_of_a_kind(values: list[Any], wanted: Any) -> None:
    assert type_of(*values) == wanted


@pytest.mark.parametrize(
    ("values", "precision", "scale"),
    [
        (["0"], 9, 0),
        (["1.50", "-1234567"], 9, 2),
        (["1.50", "-12345678"], 18, 2),
        (["0.00000001"], 9, 8),
        (["1E+9", "0.01"], 18, 2),
        (["12345678901234567890.12345678"], 28, 8),
        (["1E+30"], 38, 0),
        (["1E+37", "0.5"], 39, 1),
    ],
    ids=str,
)
def test_decimals_have_the_digits_that_were_seen(values: list[str], precision: int, scale: int) -> None:
    wanted = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    assert type_of(*map(Decimal, values)) == wanted


def test_what_is_missing_or_null_has_the_default_null() -> None:
    examples: list[Any] = [{"a": 1, "b": "x"}, {"a": 2, "c": None}, {"a": 3, "b": "y"}]
    proposed = infer(examples, name="Order", namespace="test.trading")
    assert proposed.schema == {
        "type": "record",
        "name": "Order",
        "namespace": "test.trading",
        "fields": [
            {"name": "a", "type": "long"},
            {"name": "b", "type": ["null", "string"], "default": None},
            {
                "name": "c",
                "type": ["null", "string"],
                "default": None,
                "doc": "Guessed: no value was seen of c.",
            },
        ],
    }
    assert proposed.notes == ("c: no value was seen, so string is a guess",)
    schema = AvroSchema(proposed.schema, "test")
    assert schema.decode(schema.encode(examples[1])) == {"a": 2, "b": None, "c": None}


def test_objects_become_records_named_after_their_fields() -> None:
    example = {
        "first_leg": {"venue": {"name": "x"}, "_1": {"x": 1}},
        "firstLeg": {"venue": [{"name": "x"}, {"zone": 1}]},
        "test": {"x": 1},
        "__": {"x": 1},
    }
    fields = {field["name"]: field["type"] for field in infer([example], name="Test").schema["fields"]}
    assert {key: kind["name"] for key, kind in fields.items()} == {
        "first_leg": "FirstLeg",
        "firstLeg": "FirstLeg2",
        "test": "Test2",
        "__": "Record",
    }
    inner = {field["name"]: field["type"] for field in fields["first_leg"]["fields"]}
    assert [inner["venue"]["name"], inner["_1"]["name"]] == ["FirstLegVenue", "FirstLeg1"]
    items = fields["firstLeg"]["fields"][0]["type"]["items"]
    assert items["name"] == "FirstLegVenue2"
    assert [field["type"] for field in items["fields"]] == [["null", "string"], ["null", "long"]]


@pytest.mark.parametrize(
    ("objects", "values"),
    [
        ([{"BTC-USD": 1, "ETH-USD": 2.5}], "double"),
        ([{"a-b": 1, "": 2, "c": None}], ["null", "long"]),
        ([{f"k{at}": "x"} for at in range(20)], "string"),
        ([{f"k{at + step}": "x" for step in range(5)} for at in range(0, 20, 5)], "string"),
        ([{f"k{at}": at for at in range(KEYS_MAX + 1)}, {"z": 0}], "long"),
        ([{f"k{at}": 1, f"m{at}": 0.5} for at in range(20)], "double"),
        ([{}, {}], "string"),
    ],
    ids=["no-names", "mostly-no-names", "sparse", "a-quarter", "many", "numbers", "empty"],
)
def test_objects_whose_keys_are_data_become_maps(objects: list[Any], values: Any) -> None:
    assert type_of(*objects) == {"type": "map", "values": values}


@pytest.mark.parametrize(
    "objects",
    [
        [{f"k{at}": "x"} for at in range(19)],
        [{f"k{at + step}": "x" for step in range(7)} for at in range(0, 21, 7)],
        [{f"k{at}": "x" if at % 2 else 1} for at in range(40)],
        [{f"k{at}": at for at in range(KEYS_MAX)}],
    ],
    ids=["few", "over-a-quarter", "mixed", "dense"],
)
def test_objects_whose_keys_are_names_become_records(objects: list[Any]) -> None:
    assert type_of(*objects)["type"] == "record"


def test_a_map_of_objects_is_one_place() -> None:
    rows = [{"books": {f"S-{at}": {"bid": at, "size": None if at else 0.5, "levels": [{"px": 1}]}}} for at in range(30)]
    proposed = infer(rows, name="Book")
    values = proposed.schema["fields"][0]["type"]["values"]
    assert values["name"] == "Books"
    assert [field["type"] for field in values["fields"][:2]] == ["long", ["null", "double"]]
    assert values["fields"][2]["type"]["items"]["name"] == "BooksLevels"
    assert "books: 30 distinct keys in 30 objects, so a map" in proposed.notes
    assert "books{}.size: double; decimal if it is money" in proposed.notes


def test_what_was_seen_of_each_key_counts_for_the_map() -> None:
    assert type_of({"a-b": 2**53 + 1, "c-d": 0.5}) == {"type": "map", "values": ["long", "double"]}
    dense = {f"k{at}": 1 for at in range(25)}
    assert type_of({"a-b": dense, "c-d": dense})["values"]["type"] == "record"
    sparse = [{f"s-{at}": {f"k{at}": 1}} for at in range(25)]
    assert type_of(*sparse) == {"type": "map", "values": {"type": "map", "values": "long"}}


def test_a_map_has_the_notes_that_hold_for_all_its_values() -> None:
    def notes(*values: Any) -> list[str]:
        objects = {f"key {at}": value for at, value in enumerate(values)}
        return [note for note in proposal(objects).notes if note.startswith("a{}")]

    assert notes("2024-05-17", "2024-05-18") == [
        "a{}: looks like dates as text; publish dates and use the logical type date"
    ]
    assert notes("2024-05-17", "x") == []
    assert notes(0.5, 0.25) == ["a{}: double; decimal if it is money"]
    assert notes(1 / 3, 0.5) == notes(0.5, 1 / 3) == []


@pytest.mark.parametrize("first", ["many", "few"])
def test_a_map_of_maps_with_many_keys(first: str) -> None:
    many, few = {f"k{at}": 1 for at in range(KEYS_MAX + 1)}, {"x": 1, "y": 0.5}
    outer = {"a-b": many, "c-d": few} if first == "many" else {"a-b": few, "c-d": many}
    assert type_of(outer) == {"type": "map", "values": {"type": "map", "values": "double"}}


def test_what_becomes_one_place_makes_room_for_others() -> None:
    inner = {f"f{at}": at for at in range(9)}
    rows = [{f"m{part}": {f"k{at}": inner}} for part in range(3) for at in range(KEYS_MAX + 1)]
    assert len(rows) * len(inner) > FIELDS_MAX
    fields = infer(rows, name="Test").schema["fields"]
    assert [field["type"][1]["type"] for field in fields] == ["map"] * 3


def test_guesses_are_told_where_they_are() -> None:
    fields = infer([{"a": [], "b": 1}, {"a": {"x": None}, "b": 1}], name="Test").schema["fields"]
    assert fields[0]["doc"] == "Guessed: no value was seen of a[]."
    inner = fields[0]["type"][1]["fields"][0]
    assert inner["doc"] == "Guessed: no value was seen of a.x."


def test_notes() -> None:
    examples: list[dict[str, Any]] = [
        {
            "symbol": "ABC"[at % 3],
            "code": f"code {at}",
            "same": "X",
            "at": f"2024-05-17T12:00:0{at % 10}.5Z",
            "day": "2024-05-17",
            "id": f"00000000-0000-0000-0000-00000000000{at % 10}",
            "amount": f"{at}.50",
            "zip": f"0{at}",
            "price": at + 0.25,
            "ratio": 1 / 3,
            "rest": [],
            "mixed": at if at % 2 else "x",
            "huge": 2**60 + 1 if at else 0.125,
            "seen": UTC_TIME.replace(tzinfo=None),
            "tags": {f"t-{at}": 1},
        }
        for at in range(15)
    ]
    assert infer(examples, name="Test").notes == (
        "symbol: 3 distinct texts in 15 values (A, B, C); an enum?",
        "at: looks like ISO 8601 text; publish datetimes and use timestamp-micros",
        "day: looks like dates as text; publish dates and use the logical type date",
        "id: looks like a UUID; publish UUIDs and use the logical type uuid",
        "amount: looks like numbers as text; publish numbers, or decimals if it is money",
        "price: double; decimal if it is money",
        "rest[]: no value was seen, so string is a guess",
        "mixed: mixes long, string; a union, which is awkward to handle",
        "huge: double; decimal if it is money",
        "huge: some ints are too large for a double, so long and double share a union",
        "seen: datetimes without a time zone; give them one and use timestamp-micros",
        "tags: 15 distinct keys in 15 objects, so a map",
    )


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["x", UUID(int=7)], "a: mixes string and uuid, one type in Avro; publish one of them, or two fields"),
        ([1, UTC_TIME], "a: mixes long and timestamp"),
        ([UTC_TIME, UTC_TIME.replace(tzinfo=None)], "a: mixes local and timestamp"),
        ([b"x", Decimal(1)], "a: mixes bytes and decimal"),
        ([[1], [UTC_TIME]], r"a\[\]: mixes long and timestamp"),
        ([{"x": {"y-z": 1, "b": 2}}], r"a\.x: field 'y-z' is no Avro name; call it y_z$"),
        ([{"1 x": 1, "b": 2}], "a: field '1 x' is no Avro name; call it _1_x$"),
        ([{"a-b": 1, "c-d": UTC_TIME}], r"a\{\}: mixes long and timestamp"),
        ([1, 2**63], "example 2: a: an int that does not fit 64 bits; give text, or a Decimal"),
        ([1, 10**400], "example 2: a: an int that does not fit 64 bits"),
        ([Decimal("NaN")], "example 1: a: NaN is not finite; give null"),
        ([Decimal("1E+2000")], "a: decimals with over 1000 digits; give text, or doubles"),
        ([Decimal("0E-2000")], "a: decimals with over 1000 digits"),
        ([{1: 2}], "a: the key 1 is no text; give str"),
        ([(1, 2)], "a: tuple has no place in a contract; give plain values"),
        ([{1, 2}], "a: set has no place"),
        ([[object()]], r"a\[\]: object has no place"),
        (["\ud800"], r"a: the text '\\ud800' cannot be written as UTF-8; replace its surrogates"),
        ([{"\ud800": 1}], "a: the text .* cannot be written as UTF-8"),
        ([dt.time(1, tzinfo=dt.UTC)], "a: a time of day with a zone, which Avro's cannot keep; give a datetime"),
        ([dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=1)))], "a: 9999-12-31 .* is no year of UTC"),
    ],
    ids=range(21),
)
def test_what_is_refused(values: list[Any], why: str) -> None:
    with pytest.raises(ContractError, match=why):
        proposal(*values)


@pytest.mark.parametrize(
    ("examples", "why"),
    [
        ([], "there is no example; give at least one"),
        ([{"a": 1}, [1]], "example 2 is list; a contract describes objects: give dicts"),
        ([{"trade-id": 1, "b": 2}], "the object: field 'trade-id' is no Avro name; call it trade_id$"),
        ([{"": 1, "b": 2}], "the object: field '' is no Avro name; call it field$"),
        ([{"BTC-USD": 1}], "call it BTC_USD, or put the whole object into a field, where it becomes a map"),
        ([{f"k{at}": 1 for at in range(KEYS_MAX + 1)}], "over 1,000 distinct fields; a contract is a record"),
    ],
    ids=["none", "list", "dash", "empty", "whole", "wide"],
)
def test_examples_that_are_refused(examples: list[Any], why: str) -> None:
    with pytest.raises(ContractError, match=why):
        infer(examples, name="Test")


@pytest.mark.parametrize("name", ["", "a b", "a.b", "1a", "x\n"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(ContractError, match="is no Avro name"):
        infer([{"a": 1}], name=name)
    with pytest.raises(ContractError, match="is no Avro name"):
        infer([{"a": 1}], name="Test", namespace=f"test..{name}")


def test_no_more_examples_are_read_than_asked_for() -> None:
    def endless() -> Iterator[dict[str, Any]]:
        at = 0
        while True:
            yield {"a": at, f"b{min(at, 20)}": 1}
            at += 1

    source = endless()
    proposed = infer(source, name="Test", examples_max=10)
    assert next(source)["a"] == 10
    assert [field["name"] for field in proposed.schema["fields"]] == ["a", *(f"b{at}" for at in range(10))]
    assert proposed.notes == ("the first 10 examples were read, and no more",)


def deep(levels: int, kind: str) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind == "list" else {"a": value}
    return value


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_nesting_is_bounded(kind: str) -> None:
    proposal(deep(62, kind))
    for levels in (70, 100_000):
        with pytest.raises(ContractError, match="nested deeper than 64; flatten it"):
            proposal(deep(levels, kind))


def test_the_fields_of_all_objects_are_bounded() -> None:
    def objects(count: int) -> list[dict[str, Any]]:
        return [{f"f{at}": {f"k{key}": 1 for key in range(900)}} for at in range(count)]

    with pytest.raises(ContractError, match=r"schema Test has \d+ bytes; at most 262144 are allowed"):
        infer(objects(FIELDS_MAX // 901), name="Test")
    with pytest.raises(ContractError, match=r"^example 23: f22\.k.*: over 20,000 distinct fields"):
        infer(objects(FIELDS_MAX // 901 + 1), name="Test")


def test_keys_that_are_data_take_no_more_memory_the_more_there_are() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        rows = ({"at": at, "rows": {f"key {at}": {"text": f"{at}" * 20, "x": [at]}}} for at in range(count))
        infer(rows, name="Test", examples_max=count)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(6_000) < 1.5 * peak(1_500)


def test_what_a_contract_wrote_is_proposed_again() -> None:
    schema = AvroSchema(derive(type(an_order())), "order")
    decoded = [
        schema.decode(schema.encode(an_order(**more))) for more in ({}, {"fee": Decimal("1.50")}, {"note": None})
    ]
    proposed = infer(decoded, name="Order")
    again = AvroSchema(proposed.schema, "again")
    assert [again.decode(again.encode(each)) for each in decoded] == decoded
    kinds = {field["name"]: field["type"] for field in proposed.schema["fields"]}
    assert kinds["id"] == {"type": "string", "logicalType": "uuid"}
    assert kinds["quantity"] == {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 4}
    assert kinds["fee"] == ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}]
    assert kinds["placed_at"] == {"type": "long", "logicalType": "timestamp-micros"}


def test_subclasses_are_taken_for_what_they_are() -> None:
    class Whole(int):
        pass

    assert infer([OrderedDict(a=Whole(5))], name="Test").schema["fields"] == [{"name": "a", "type": "long"}]
