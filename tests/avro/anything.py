"""Schemas of every kind, and values for them: as they come back, in their raw form, or with the branch's name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

_PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL: list[dict[str, Any]] = [
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "local-timestamp-millis"},
    {"type": "long", "logicalType": "local-timestamp-micros"},
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 20},
    {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 60},
]
STRANGE: list[dict[str, Any]] = [
    {"type": "int", "logicalType": "timestamp-millis"},
    {"type": "string", "logicalType": "of-somebody"},
    {"type": "long", "logicalType": ["of-nobody"]},
    {"type": "double"},
    {"type": "null"},
]
DEPTH_MAX = 3
_DEFAULTS: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [True],
    "int": [1, 2**40, True],
    "long": [1, 2**40],
    "float": [1.5, "NaN", 2**40],
    "double": [1.5, "NaN", 2**60 + 1],
    "bytes": ["A", "é"],
    "string": ["A"],
    "enum": ["A", "Z"],
    "fixed": ["A", "ABCD"],
    "array": [[], [1]],
    "map": [{}, {"k": 1}],
    "record": [{}, {"f0": 1}],
}


class Names:
    """The named types of a schema, each to be used again once it is complete."""

    def __init__(self) -> None:
        self.done: dict[str, Any] = {}
        self.count = 0

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count - 1}"


@st.composite
def anything(draw: Draw) -> Any:
    """A record for the most part."""
    names = Names()
    return _record(draw, names, 0) if draw(st.integers(0, 9)) else schema(draw, names, 1)


def schema(draw: Draw, names: Names, depth: int) -> Any:
    simple = ["primitive", "primitive", "logical", "logical", "strange", "enum", "fixed", "decimal", "again"]
    match draw(st.sampled_from(simple if depth > DEPTH_MAX else [*simple, *("record", "array", "map", "union") * 2])):
        case "logical":
            return dict(draw(st.sampled_from(LOGICAL)))
        case "strange":
            return dict(draw(st.sampled_from(STRANGE)))
        case "enum":
            symbols = draw(st.sampled_from([["A"], ["A", "B"], [f"S{at}" for at in range(12)]]))
            return _done(names, {"type": "enum", "name": names.new("E"), "symbols": symbols})
        case "fixed":
            return _done(names, {"type": "fixed", "name": names.new("F"), "size": draw(st.integers(1, 4))})
        case "decimal":
            decimal = {"type": "fixed", "name": names.new("F"), "size": draw(st.sampled_from([2, 4, 9]))}
            digits = {"logicalType": "decimal", "precision": 4, "scale": draw(st.integers(0, 4))}
            return _done(names, decimal | digits)
        case "again" if names.done:
            return draw(st.sampled_from(sorted(names.done)))
        case "record":
            return _record(draw, names, depth)
        case "array":
            items = schema(draw, names, depth + 1)
            return {"type": "array", "items": "long" if items in ("null", {"type": "null"}) else items}
        case "map":
            return {"type": "map", "values": schema(draw, names, depth + 1)}
        case "union":
            branches = [schema(draw, names, depth + 1) for _ in range(draw(st.integers(1, 4)))]
            return ["null", *branches] if draw(st.booleans()) else branches
    return draw(st.sampled_from(_PRIMITIVES))


def _record(draw: Draw, names: Names, depth: int) -> Any:
    fields: list[dict[str, Any]] = []
    name = names.new("R")
    for at in range(draw(st.integers(1, 4))):
        field = {"name": f"f{at}", "type": schema(draw, names, depth + 1)}
        if draw(st.integers(0, 3)) == 0:
            field["default"] = draw(st.sampled_from(_defaults(field["type"])))
        fields.append(field)
    return _done(names, {"type": "record", "name": name, "fields": fields})


def _defaults(schema: Any) -> list[Any]:
    """What the parser lets in, right or wrong."""
    if isinstance(schema, list):
        return _defaults(schema[0])
    if isinstance(schema, str):
        return _DEFAULTS.get(schema, [None, 1, "A"])
    return [1.5] if schema == {"type": "double"} else _DEFAULTS[schema["type"]]


def _done(names: Names, named: dict[str, Any]) -> Any:
    names.done[named["name"]] = named
    return named


def definitions(schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(schema, list):
        for branch in schema:
            found |= definitions(branch)
    elif isinstance(schema, dict):
        if "name" in schema:
            found[schema["name"]] = schema
        for inner in (*(f["type"] for f in schema.get("fields", ())), schema.get("items"), schema.get("values")):
            found |= definitions(inner)
    return found


@st.composite
def fitting(draw: Draw, schema: Any, *, plain: bool = False) -> Any:
    """A value that fits, or nearly: which branch of a union takes it is left to chance.

    `plain` is one that comes back of the same type, and no tuple.
    """
    return _Values(draw, definitions(schema), plain).of(schema)


class _Values:
    def __init__(self, draw: Draw, named: dict[str, Any], plain: bool) -> None:
        self.draw, self.named, self.plain = draw, named, plain

    def of(self, schema: Any) -> Any:
        draw = self.draw
        if isinstance(schema, list):
            return self.of_union(schema)
        if isinstance(schema, str):
            return self.of(self.named[schema]) if schema in self.named else draw(PRIMITIVE[schema])
        logical = schema.get("logicalType")
        if logical == "decimal":
            return draw(decimals(schema))
        if isinstance(logical, str) and logical in NATIVE and schema not in STRANGE:
            return draw(NATIVE[logical] if self.plain or draw(st.integers(0, 4)) else RAW[logical])
        match schema["type"]:
            case "record":
                fields = [field for field in schema["fields"] if "default" not in field or draw(st.booleans())]
                return {field["name"]: self.of(field["type"]) for field in fields}
            case "array":
                return [self.of(schema["items"]) for _ in range(draw(st.integers(0, 2)))]
            case "map":
                keys = draw(st.lists(st.text(max_size=3), max_size=2))
                return {key: self.of(schema["values"]) for key in keys}
            case "enum":
                return draw(st.sampled_from(schema["symbols"]))
            case "fixed":
                return draw(st.binary(min_size=schema["size"], max_size=schema["size"]))
        return draw(PRIMITIVE[schema["type"]])

    def of_union(self, branches: list[Any]) -> Any:
        branch = self.draw(st.sampled_from(branches))
        value = self.of(branch)
        resolved = self.named.get(branch, branch) if isinstance(branch, str) else branch
        if not self.plain and not isinstance(resolved, list) and self.draw(st.integers(0, 4)) == 0:
            return (resolved if isinstance(resolved, str) else resolved.get("name", resolved["type"])), value
        return value


@st.composite
def decimals(draw: Draw, schema: Any) -> Decimal:
    scale = schema.get("scale") or 0
    places = draw(st.integers(0, scale))
    most = 10 ** min(27, schema.get("precision", 3) - scale + places) - 1
    return Decimal(draw(st.integers(-most, most))).scaleb(-places)


_DAYS = dt.timedelta(days=40_000)
_moments = st.timedeltas(-_DAYS, _DAYS).map(lambda since: dt.datetime(1970, 1, 1) + since)
_hours = st.integers(-12, 14).map(lambda hours: dt.timezone(dt.timedelta(hours=hours)))
_zoned = st.tuples(_moments, _hours).map(lambda both: both[0].replace(tzinfo=both[1]))
PRIMITIVE: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32) | st.integers(-(2**24), 2**24),
    "double": st.floats() | st.integers(-(2**53), 2**53),
    "bytes": st.binary(max_size=5),
    "string": st.text(max_size=5),
}
NATIVE: dict[str, st.SearchStrategy[Any]] = {
    "timestamp-millis": _zoned,
    "timestamp-micros": _zoned,
    "local-timestamp-millis": _moments,
    "local-timestamp-micros": _moments,
    "date": st.dates(),
    "time-millis": st.times(),
    "time-micros": st.times(),
    "uuid": st.uuids(),
}
RAW: dict[str, st.SearchStrategy[Any]] = {
    "timestamp-millis": st.integers(-(10**12), 10**13),
    "timestamp-micros": st.integers(-(10**15), 10**17),
    "local-timestamp-millis": st.integers(-(10**12), 10**13),
    "local-timestamp-micros": st.integers(-(10**15), 10**17),
    "date": st.integers(-(10**5), 10**5),
    "time-millis": st.integers(0, 86_399_999),
    "time-micros": st.integers(0, 86_399_999_999),
    "uuid": st.uuids().map(str),
}
