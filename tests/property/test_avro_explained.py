"""What is explained is what is refused, and what is written comes back as it was."""

from __future__ import annotations

import datetime as dt
import math
import struct
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bus.avro.explain import explain
from bus.avro.filling import with_values
from bus.avro.schema import AvroSchema
from bus.errors import ContractError, EncodeError
from tests.avro.anything import LOGICAL, STRANGE, anything, definitions, fitting
from tests.avro.odd import ODD, mutated

QUICK = settings(max_examples=200, deadline=None, derandomize=True, database=None)
MILLISECOND = dt.timedelta(milliseconds=1)
MICROSECOND = dt.timedelta(microseconds=1)


def writer(definition: Any) -> Callable[[Any], bool]:
    """Whether a value is written: when not, it is explained, and else it comes back."""
    schema = AvroSchema(definition, "shop.order")
    named_types: dict[str, Any] = {}
    parsed, _ = with_values(fastavro.parse_schema(definition, named_types), named_types)
    named = definitions(definition)

    def is_written(value: Any) -> bool:
        why = explain(parsed, value, "order")
        if why is None:
            return comes_back(definition, value, schema.decode(schema.encode(value)), named)
        assert len(why) < 1_000
        with pytest.raises(EncodeError) as refused:
            schema.encode(value)
        assert str(refused.value) == f"{why} (contract shop.order)"
        return False

    return is_written


def comes_back(schema: Any, value: Any, back: Any, named: dict[str, Any]) -> bool:
    """Whether what was read is what was written, but for what a type rounds and for defaults."""
    if isinstance(schema, list):
        if isinstance(value, tuple):
            called = [branch for branch in schema if value[0] == name_of(branch)]
            return comes_back(called[0], value[1], back, named)
        return any(comes_back(branch, value, back, named) for branch in schema)
    if isinstance(schema, str):
        schema = named.get(schema, {"type": schema})
    if isinstance(schema.get("logicalType"), str) and schema not in STRANGE:
        return logical_comes_back(schema, value, back)
    match schema["type"]:
        case "record":
            fields = {field["name"]: field["type"] for field in schema["fields"]}
            alike = isinstance(value, Mapping) and isinstance(back, dict) and back.keys() == fields.keys()
            return alike and all(comes_back(fields[name], each, back[name], named) for name, each in value.items())
        case "array":
            alike = isinstance(value, list) and isinstance(back, list) and len(value) == len(back)
            return alike and all(comes_back(schema["items"], *both, named) for both in zip(value, back, strict=True))
        case "map":
            alike = isinstance(value, Mapping) and isinstance(back, dict) and back.keys() == value.keys()
            return alike and all(comes_back(schema["values"], each, back[key], named) for key, each in value.items())
        case "float" | "double" as kind if isinstance(value, int | float) and isinstance(back, float):
            rounded = to_32_bits(value) if kind == "float" else value
            return rounded == back or (rounded != rounded and back != back)
    return bool(value == back) and (type(value) is bool) == (type(back) is bool)


def to_32_bits(value: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except (OverflowError, struct.error):
        return math.inf
    return rounded


def name_of(branch: Any) -> Any:
    if isinstance(branch, list):
        return "union"
    return branch if isinstance(branch, str) else branch.get("name", branch["type"])


def logical_comes_back(schema: Any, value: Any, back: Any) -> bool:
    logical = schema["logicalType"]
    unit = MILLISECOND if logical.endswith("millis") else MICROSECOND
    match back:
        case dt.datetime():
            since = back - dt.datetime(1970, 1, 1, tzinfo=back.tzinfo)
            if isinstance(value, dt.datetime):
                return (value.tzinfo is None) == (back.tzinfo is None) and 0 * unit <= value - back < unit
            return bool(since == value * unit)
        case dt.date():
            return bool(value == (back if isinstance(value, dt.date) else back.toordinal() - 719_163))
        case dt.time():
            midnight = dt.datetime(1970, 1, 1)
            since = dt.datetime.combine(midnight, back) - midnight
            if isinstance(value, dt.time):
                return (
                    value.tzinfo is None and 0 * unit <= dt.datetime.combine(midnight, value) - midnight - since < unit
                )
            return bool(since == value * unit)
        case uuid.UUID():
            return bool((uuid.UUID(value) if isinstance(value, str) else value) == back)
        case Decimal():
            if isinstance(value, bytes | bytearray):
                value = Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-schema.get("scale", 0))
            return bool(value == back)
    return False


@QUICK
@given(st.data())
def test_what_is_explained_is_what_is_refused(data: st.DataObject) -> None:
    definition = data.draw(anything())
    try:
        is_written = writer(definition)
    except ContractError:
        assume(False)  # an array of nothing, a default that does not fit
    value = data.draw(fitting(definition))
    is_written(value)
    is_written(mutated(data.draw, value))


LEAVES: list[Any] = [
    *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
    *(*LOGICAL, *STRANGE),
    {"type": "enum", "name": "E0", "symbols": ["A", "B"]},
    {"type": "fixed", "name": "F0", "size": 4},
    {"type": "fixed", "name": "F0", "size": 4, "logicalType": "decimal", "precision": 4, "scale": 2},
    {"type": "map", "values": "long"},
    {"type": "record", "name": "R1", "fields": [{"name": "a", "type": "long", "default": 7}]},
]


def writer_in(place: Any) -> Any:
    """`None` where a union would have two branches of one kind, which is not admitted."""
    try:
        return writer({"type": "record", "name": "R", "fields": [{"name": "a", "type": place}]})
    except ContractError as error:
        assert "two branches of" in str(error)  # noqa: PT017 - any other is raised on
        return None


@pytest.mark.parametrize("at", range(len(LEAVES)))
def test_every_odd_value_in_every_place(at: int) -> None:
    kind = LEAVES[at]
    others = [["null", kind], [kind, "string"], ["long", kind], ["bytes", kind], [kind, "double"]]
    places = [kind, *others, *([{"type": "array", "items": kind}] if kind not in ("null", {"type": "null"}) else [])]
    writers = [writer_in(place) for place in places]
    assert sum(each is None for each in writers) <= 2
    for is_written in filter(None, writers):
        for odd in ODD:
            for value in (odd, [odd]):
                is_written({"a": value})


@QUICK
@given(st.data())
def test_plain_values_are_written(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in LEAVES if kind not in STRANGE or kind == {"type": "double"}]))
    definition = {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]}
    assert writer(definition)(data.draw(fitting(definition, plain=True)))
