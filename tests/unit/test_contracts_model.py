"""Models printed from schemas: what becomes of each type, of names and defaults, and that nothing becomes code."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from bus.avro.compatibility import can_read
from bus.avro.contracts import shipped_contracts
from bus.avro.derive import derive
from bus.avro.schema import AvroSchema
from bus.errors import ContractError
from ops.contracts.model import model_source
from tests.avro.test_avro_derive import Fill, Order, Shape

Style: TypeAlias = Literal["pydantic", "dataclass"]

ROOT = Path(__file__).parents[2]
STYLES: list[Style] = ["pydantic", "dataclass"]
SHIPPED = {
    f"{family.name}.{file.name}": json.loads(file.read_text())
    for family in sorted(shipped_contracts().iterdir(), key=lambda each: each.name)
    for file in sorted(family.iterdir(), key=lambda each: each.name)
}
UUID_TYPE = {"type": "string", "logicalType": "uuid"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 28, "scale": 8}

TRADE = {
    "type": "record",
    "name": "Trade",
    "namespace": "test.trading",
    "doc": "A trade.",
    "aliases": ["Deal"],
    "fields": [
        {
            "name": "side",
            "type": {
                "type": "enum",
                "name": "Side",
                "symbols": ["BUY", "SELL", "None"],
                "default": "None",
                "aliases": ["Way"],
                "doc": "Which way.",
            },
            "default": "BUY",
        },
        {"name": "amount", "type": MONEY, "aliases": ["quantity"], "doc": "Exact."},
        {"name": "fee", "type": ["null", MONEY], "default": None},
        {
            "name": "legs",
            "type": {
                "type": "array",
                "items": {"type": "record", "name": "Leg", "fields": [{"name": "side", "type": "Side"}]},
            },
            "default": [],
        },
        {"name": "at", "type": MICROS, "default": 1_700_000_000_000_001},
        {"name": "date", "type": {"type": "int", "logicalType": "date"}, "default": 0},
        {"name": "due", "type": ["null", {"type": "int", "logicalType": "date"}], "default": None},
        {"name": "hash", "type": {"type": "fixed", "name": "Md5", "size": 16}},
        {"name": "class", "type": "int", "default": 7},
    ],
}

AS_MODEL = '''"""Model of the contract test.trading.Trade."""

from datetime import UTC, datetime
from datetime import date as date_
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from bus.avro.derive import RenamedFrom
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Side(StrEnum):
    """Which way."""

    BUY = "BUY"
    SELL = "SELL"
    None_ = "None"

    __avro_default__ = "None"
    __avro_aliases__ = ("Way",)


class Leg(BaseModel):
    side: Side


class Trade(BaseModel):
    """A trade."""

    __avro_aliases__ = ("Deal",)

    model_config = ConfigDict(populate_by_name=True)

    side: Side = Side.BUY
    amount: Annotated[
        Decimal,
        RenamedFrom("quantity"),
        Field(max_digits=28, decimal_places=8, description="Exact."),
    ]
    fee: Annotated[Decimal | None, Field(max_digits=28, decimal_places=8)] = None
    legs: list[Leg] = []
    at: AwareDatetime = datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=UTC)
    date: date_ = date_(1970, 1, 1)
    due: date_ | None = None
    # Avro: fixed of 16 bytes
    hash: bytes
    # Avro: called class
    # Avro: int of 32 bits
    class_: Annotated[int, RenamedFrom("class"), Field(alias="class")] = 7
'''


def executed(source: str) -> dict[str, Any]:
    """The names of the module; the source is made of this test's own schemas."""
    module = {"__name__": "printed"}
    exec(compile(source, "<printed>", "exec", dont_inherit=True), module)
    return module


def record(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **more}


def line_of(source: str, field: str) -> str:
    return next(line.strip() for line in source.splitlines() if line.startswith(f"    {field}: "))


def notes_of(source: str) -> list[str]:
    return [line.strip() for line in source.splitlines() if line.strip().startswith("# Avro:")]


def dense(source: str) -> str:
    """Without what laying out adds."""
    return "".join(source.split()).replace(",)", ")")


def joined(source: str) -> str:
    """With comments of several lines on one."""
    return " ".join(source.replace("\n    #", "").split())


def test_the_source_of_a_model() -> None:
    assert model_source(TRADE) == AS_MODEL


def test_the_source_of_a_dataclass() -> None:
    source = model_source(TRADE, style="dataclass")
    start = source.index("@dataclass(frozen=True, slots=True, kw_only=True)\nclass Leg:\n    side: Side\n")
    assert start > source.index("class Side(StrEnum):")
    assert "legs: list[Leg] = field(default_factory=list)" in source
    assert "at: AwareDatetime = field(default=datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=UTC))" in source
    assert "__pydantic_config__ = ConfigDict(populate_by_name=True)" in source
    trade = executed(source)["Trade"](amount=Decimal(1), hash=b"", class_=1)
    assert (trade.side, trade.fee, trade.legs, trade.date) == ("BUY", None, [], dt.date(1970, 1, 1))


def test_what_is_printed_passes_the_linter_and_the_type_checker(tmp_path: Path) -> None:
    for at, schema in enumerate([*SHIPPED.values(), TRADE, derive(Order), derive(Shape)]):
        for style in STYLES:
            (tmp_path / f"{style}_{at}.py").write_text(model_source(schema, style=style))
    files = [str(file) for file in sorted(tmp_path.iterdir())]
    rules = ["--isolated", "--select", "E,F,W,I,B,UP,SIM,RUF,C4,PIE,RET,S,TID,PERF,N", "--target-version", "py311"]
    commands = (["ruff", "check", *rules], ["ruff", "format", "--isolated", "--check"], ["mypy"])
    for folder, command in zip((tmp_path, tmp_path, ROOT), commands, strict=True):
        done = subprocess.run(
            [sys.executable, "-m", *command, *files], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_contracts_come_back(name: str, style: Style) -> None:
    schema = SHIPPED[name]
    source = model_source(schema, style=style)
    derived = derive(executed(source)[schema["name"]], namespace=schema["namespace"])
    findings = {finding.path for finding in (*can_read(derived, schema), *can_read(schema, derived))}
    inexact = {"Dataset.popularity", "Observation.indexed_at", "Series.indexed_at", "Series.observations"}
    inexact |= {"Letter.attempts", "Letter.partition", "Letter.timestamp"}
    assert findings == {path for path in inexact if path.startswith(f"{schema['name']}.")}
    assert len(notes_of(source)) == len(findings)
    assert [field.get("doc") for field in derived["fields"]] == [field.get("doc") for field in schema["fields"]]
    assert "".join(derived["doc"].split()) == "".join(schema["doc"].split())


@pytest.mark.parametrize(
    ("model", "style"),
    [(Order, "pydantic"), (Order, "dataclass"), (Fill, "pydantic"), (Fill, "dataclass"), (Shape, "pydantic")],
    ids=["Order", "Order-dataclass", "Fill", "Fill-dataclass", "Shape"],
)
def test_derived_contracts_come_back_exactly(model: type, style: Style) -> None:
    schema = derive(model, namespace="test.it")
    printed = executed(model_source(schema, style=style))[model.__name__]
    assert derive(printed, namespace="test.it") == schema


FIXED_MONEY = {"type": "fixed", "name": "Cash", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 2}
AT = dt.datetime(2024, 5, 17, 12, 30, 0, 123000, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("schema", "value", "printed", "note"),
    [
        ("null", None, "None", ""),
        ("boolean", True, "bool", ""),
        ("int", -5, "int", "int of 32 bits"),
        ("long", 2**62, "int", ""),
        ("float", 0.5, "float", "float of 32 bits"),
        ("double", float("inf"), "float", ""),
        ("bytes", b"\xff", "bytes", ""),
        ("string", "ü", "str", ""),
        (UUID_TYPE, UUID(int=7), "UUID", ""),
        (MICROS, AT, "AwareDatetime", ""),
        ({"type": "long", "logicalType": "timestamp-millis"}, AT, "AwareDatetime", "timestamp-millis"),
        (
            {"type": "long", "logicalType": "local-timestamp-micros"},
            AT.replace(tzinfo=None),
            "datetime",
            "local-timestamp-micros, a datetime without a time zone",
        ),
        (
            {"type": "long", "logicalType": "local-timestamp-millis"},
            AT.replace(tzinfo=None),
            "datetime",
            "local-timestamp-millis, a datetime without a time zone",
        ),
        (
            {"type": "long", "logicalType": "timestamp-nanos"},
            5,
            "int",
            "long with the logical type timestamp-nanos",
        ),
        ({"type": "int", "logicalType": "date"}, dt.date(2024, 2, 29), "date", ""),
        ({"type": "int", "logicalType": "time-millis"}, dt.time(9, 30, 0, 1000), "time", "time-millis"),
        ({"type": "long", "logicalType": "time-micros"}, dt.time(9, 30, 0, 1), "time", ""),
        (MONEY, Decimal("0E-8"), "Annotated[Decimal, Field(max_digits=28, decimal_places=8)]", ""),
        (
            FIXED_MONEY,
            Decimal("-1.50"),
            "Annotated[Decimal, Field(max_digits=18, decimal_places=2)]",
            "fixed of 8 bytes, decimal",
        ),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", "bytes", "fixed of 2 bytes"),
        (
            {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"},
            b"abcdefghijkl",
            "bytes",
            "fixed of 12 bytes, duration",
        ),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "A", "E", ""),
        ({"type": "array", "items": ["null", MONEY]}, [None], "list[Annotated[Decimal | None, Field(", ""),
        ({"type": "map", "values": {"type": "array", "items": "long"}}, {"a": [1]}, "dict[str, list[int]]", ""),
        (["null", "long", "string"], "x", "int | str | None", ""),
        (["string"], "x", "str", ""),
        (["int", "long"], 5, "int", "int of 32 bits"),
    ],
    ids=str,
)
@pytest.mark.parametrize("style", STYLES)
def test_what_becomes_of_a_type(schema: Any, value: Any, printed: str, note: str, style: Style) -> None:
    definition = record({"name": "a", "type": schema})
    source = model_source(definition, style=style)
    assert line_of(source, "a").startswith(f"a: {printed}")
    assert (f"# Avro: {note}" in notes_of(source)) if note else not notes_of(source)
    avro = AvroSchema(definition, "test")
    decoded = avro.decode(avro.encode({"a": value}))
    model = executed(source)["R"]
    assert TypeAdapter(model).dump_python(TypeAdapter(model).validate_python(decoded)) == decoded == {"a": value}


def test_a_model_holds_to_the_digits_of_a_decimal_that_may_be_null() -> None:
    model = executed(model_source(record({"name": "a", "type": ["null", MONEY]})))["R"]
    with pytest.raises(ValidationError, match="no more than 8 decimal places"):
        model(a=Decimal("0.000000001"))


@pytest.mark.parametrize(
    ("schema", "default", "printed"),
    [
        ("double", -0.5, "-0.5"),
        ("string", "it's", '"it\'s"'),
        ("bytes", "\xff'", 'b"\\xff\'"'),
        (UUID_TYPE, "00000000-0000-0000-0000-000000000007", 'UUID("00000000-0000-0000-0000-000000000007")'),
        (MICROS, -1, "datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)"),
        (MICROS, 0, "datetime(1970, 1, 1, tzinfo=UTC)"),
        (
            {"type": "long", "logicalType": "timestamp-millis"},
            1500,
            "datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC)",
        ),
        ({"type": "int", "logicalType": "date"}, 19_782, "date(2024, 2, 29)"),
        ({"type": "int", "logicalType": "time-millis"}, 34_200_000, "time(9, 30)"),
        ({"type": "long", "logicalType": "time-micros"}, 0, "time(0)"),
        (MONEY, "\xff", 'Decimal("-0.00000001")'),
        ({"type": "fixed", "name": "F", "size": 1}, "\x00", 'b"\\x00"'),
        ({"type": "map", "values": ["null", "long"]}, {"a'b": 1, "c": None}, '{"a\'b": 1, "c": None}'),
        (record(name="P"), {}, "P()"),
        (["string", "null"], "x", '"x"'),
        (["null", "string"], "x", '"x"'),
        (
            record({"name": "x", "type": "long"}, {"name": "y", "type": ["null", "long"], "default": None}, name="P"),
            {"x": 1},
            "P(x=1)",
        ),
    ],
    ids=str,
)
def test_defaults(schema: Any, default: Any, printed: str) -> None:
    definition = record({"name": "a", "type": schema, "default": default})
    source = model_source(definition)
    assert dense(source).endswith(dense(f" = {printed}"))
    derived = derive(executed(source)["R"])
    assert "default" in derived["fields"][0]
    assert not [finding for finding in can_read(derived, record()) if finding.rule == "default-type"]


@pytest.mark.parametrize(
    ("schema", "default", "why"),
    [
        ("double", float("inf"), "default inf left out: it is no double"),
        ("int", 2**31, "default 2147483648 left out: it does not fit int"),
        (UUID_TYPE, "x", "default 'x' left out: badly formed"),
        (MICROS, 2**62, "default 4611686018427387904 left out: date value out of range"),
        ({"type": "long", "logicalType": "time-micros"}, 86_400_000_000, "left out: it is no time of a day"),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, 0, "has no default without a time zone"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 2}, "\x64", "left out: it has more than 2 digits"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "B", "default 'B' left out: it is no enum"),
        (record({"name": "x", "type": "long"}, name="P"), {}, "default {} left out: x is missing"),
        (["double", "long"], 1.5, "default 1.5 left out, which bus.avro.derive refuses: with a default of type float"),
    ],
    ids=str,
)
def test_defaults_that_are_left_out(schema: Any, default: Any, why: str) -> None:
    source = model_source(record({"name": "a", "type": schema, "default": default}))
    assert why in joined(source)
    assert " = " not in line_of(source, "a")
    derive(executed(source)["R"])


def test_records_of_a_union_are_told_apart_by_a_literal() -> None:
    def branch(name: str, symbol: str) -> dict[str, Any]:
        kind = {"type": "enum", "name": f"{name}Kind", "symbols": [symbol]}
        return record({"name": "kind", "type": kind, "default": symbol}, {"name": "x", "type": "long"}, name=name)

    definition = record({"name": "a", "type": [branch("Limit", "limit"), branch("Market", "market")]})
    source = model_source(definition)
    assert 'kind: Literal["limit"] = "limit"' in source
    assert not notes_of(source)
    module = executed(source)
    assert derive(module["R"]) == definition
    assert module["R"].model_validate({"a": {"kind": "market", "x": 1}}).a == module["Market"](x=1)


@pytest.mark.parametrize(
    ("union", "why"),
    [
        (["null", "string", "bytes"], "bytes and str cannot be told apart"),
        (["long", MICROS | {"type": "int", "logicalType": "time-millis"}], "int and time cannot be told apart"),
        ([record(name="A"), record(name="B")], "A, B cannot be told apart"),
        (["string", {"type": "enum", "name": "E", "symbols": ["A"]}], "Enum and str cannot be told apart"),
    ],
    ids=["text", "time", "records", "enum"],
)
def test_a_union_that_derive_refuses_is_noted(union: list[Any], why: str) -> None:
    source = model_source(record({"name": "a", "type": {"type": "array", "items": union}}))
    assert f"Avro: union that bus.avro.derive refuses: {why}" in joined(source)
    with pytest.raises(ContractError, match="told apart"):
        derive(executed(source)["R"])


def test_a_union_whose_order_is_not_kept_is_noted() -> None:
    definition = record({"name": "a", "type": ["double", "long"]})
    source = model_source(definition)
    assert "# Avro: union in the order double, long," in source
    assert can_read(definition, derive(executed(source)["R"]))
    assert not notes_of(model_source(record({"name": "a", "type": ["long", "double"]})))


def test_a_union_that_derive_puts_into_another_order_is_noted() -> None:
    definition = record({"name": "a", "type": ["double", "long"]})
    source = model_source(definition)
    assert "# Avro: union in the order double, long," in source
    assert can_read(definition, derive(executed(source)["R"]))


HOSTILE = [
    '"""\nimport os\nraise SystemExit\n"""',
    "'''\n\\",
    'ends with "',
    "ends with \\",
    '\\"""\nraise SystemExit  # ',
    "\x00\x0c\r\u2028\u202e",
    "{x} %s \\N{BULLET} \\x41",
    "a\n    # Avro: b\n\n  c",
    " " * 100 + "x" * 200 + "\ttab  ",
    "]\n\nraise SystemExit\n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("style", STYLES)
def test_no_text_becomes_code(text: str, style: Style) -> None:
    enum = {"type": "enum", "name": "E", "symbols": ["A"], "doc": text, "aliases": [text]}
    definition = record(
        {"name": "a", "type": "string", "doc": text, "default": text, "aliases": [text]},
        {"name": "b", "type": {"type": "map", "values": "string"}, "default": {text: text}},
        {"name": "c", "type": ["null", enum], "default": None},
        {"name": "d", "type": {"type": "long", "logicalType": text}},
        {"name": "e", "type": "bytes", "default": "".join(each for each in text if ord(each) < 256)},
        doc=text,
        aliases=[text],
    )
    source = model_source(definition, style=style)
    statements = {type(each) for each in ast.walk(ast.parse(source)) if isinstance(each, ast.stmt)}
    assert statements <= {ast.Expr, ast.ImportFrom, ast.ClassDef, ast.Assign, ast.AnnAssign}
    module = executed(source)
    fields = {field["name"]: field for field in derive(module["R"])["fields"]}
    assert (fields["a"]["doc"], fields["a"]["default"], fields["a"]["aliases"]) == (text, text, [text])
    assert fields["e"]["default"] == definition["fields"][4]["default"]
    assert (module["R"].__avro_aliases__, module["E"].__avro_aliases__) == ((text,), (text,))
    # Lines that are too long are broken at spaces; nothing else is lost.
    assert "".join(inspect.cleandoc(module["R"].__doc__ or "").split()) == "".join(inspect.cleandoc(text).split())


@pytest.mark.parametrize(
    "name", ["a b", "a-b", "a\n", "a.b", "", "1a", "ä", "a:int=__import__('os')", 5, None], ids=repr
)
def test_names_that_are_none_are_refused(name: Any) -> None:
    with pytest.raises(ContractError):
        model_source(record({"name": name, "type": "long"}))
    for kind in ({"type": "record", "fields": []}, {"type": "enum", "symbols": ["A"]}, {"type": "fixed", "size": 1}):
        if name != "a.b":  # a name with its namespace
            with pytest.raises(ContractError):
                model_source(record({"name": "a", "type": {**kind, "name": name}}))
    with pytest.raises(ContractError):
        model_source(record({"name": "a", "type": {"type": "enum", "name": "E", "symbols": [name]}}))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("string", "is no record, and a model has fields"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "schema E is of type enum"),
        (record({"name": "a", "type": "long"}, {"name": "a", "type": "string"}), "field a is there twice"),
        (record({"name": "a", "type": []}), "a union has no types"),
        (record({"name": "a", "type": {"type": "bytes", "logicalType": "decimal"}}), "decimal has precision None"),
        (record({"name": "a", "type": "R"}), "contains itself"),
        (record({"name": "a", "type": {"type": "enum", "name": "E", "symbols": []}}), "enum has no symbols"),
        (record(aliases="x"), "R: aliases must be a list of texts, not 'x'"),
    ],
    ids=["text", "enum", "twice", "union", "decimal", "cycle", "symbols", "aliases"],
)
def test_schemas_that_are_refused(schema: Any, why: str) -> None:
    with pytest.raises(ContractError, match=why):
        model_source(schema)


def test_a_style_that_is_unknown() -> None:
    style: Any = "attrs"
    with pytest.raises(ContractError, match="style 'attrs' is unknown; take one of pydantic, dataclass"):
        model_source(TRADE, style=style)


TAKEN = [
    "dict",
    "class",
    "None",
    "_x",
    "__x",
    "json",
    "copy",
    "schema",
    "model_config",
    "model_dump_json",
    "model_validate_x",
]


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("style", STYLES)
def test_names_that_python_does_not_take_get_an_alias(name: str, style: Style) -> None:
    definition = record({"name": name, "type": "long"}, {"name": "x", "type": "long"}, {"name": "x_", "type": "long"})
    source = model_source(definition, style=style)
    model = executed(source)["R"]
    data = {name: 1, "x": 2, "x_": 3}
    value = TypeAdapter(model).validate_python(data)
    assert TypeAdapter(model).dump_python(value, by_alias=True) == data
    derived = derive(model)
    assert can_read(derived, definition) == ()
    if derived["fields"][0]["name"] != name:
        assert f"# Avro: called {name}" in notes_of(source)


@pytest.mark.parametrize("style", STYLES)
def test_fields_called_like_types_do_not_hide_them(style: Style) -> None:
    names = ["str", "int", "list", "bool", "bytes", "float", "date", "time", "datetime", "UUID", "Decimal"]
    names += ["Side", "Field", "Annotated", "UTC", "field", "dataclass", "BaseModel"]
    types: list[Any] = ["string", "long", {"type": "array", "items": "long"}, {"type": "map", "values": "long"}]
    types += ["boolean", "bytes", "double", {"type": "int", "logicalType": "date"}, UUID_TYPE, MICROS, MONEY]
    side = {"type": "enum", "name": "Side", "symbols": ["BUY"]}
    fields = [{"name": name, "type": types[at % len(types)]} for at, name in enumerate(names)]
    fields += [{"name": "side", "type": side, "default": "BUY"}, {"name": "other", "type": ["null", "Side"]}]
    definition = record(*fields, name="BaseModel_")
    source = model_source(definition, style=style)
    derived = derive(executed(source)["BaseModel_"])
    assert [field["name"] for field in derived["fields"]] == [field["name"] for field in fields]
    assert not can_read(derived, definition)
    assert not can_read(definition, derived)
    assert "Side_ = Side\n" in source


def test_types_of_two_namespaces_with_one_name() -> None:
    inner = record({"name": "x", "type": "long"}, name="R", namespace="other", aliases=["Q"])
    definition = record({"name": "a", "type": inner}, {"name": "b", "type": "other.R"}, namespace="own")
    source = model_source(definition)
    assert "# Avro: called own.R" in notes_of(source)
    assert "# Avro: in the namespace other" in notes_of(source)
    module = executed(source)
    assert '__avro_aliases__ = ("other.Q",)' in source
    assert can_read(derive(module["R_"], namespace="own"), definition) == ()


@pytest.mark.parametrize("kind", ["array", "map"])
def test_nesting_as_deep_as_a_contract_may(kind: str) -> None:
    inner: Any = "long"
    for _ in range(62):
        inner = {"type": kind, "items" if kind == "array" else "values": inner}
    model = executed(model_source(record({"name": "a", "type": inner})))["R"]
    assert derive(model)["fields"][0]["type"] == inner
