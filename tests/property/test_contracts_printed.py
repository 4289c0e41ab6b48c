"""Models printed from random schemas: the data validates into them, and the contract derived from them fits."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bus.avro.compatibility import can_read
from bus.avro.derive import derive
from bus.avro.schema import AvroSchema
from ops.contracts.model import model_source
from tests.avro.strategies import schemas, values

Draw = Callable[[st.SearchStrategy[Any]], Any]
Style: TypeAlias = Literal["pydantic", "dataclass"]

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)
STYLES: list[Style] = ["pydantic", "dataclass"]

NAMES = ["class", "None", "_f", "__f", "json", "model_config", "model_dump_f", "self", "int", "list", "str", "date"]
NAMES += ["time", "datetime", "UTC", "Decimal", "Field", "BaseModel", "R1", "E1", "field", "import_", "copy", "match"]
SYMBOLS = ["mro", "name", "_A", "__B__", "None", "title", "a", "A"]
DEFAULTS: dict[str, Any] = {
    "boolean": True,
    "int": -1,
    "long": 2,
    "float": 1.5,
    "double": 2.5,
    "string": 'it\'s "so"\n\\',
    "bytes": "\xff'\"",
    "timestamp-micros": -1,
    "timestamp-millis": 1_700_000_000_000,
    "time-micros": 3_600_000_000,
    "date": -1,
    "uuid": "00000000-0000-0000-0000-000000000007",
    "decimal": "\xff\x01",
}


def executed(source: str) -> dict[str, Any]:
    """The names of the module; the source is made of this test's own schemas."""
    module = {"__name__": "printed"}
    exec(compile(source, "<printed>", "exec", dont_inherit=True), module)
    return module


def records(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for branch in schema:
            yield from records(branch)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            yield schema
        for inner in [schema.get("items"), schema.get("values"), *(f["type"] for f in schema.get("fields", ()))]:
            yield from records(inner)


@st.composite
def decorated(draw: Draw) -> dict[str, Any]:
    """A schema with names that Python or pydantic has itself, defaults, documentation and aliases.

    No two fields have the same name, so that a finding's path tells the field.
    """
    schema: dict[str, Any] = draw(schemas())
    names = iter(draw(st.permutations(NAMES)))
    for at, record in enumerate(list(records(schema))):
        if draw(st.booleans()):
            record["doc"] = draw(st.text(max_size=20))
            record["aliases"] = ["Former", "other.Former"]
        for field in record["fields"]:
            field["name"] = next(names, "f") if draw(st.booleans()) else f"{field['name']}_{at}"
            if draw(st.booleans()):
                field["doc"] = draw(st.text())
            if draw(st.booleans()):
                field["aliases"] = [f"former_{at}"]
            if isinstance(field["type"], dict) and "symbols" in field["type"] and draw(st.booleans()):
                field["type"]["symbols"] = draw(st.permutations(SYMBOLS))
                field["type"].pop("default", None)
            if draw(st.booleans()):
                put_default(field)
    every = [field["name"] for record in records(schema) for field in record["fields"]]
    return schema if len(set(every)) == len(every) else draw(decorated())


def put_default(field: dict[str, Any]) -> None:
    kind = field["type"]
    first = kind[0] if isinstance(kind, list) else kind
    name = first if isinstance(first, str) else first.get("logicalType", first["type"])
    if name in DEFAULTS:
        field["default"] = DEFAULTS[name]
    elif name == "null":
        field["default"] = None
    elif name == "enum":
        field["default"] = first["symbols"][-1]
    elif name in ("array", "map"):
        field["default"] = [] if name == "array" else {}


def noted_fields(source: str) -> set[str]:
    """Fields that have a comment above them, by their names in Python and in Avro."""
    noted: set[str] = set()
    comments = False
    for line in source.splitlines():
        if line.startswith("    # "):
            comments = comments or line.startswith("    # Avro:")
        elif line.startswith("    ") and comments:
            noted.add(line.strip().partition(":")[0])
            comments = False
    return noted | set(re.findall(r"# Avro: called (\w+)", source))


@pytest.mark.parametrize("style", STYLES)
@QUICK
@given(st.data())
def test_a_printed_model_reads_the_data_and_gives_the_contract_back(style: Style, data: st.DataObject) -> None:
    definition = data.draw(decorated())
    untouched = copy.deepcopy(definition)
    source = model_source(definition, style=style)
    assert definition == untouched
    model = executed(source)[definition["name"]]

    schema = AvroSchema(definition, "random")
    decoded = schema.decode(schema.encode(data.draw(values(definition))))
    adapter = TypeAdapter(model)
    assert adapter.dump_python(adapter.validate_python(decoded), by_alias=True) == decoded

    derived = derive(model)
    if "union of nothing but null" not in source:  # takes a byte, which null alone does not
        assert AvroSchema(derived, "derived").name == "derived"
    found = {finding.path for finding in (*can_read(derived, definition), *can_read(definition, derived))}
    fields = {re.sub(r"[\[\]{}]", "", path).rpartition(".")[2] for path in found}
    assert fields <= noted_fields(source)
    if "# Avro:" not in source:
        assert not found


@QUICK
@given(st.text(), st.text(alphabet="\"'\\\n {}abc", max_size=200), st.binary())
def test_texts_come_back_exactly(text: str, quotes: str, raw: bytes) -> None:
    fields = [
        {"name": "a", "type": "string", "doc": text, "default": quotes},
        {"name": "b", "type": "bytes", "doc": quotes, "default": raw.decode("latin-1")},
    ]
    definition = {"type": "record", "name": "R", "doc": quotes, "fields": fields}
    model = executed(model_source(definition))["R"]
    derived = derive(model)
    for field, wanted in zip(derived["fields"], fields, strict=True):
        assert field.get("doc", "") == wanted["doc"]
        assert field["default"] == wanted["default"]
    assert inspect.cleandoc(model.__doc__ or "").split() == inspect.cleandoc(quotes).split()
