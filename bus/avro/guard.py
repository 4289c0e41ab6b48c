"""Which values fit a schema, looked at before they are written: fastavro would write many others as something else.

It cuts a float for an int field, takes any value for a boolean or a null, reads text for a double, lets 32-bit fields
overflow, drops fields that the schema does not have and the zone of a time of day, takes naive datetimes for local
time, makes a list of a dict or of bytes, and writes numbers for dates and texts for UUIDs that nobody can read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastavro import validation

from bus.avro.leaves import NATIVE, Fits, Leaf, leaf, logical_of

NOTHING: Any = object()
"""Stands for a field that is missing and that the encoder does not fill in."""

_VALIDATE = {"strict": False, "disable_tuple_notation": False}
_NAMED = frozenset({"record", "error", "enum", "fixed"})
_PRIMITIVE = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


def compiled_guard(parsed: Any) -> Fits:
    """Whether a value fits a parsed schema (names in full, no cycles): then it comes back as it was.

    What fastavro refuses by itself (a lone surrogate, a symbol that is none, a fixed of another length) may pass.
    """
    return _Compiler(definitions(parsed)).compiled(parsed).fits


def definitions(parsed: Any) -> dict[str, Any]:
    """The named types that are defined in a schema, by name."""
    found: dict[str, Any] = {}
    left = [parsed]
    while left:
        schema = left.pop()
        if isinstance(schema, list):
            left += schema
        elif isinstance(schema, dict):
            if schema["type"] in _NAMED and schema["name"] not in _PRIMITIVE:
                found[schema["name"]] = schema
            left += [field["type"] for field in schema.get("fields", ())]
            left += [schema[key] for key in ("items", "values") if key in schema]
    return found


def filled(field: Mapping[str, Any]) -> Any:
    """What the encoder writes where the field is missing; `NOTHING` when it refuses."""
    if "default" not in field:
        return None if "null" in field["type"] else NOTHING
    default = field["default"]
    if field["type"] in ("float", "double") and isinstance(default, str):
        return float(default)  # JSON has no NaN
    return default


def branch_of(value: Any, branches: list[Any], named: Mapping[str, Any]) -> int | None:
    """Which branch of a union the encoder writes a value to; `None` when it refuses.

    The first that takes it; of records the one with most of its fields, and a double before a float. A tuple says
    (name of the branch, value).
    """
    if isinstance(value, tuple):
        names = [branch_name(branch) for branch in branches]
        return names.index(value[0]) if len(value) == 2 and value[0] in names else None
    try:
        return _first_that_fits(value, branches, named)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError):
        return None  # what is meant for one branch can make the encoder's look at another raise


def _first_that_fits(value: Any, branches: list[Any], named: Mapping[str, Any]) -> int | None:
    best, most, is_float = None, -1, False
    for at, branch in enumerate(branches):
        kind = _kind(branch)
        if is_float:
            if kind == "double":
                return at
        elif validation._validate(value, branch, named, "", False, _VALIDATE):
            schema = resolved(branch, named)
            if _kind(schema) == "record":
                if (count := len({field["name"] for field in schema["fields"]} & set(value))) > most:
                    best, most = at, count
            elif kind == "float":
                best, is_float = at, True
            else:
                return at
    return best


def branch_name(branch: Any) -> Any:
    """What a tuple calls the branch."""
    kind = _kind(branch)
    return branch["name"] if kind in _NAMED else kind


def resolved(schema: Any, named: Mapping[str, Any]) -> Any:
    """The type itself, where a schema has its name."""
    return named.get(schema, schema) if isinstance(schema, str) else schema


def is_raw(schema: Any, value: Any) -> bool:
    """Whether the value is of the plain type below a logical one: it comes back as of the logical one."""
    logical = logical_of(schema)
    return logical is not None and not isinstance(value, NATIVE[schema["type"], logical])


class _Compiler:
    """One pass over a schema; a named type is compiled once."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._done: dict[str, Leaf] = {}

    def compiled(self, schema: Any) -> Leaf:
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, str):
            return self._named_type(self._named[schema]) if schema in self._named else leaf(schema)
        match schema["type"]:
            case "array":
                return _array(self.compiled(schema["items"]))
            case "map":
                return _map(self.compiled(schema["values"]))
            case "record" | "error" | "enum" | "fixed":
                return self._named_type(schema)
        return leaf(schema)

    def _named_type(self, schema: Mapping[str, Any]) -> Leaf:
        name = schema["name"]
        if name not in self._done:
            self._done[name] = leaf(schema) if schema["type"] in ("enum", "fixed") else self._record(schema)
        return self._done[name]

    def _record(self, schema: Mapping[str, Any]) -> Leaf:
        fields = []
        for field in schema["fields"]:
            inner = self.compiled(field["type"])
            may_miss = (given := filled(field)) is not NOTHING and inner.fits(given)
            fields.append((field["name"], inner.fits, inner.fine, may_miss))

        def fits(data: Any) -> bool:
            # The check of an abstract class costs as much as a small record's encoding.
            if type(data) is not dict and not isinstance(data, Mapping):
                return False
            found = 0
            for name, check, fine, may_miss in fields:
                if name in data:
                    found += 1
                    if type(value := data[name]) is not fine and not check(value):
                        return False
                elif not may_miss:
                    return False
            return found == len(data)  # no strange one among them

        return Leaf(fits)

    def _union(self, branches: list[Any]) -> Leaf:
        leaves = [self.compiled(branch) for branch in branches]
        checks = [each.fits for each in leaves]
        others = [each for each, branch in zip(leaves, branches, strict=True) if branch != "null"]
        optional, only = len(others) < len(leaves), others[0].fits if len(others) == 1 else None
        types = [resolved(branch, self._named) for branch in branches]

        def named(value: tuple[Any, ...]) -> bool:
            at = branch_of(value, branches, self._named)
            return at is not None and checks[at](value[1])

        def fits(value: Any) -> bool:
            if only is not None:  # the encoder looks itself whether the value is of this type
                return (optional and value is None) or (named(value) if isinstance(value, tuple) else only(value))
            if isinstance(value, tuple):
                return named(value)
            at = branch_of(value, branches, self._named)
            if at is None or not checks[at](value):
                return False
            # A raw value is not written where another branch has it as it is.
            return not is_raw(types[at], value) or not any(
                check(value) and not is_raw(other, value) for check, other in zip(checks, types, strict=True)
            )

        return Leaf(fits, others[0].fine if only is not None else None)


def _array(items: Leaf) -> Leaf:
    check, fine = items.fits, items.fine

    def fits(data: Any) -> bool:
        if type(data) is not list:
            return False
        return (fine is not None and {*map(type, data)} <= {fine}) or all(map(check, data))

    return Leaf(fits)


def _map(values: Leaf) -> Leaf:
    check, fine = values.fits, values.fine

    def fits(data: Any) -> bool:
        return isinstance(data, Mapping) and all(
            isinstance(key, str) and (type(value) is fine or check(value)) for key, value in data.items()
        )

    return Leaf(fits)


def _kind(schema: Any) -> Any:
    return "union" if isinstance(schema, list) else schema if isinstance(schema, str) else schema["type"]
