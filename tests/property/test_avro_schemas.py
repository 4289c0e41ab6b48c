"""Random schemas and values: they come back equal, and the checker never promises what a decoder cannot keep."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bus.avro.compatibility import can_read
from bus.avro.schema import FRAME_BYTES, AvroSchema
from tests.avro.strategies import changes, compatible_changes, schemas, values

QUICK = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def read(value: bytes, writer: Any, reader: Any) -> Any:
    """What a reader with another schema sees."""
    source = BytesIO(value[FRAME_BYTES:])
    data: Any = fastavro.schemaless_reader(source, fastavro.parse_schema(writer), fastavro.parse_schema(reader))
    assert not source.read()
    return data


@QUICK
@given(st.data())
def test_values_come_back_equal(data: st.DataObject) -> None:
    definition = data.draw(schemas())
    schema = AvroSchema(definition, "random")
    value = data.draw(values(definition))
    assert schema.decode(schema.encode(value)) == value


@QUICK
@given(st.data())
def test_a_schema_reads_its_own_data(data: st.DataObject) -> None:
    definition = data.draw(schemas())
    assert can_read(definition, definition) == ()


@QUICK
@given(st.data())
def test_a_compatible_change_reads_old_data(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = data.draw(compatible_changes(old))
    assert can_read(new, old) == ()
    value = data.draw(values(old))
    seen = read(AvroSchema(old, "old").encode(value), old, new)
    assert fastavro.validate(seen, fastavro.parse_schema(new))


@QUICK
@given(st.data())
def test_a_verdict_is_kept_by_the_decoder(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = data.draw(changes(old))
    try:
        parsed = fastavro.parse_schema(new)
    except SchemaParseException:
        assume(False)  # a change may define a name twice
    if can_read(new, old) == ():
        value = data.draw(values(old))
        seen = read(AvroSchema(old, "old").encode(value), old, new)
        assert fastavro.validate(seen, parsed)
