"""Random schemas, changes and bytes: what is read is what an obvious expectation says, or what fastavro reads."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from fastavro.schema import SchemaParseException
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from bus.avro.compatibility import can_read
from bus.avro.resolving import compiled_reader
from bus.errors import ContractError, DecodeError
from tests.avro.strategies import changes, compatible_changes, schemas, values

QUICK = settings(max_examples=100, deadline=None, derandomize=True, database=None)
PRIMITIVES = {type(None): "null", bool: "boolean", int: "long", float: "double", str: "string", dict: "record"}
"""Which branch of the random schemas' unions writes a value."""


def encoded(writer: Any, value: Any) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(writer), value)
    return buffer.getvalue()


def by_fastavro(schema: Any, raw: bytes) -> Any:
    source = BytesIO(raw)
    data = fastavro.schemaless_reader(source, fastavro.parse_schema(schema), None)
    assert not source.read()
    return data


def kind_of(schema: Any) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else "union" if isinstance(schema, list) else str(schema)


def expected(reader: Any, writer: Any, value: Any) -> Any:
    """What the reader sees of a value that the writer wrote, by the specification and nothing else."""
    if isinstance(writer, list):
        (written,) = [branch for branch in writer if kind_of(branch) == PRIMITIVES[type(value)]]
        return expected(reader, written, value)
    if isinstance(reader, list):
        same = [branch for branch in reader if kind_of(branch) == kind_of(writer)]
        return expected((same or [branch for branch in reader if promotes(branch, writer)])[0], writer, value)
    match kind_of(reader):
        case "record":
            written = {field["name"]: field for field in writer["fields"]}
            return {field["name"]: expected_field(field, written, value) for field in reader["fields"]}
        case "array":
            return [expected(reader["items"], writer["items"], item) for item in value]
        case "map":
            return {key: expected(reader["values"], writer["values"], item) for key, item in value.items()}
        case "enum":
            return value if value in reader["symbols"] else reader["default"]
        case "float" | "double":
            return float(value)
        case "bytes" if isinstance(value, str):
            return value.encode()
    return value


def expected_field(field: Any, written: Any, value: Any) -> Any:
    for name in (field["name"], *field.get("aliases", [])):
        if name in written:
            return expected(field["type"], written[name]["type"], value[name])
    return by_fastavro(field["type"], encoded(field["type"], field["default"]))


def promotes(reader: Any, writer: Any) -> bool:
    wider = {
        "int": ("long", "float", "double"),
        "long": ("float", "double"),
        "float": ("double",),
        "string": ("bytes",),
    }
    return kind_of(reader) in wider.get(kind_of(writer), ())


@QUICK
@given(st.data())
def test_the_same_schema_reads_what_fastavro_does(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(values(schema))
    raw = encoded(schema, value)
    seen = compiled_reader(schema, schema)(b"frame" + raw, 5)
    assert repr(seen) == repr(by_fastavro(schema, raw))
    assert seen == value


@QUICK
@given(st.data())
def test_a_compatible_change_reads_old_data(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = data.draw(compatible_changes(old))
    raw = encoded(old, data.draw(values(old)))
    assert repr(compiled_reader(new, old)(raw, 0)) == repr(expected(new, old, by_fastavro(old, raw)))


@settings(QUICK, max_examples=250)
@given(st.data())
def test_a_verdict_is_kept(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = data.draw(changes(old))
    try:
        fastavro.parse_schema(new)
    except SchemaParseException:
        assume(False)  # a change may define a name twice
    refused = can_read(new, old) != ()
    event("refused" if refused else "read")
    if refused:
        with pytest.raises(ContractError):
            compiled_reader(new, old)
    else:
        raw = encoded(old, data.draw(values(old)))
        assert repr(compiled_reader(new, old)(raw, 0)) == repr(expected(new, old, by_fastavro(old, raw)))


@QUICK
@given(st.data())
def test_a_value_that_is_cut_or_longer_is_refused(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = data.draw(compatible_changes(old))
    decode = compiled_reader(new, old)
    raw = encoded(old, data.draw(values(old)))
    for wrong in (*(raw[:end] for end in range(len(raw))), raw + b"\0"):
        with pytest.raises(DecodeError) as refused:
            decode(wrong, 0)
        assert refused.value.raw is wrong


def items(data: Any) -> int:
    """How many items the lists of a value have."""
    if isinstance(data, dict):
        return sum(items(value) for value in data.values())
    return len(data) + sum(map(items, data)) if isinstance(data, list) else 0


@st.composite
def garbage(draw: Any, schema: Any) -> bytes:
    """Any bytes, or a value of the schema in which some are other ones."""
    if draw(st.booleans()):
        return bytes(draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 127, 128, 255]), max_size=40)))
    raw = bytearray(encoded(schema, draw(values(schema))))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=10))
    return bytes(raw)


@QUICK
@given(st.data())
def test_any_bytes_are_a_value_or_refused(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    raw = data.draw(garbage(schema))
    try:
        seen = compiled_reader(schema, schema)(raw, 0)
    except DecodeError:
        event("refused")
    else:
        event("read")
        assert repr(seen) == repr(by_fastavro(schema, raw))
        assert items(seen) <= len(raw)


@QUICK
@given(st.data())
def test_what_is_passed_over_is_as_long_as_what_is_read(data: st.DataObject) -> None:
    """Bytes that are a value are passed over as one; others may be, if only what they stand for is wrong."""
    schema = data.draw(schemas())
    raw = data.draw(garbage(schema))
    more = {"name": "more", "type": "int"}
    writer = {"type": "record", "name": "Whole", "fields": [{"name": "old", "type": schema}, more]}
    decode = compiled_reader({**writer, "fields": [more]}, writer)
    try:
        compiled_reader(schema, schema)(raw, 0)
    except DecodeError:
        try:
            assert decode(raw + b"\2", 0).keys() == {"more"}
        except DecodeError:
            event("refused")
    else:
        event("passed over")
        assert decode(raw + b"\2", 0) == {"more": 1}
