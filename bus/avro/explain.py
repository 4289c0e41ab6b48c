"""Why a value does not fit a schema: the place, what was expected there and what came."""

from __future__ import annotations

import datetime
import reprlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from bus.avro.admission import AVRO_NAME
from bus.avro.guard import NOTHING, branch_name, branch_of, definitions, filled, is_raw, resolved
from bus.avro.leaves import digits_of, is_text, is_whole, leaf, logical_of

_SHOWN_MAX = 40
"""In characters, of a value that came."""
_SYMBOLS_MAX = 8
_FIELDS_MAX = 16
_BRANCHES_MAX = 8
_KINDS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
    "enum": (str,),
    "bytes": (bytes, bytearray),
    "fixed": (bytes, bytearray),
    "array": (list,),
    "map": (Mapping,),
    "record": (Mapping,),
    "error": (Mapping,),
    "timestamp-millis": (int, datetime.datetime),
    "timestamp-micros": (int, datetime.datetime),
    "local-timestamp-millis": (int, datetime.datetime),
    "local-timestamp-micros": (int, datetime.datetime),
    "date": (int, datetime.date),
    "time-millis": (int, datetime.time),
    "time-micros": (int, datetime.time),
    "uuid": (str, UUID),
    "decimal": (bytes, bytearray, Decimal),
}
"""Python types of the values of a type; what is wrong with one of another type is the type."""


def explain(schema: Any, data: Any, name: str) -> str | None:
    """The first thing that is wrong with the data, or `None` when nothing is; it says so for just what `encode` takes.

    Slow on purpose: only a refused value pays.

    Args:
        schema: As fastavro's `parse_schema` gives it (names in full), without cycles.
        data: What should be written.
        name: What the path begins with.

    Returns:
        `order.legs[2].price: expected double, got str 'abc'`.
    """
    return _Explanation(definitions(schema)).wrong(schema, data, name)


class _Explanation:
    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[tuple[int, int, str], tuple[str | None, Any]] = {}

    def wrong(self, schema: Any, value: Any, path: str) -> str | None:
        if isinstance(schema, list):
            if not isinstance(value, Mapping | list | tuple):
                return self._in_union(schema, value, path)
            # A union looks into its branches up to three times: of unions inside each other, the outermost would look
            # 3^n times into the innermost. The value is kept, or another could come to have its id.
            key = id(schema), id(value), path
            if key not in self._known:
                self._known[key] = self._in_union(schema, value, path), value
            return self._known[key][0]
        schema = resolved(schema, self._named)
        match _kind(schema):
            case "record" | "error":
                return self._in_record(schema, value, path)
            case "array":
                if type(value) is not list:
                    return _text(path, "array", value)
                items = (self.wrong(schema["items"], item, f"{path}[{at}]") for at, item in enumerate(value))
                return next((wrong for wrong in items if wrong is not None), None)
            case "map":
                return self._in_map(schema, value, path)
        return None if leaf(schema).fits(value) else _text(path, _expected(schema, value), value)

    def _in_record(self, schema: Mapping[str, Any], value: Any, path: str) -> str | None:
        if not isinstance(value, Mapping):
            return _text(path, _described(schema), value)
        names = [field["name"] for field in schema["fields"]]
        for key in value:
            if key not in names:
                known = _listed(names, _FIELDS_MAX)
                return _text(f"{path}{_step(key)}", f"no such field (known: {known})", value[key])
        for field in schema["fields"]:
            wrong = self._in_field(field, value, path)
            if wrong is not None:
                return wrong
        return None

    def _in_field(self, field: Mapping[str, Any], value: Mapping[Any, Any], path: str) -> str | None:
        path = f"{path}.{field['name']}"
        if field["name"] in value:
            return self.wrong(field["type"], value[field["name"]], path)
        given = filled(field)
        if given is not NOTHING and self.wrong(field["type"], given, path) is None:
            return None
        why = "" if "default" not in field else f"; its default, {_shown(field['default'])}, cannot be written"
        return f"{path}: expected {self._list(field['type'])}, got nothing{why}"

    def _in_map(self, schema: Mapping[str, Any], value: Any, path: str) -> str | None:
        if not isinstance(value, Mapping):
            return _text(path, "map", value)
        for key, each in value.items():
            if not is_text(key):
                return _text(path, f"map with {'keys of valid Unicode' if isinstance(key, str) else 'str keys'}", key)
            wrong = self.wrong(schema["values"], each, f"{path}[{_cut(repr(key))}]")
            if wrong is not None:
                return wrong
        return None

    def _in_union(self, branches: list[Any], value: Any, path: str) -> str | None:
        at = branch_of(value, branches, self._named)
        if isinstance(value, tuple):
            return _text(path, self._list(branches), value) if at is None else self.wrong(branches[at], value[1], path)
        fit = [each for each, branch in enumerate(branches) if self.wrong(branch, value, path) is None]
        raw = {each for each in fit if is_raw(resolved(branches[each], self._named), value)}
        if at in fit and (at not in raw or len(raw) == len(fit)):
            return None
        if fit:  # the encoder would take another branch, or none
            meant = branch_name(branches[next((each for each in fit if each not in raw), fit[0])])
            return f"{_text(path, self._list(branches), value)}; say which is meant: ({meant!r}, value)"
        inside = self._meant(branches, value, path)
        return _text(path, self._list(branches), value) if inside is None else self.wrong(inside, value, path)

    def _meant(self, branches: list[Any], value: Any, path: str) -> Any | None:
        """The one branch of the value's kind, or the one record that differs from it in one field."""
        alike = [branch for each in branches if _is_alike(branch := resolved(each, self._named), value)]
        records = [branch for branch in alike if _kind(branch) in ("record", "error")]
        if len(records) > 1:
            records = [record for record in records if self._faults(record, value, path) == 1]
        chosen = records if isinstance(value, Mapping) and records else alike
        return chosen[0] if len(chosen) == 1 else None

    def _faults(self, schema: Mapping[str, Any], value: Mapping[Any, Any], path: str) -> int:
        """How many of the fields are strange, missing or wrong."""
        names = [field["name"] for field in schema["fields"]]
        return sum(key not in names for key in value) + sum(
            self._in_field(field, value, path) is not None for field in schema["fields"]
        )

    def _list(self, schema: Any) -> str:
        """Every branch of a union, or the one type."""
        branches = schema if isinstance(schema, list) else [schema]
        names = [_described(resolved(branch, self._named)) for branch in branches]
        return _listed(names, _BRANCHES_MAX) if len(names) > _BRANCHES_MAX else _alternatives(names)


def _kind(schema: Any) -> Any:
    return schema if isinstance(schema, str) else "union" if isinstance(schema, list) else schema["type"]


def _is_alike(schema: Any, value: Any) -> bool:
    types = _KINDS.get(logical_of(schema) or _kind(schema), ())
    return isinstance(value, types) and (type(value) is not bool or bool in types)


def _described(schema: Any) -> str:
    match _kind(schema):
        case "record" | "error" | "enum" as kind:
            return f"{kind} {_short(schema)}"
        case "fixed" if logical_of(schema) is None:
            return f"fixed {_short(schema)} of {schema['size']} bytes"
        case kind:
            return logical_of(schema) or str(kind)


def _expected(schema: Any, value: Any) -> str:
    """The type, with what the value lacks that is of the right kind."""
    what, kind = _described(schema), logical_of(schema) or _kind(schema)
    if kind == "enum":
        return f"{what} ({_listed(schema['symbols'], _SYMBOLS_MAX)})"
    if kind == "decimal":
        return _expected_decimal(schema, value)
    if not _is_alike(schema, value):
        return what
    match kind, value:
        case "int" | "long", _:
            return f"{what} of {32 if kind == 'int' else 64} bits"
        case "float", float():
            return "float of 32 bits"
        case "float" | "double", _:
            return f"{what} (a whole number that it holds exactly)"
        case "string", _:
            return "string of valid Unicode (no lone surrogate)"
        case "fixed", _:
            return f"{what} (not {len(value)})"
        case "uuid", _:
            return "uuid (8-4-4-4-12 hex digits)"
        case "date", datetime.datetime():
            return "date without a time of day (as .date() gives)"
        case _, datetime.time():
            return f"{what} without a time zone"
        case _, datetime.datetime() if kind.startswith("local"):
            return f"{what} without a time zone"
        case _, datetime.datetime() if value.utcoffset() is None:
            return f"{what} with a time zone (as datetime.now(UTC) has)"
    return f"{what} within a day" if kind.startswith("time-") else f"{what} of the years 1 to 9999"


def _expected_decimal(schema: Mapping[str, Any], value: Any) -> str:
    digits = digits_of(schema)
    if digits is None:
        return "decimal (which the contract gives no precision and scale)"
    if not _is_alike(schema, value):
        return "decimal (give a Decimal)"
    if isinstance(value, Decimal) and value.is_zero() and value.is_signed() and schema["type"] == "fixed":
        return "decimal (a zero without a sign)"
    precision, scale = digits
    return f"decimal of at most {precision - scale} digits before the point and {scale} after it"


def _text(path: str, expected: str, value: Any) -> str:
    return f"{path}: expected {expected}, got {_shown(value)}"


def _shown(value: Any) -> str:
    """The type and, short, the value."""
    kind = type(value).__name__
    try:
        if value is None:
            return "None"
        if is_whole(value) and value.bit_length() > 8 * _SHOWN_MAX:
            return f"{kind} of {value.bit_length()} bits"
        if isinstance(value, str | bytes):
            return f"{kind} {_cut(repr(value[:_SHOWN_MAX]) + ('...' if len(value) > _SHOWN_MAX else ''))}"
        if isinstance(value, datetime.date | datetime.time | Decimal | UUID):
            return f"{kind} {_cut(str(value))}"
        text = " ".join(reprlib.repr(value).split())
        return _cut(text) if text.startswith(f"{kind}(") else f"{kind} {_cut(text)}"
    except Exception:  # a value that cannot be shown must not hide what is wrong with it
        return kind


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."


def _step(key: Any) -> str:
    if isinstance(key, str) and AVRO_NAME.fullmatch(key):
        return f".{key}"
    return f"[{_cut(reprlib.repr(key))}]"


def _short(schema: Mapping[str, Any]) -> str:
    return str(schema["name"]).rpartition(".")[2]


def _listed(names: Iterable[Any], most: int) -> str:
    every = [str(name) for name in names]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def _alternatives(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
