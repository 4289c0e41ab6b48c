"""Random schemas, values for them, and changes to them."""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

_LOGICAL: list[dict[str, Any]] = [
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "int", "logicalType": "date"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 4},
]
_PRIMITIVES = ["boolean", "int", "long", "float", "double", "bytes", "string"]
_SYMBOLS = ["A", "B", "C", "D"]
# In an order in which the first that takes a value is the one that is meant.
_UNION_KINDS = ["boolean", "long", "double", "string"]
_DEFAULTS: dict[str, Any] = {"boolean": True, "int": 1, "long": 2, "float": 1.5, "double": 2.5, "string": "x"}
_DEPTH_MAX = 3
_DAYS = dt.timedelta(days=40_000)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@st.composite
def schemas(draw: Draw) -> dict[str, Any]:
    """A record with a few fields of anything; every named type is defined and used once."""
    return _record(draw, iter(range(1_000)), 0)


def _record(draw: Draw, numbers: Iterator[int], depth: int) -> dict[str, Any]:
    name = f"R{next(numbers)}"
    fields = [{"name": f"f{at}", "type": _schema(draw, numbers, depth + 1)} for at in range(draw(st.integers(1, 3)))]
    return {"type": "record", "name": name, "fields": fields}


def _schema(draw: Draw, numbers: Iterator[int], depth: int) -> Any:
    simple = ["primitive", "primitive", "logical", "enum", "fixed"]
    kind = draw(st.sampled_from(simple if depth >= _DEPTH_MAX else [*simple, "record", "array", "map", "union"]))
    match kind:
        case "primitive":
            return draw(st.sampled_from(_PRIMITIVES))
        case "logical":
            return dict(draw(st.sampled_from(_LOGICAL)))
        case "enum":
            symbols = draw(st.lists(st.sampled_from(_SYMBOLS), min_size=1, unique=True))
            default = {"default": symbols[0]} if draw(st.booleans()) else {}
            return {"type": "enum", "name": f"E{next(numbers)}", "symbols": symbols, **default}
        case "fixed":
            return {"type": "fixed", "name": f"F{next(numbers)}", "size": draw(st.integers(1, 4))}
        case "record":
            return _record(draw, numbers, depth)
        case "array":
            return {"type": "array", "items": _schema(draw, numbers, depth + 1)}
        case "map":
            return {"type": "map", "values": _schema(draw, numbers, depth + 1)}
    branches: list[Any] = draw(st.lists(st.sampled_from(_UNION_KINDS), max_size=2, unique=True))
    branches.sort(key=_UNION_KINDS.index)
    if draw(st.booleans()):
        branches.append(_record(draw, numbers, depth))
    return ["null", *branches]


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Values that come back equal."""
    if isinstance(schema, list):
        return st.one_of([values(branch) for branch in schema])
    kind = schema if isinstance(schema, str) else schema.get("logicalType", schema["type"])
    match kind:
        case "record":
            return st.fixed_dictionaries({field["name"]: values(field["type"]) for field in schema["fields"]})
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "map":
            return st.dictionaries(st.text(max_size=3), values(schema["values"]), max_size=3)
        case "enum":
            return st.sampled_from(schema["symbols"])
        case "fixed":
            return st.binary(min_size=schema["size"], max_size=schema["size"])
        case "decimal":
            scale = schema["scale"]
            return st.integers(-(10**9) + 1, 10**9 - 1).map(lambda number: Decimal(number).scaleb(-scale))
    return _SIMPLE[kind]


_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, width=32),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=5),
    "string": st.text(max_size=5),
    "timestamp-micros": st.timedeltas(-_DAYS, _DAYS).map(lambda since: _EPOCH + since),
    "timestamp-millis": st.integers(-(10**12), 10**12).map(lambda ms: _EPOCH + dt.timedelta(milliseconds=ms)),
    "time-micros": st.times(),
    "date": st.dates(),
    "uuid": st.integers(0, 2**128 - 1).map(lambda number: uuid.UUID(int=number)),
}


def _nodes(schema: Any, put: Callable[[Any], None]) -> Iterator[tuple[Any, Callable[[Any], None]]]:
    """Every schema below, each with what puts another in its place."""
    yield schema, put
    if isinstance(schema, list):
        for at, branch in enumerate(schema):
            yield from _nodes(branch, lambda new, at=at: schema.__setitem__(at, new))  # type: ignore[misc]
    elif isinstance(schema, dict):
        for key in ("items", "values"):
            if key in schema:
                yield from _nodes(schema[key], lambda new, key=key: schema.__setitem__(key, new))  # type: ignore[misc]
        for field in schema.get("fields", ()):
            yield from _nodes(field["type"], lambda new, field=field: field.__setitem__("type", new))  # type: ignore[misc]


_WIDER = {"int": ["long", "float", "double"], "long": ["float", "double"], "float": ["double"], "string": ["bytes"]}


@st.composite
def compatible_changes(draw: Draw, old: dict[str, Any]) -> dict[str, Any]:
    """A schema that reads all that the old one wrote."""
    new = copy.deepcopy(old)
    records = [node for node, _ in _nodes(new, lambda _: None) if isinstance(node, dict) and "fields" in node]
    for _ in range(draw(st.integers(1, 3))):
        record = draw(st.sampled_from(records))
        fields = record["fields"]
        match draw(st.sampled_from(["add", "remove", "reorder", "rename", "widen", "nullable", "symbol"])):
            case "add":
                kind = draw(st.sampled_from(sorted(_DEFAULTS)))
                taken = {field["name"] for field in fields}
                name = next(name for at in range(100) if (name := f"new{at}") not in taken)
                fields.append({"name": name, "type": kind, "default": _DEFAULTS[kind]})
            case "remove" if len(fields) > 1:
                fields.pop(draw(st.integers(0, len(fields) - 1)))
            case "reorder":
                fields.reverse()
            case "rename":
                field = draw(st.sampled_from(fields))
                field["aliases"] = [*field.get("aliases", []), field["name"]]
                field["name"] = f"{field['name']}_"
            case "widen":
                field = draw(st.sampled_from(fields))
                if isinstance(field["type"], str) and "default" not in field:
                    field["type"] = draw(st.sampled_from([field["type"], *_WIDER.get(field["type"], [])]))
            case "nullable":
                field = draw(st.sampled_from(fields))
                if not isinstance(field["type"], list):
                    field["type"] = ["null", field["type"]]
            case "symbol":
                for node, _put in _nodes(new, lambda _: None):
                    if isinstance(node, dict) and node["type"] == "enum":
                        node["symbols"] = [*node["symbols"], f"S{len(node['symbols'])}"]
    return new


@st.composite
def changes(draw: Draw, old: dict[str, Any]) -> dict[str, Any]:
    """A schema that may or may not read what the old one wrote."""
    new: dict[str, Any] = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 2))):
        places = list(_nodes(new, lambda _: None))[1:]
        node, put = draw(st.sampled_from(places))
        if isinstance(node, dict) and draw(st.booleans()):
            _change_inside(draw, node)
        elif isinstance(node, list):
            node.reverse() if draw(st.booleans()) else node.append("bytes" if "bytes" not in node else "int")
        else:
            put(_schema(draw, iter(range(draw(st.integers(0, 3)) * 1_000, 10_000)), _DEPTH_MAX))
    return new


def _change_inside(draw: Draw, node: dict[str, Any]) -> None:
    match node["type"]:
        case "enum":
            node["symbols"] = draw(st.lists(st.sampled_from(_SYMBOLS), min_size=1, unique=True))
            node.pop("default", None)
            if draw(st.booleans()):
                node["default"] = node["symbols"][-1]
        case "fixed":
            node["size"] = draw(st.integers(1, 4))
        case "record":
            node["fields"] = [*node["fields"][1:], {"name": "late", "type": "int", "default": 0}]
        case _ if node.get("scale"):
            node["scale"] += 1
        case _:
            node.pop("logicalType", None)
    if "name" in node and draw(st.booleans()):
        node["name"] = f"n.{node['name']}"
