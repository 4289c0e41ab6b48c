"""Which Avro schemas are let in, whoever wrote them: small values of the others could stall or kill a process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bus.errors import ContractError

AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
NESTING_MAX = 64
SCHEMA_BYTES_MAX = 262_144
UNFOLDED_MAX = 100_000
"""Places of a schema, a named type counted wherever it is used: twice in each of 60 records makes 2^60 of one."""
EMPTY_MAX = 64
"""Values in a value that take no bytes: each costs a reader time that the message's size does not bound."""
EMPTY_OF_ITEM_MAX = 4
"""The same in an item of an array or a map, of which a small message has many."""


def admit(schema: Any, name: str) -> None:
    """Lets a parsed schema in (names in full, as fastavro's `parse_schema` gives them).

    Refused are: cycles (a 9 KB value of a recursive schema overflows the C stack of the decoder, which no exception
    can catch), arrays whose items take no bytes (a count of 10^9 costs 5 bytes), values with over 64 values in them
    that take none, nesting over 64, and what unfolds to over 100,000 places. And what Avro forbids and parsers take:
    a field named twice or by no name, a union with two branches of one kind, an enum without symbols, decimals without
    a sound precision and scale.

    Raises:
        ContractError: Names the place and the reason.
    """
    _Walk().size(schema, name, (), 0)


@dataclass(slots=True)
class _Size:
    """What the walk learns of a schema.

    Attributes:
        bytes_min: 0 when a value can take none, else 1.
        height: How deep it nests.
        places: How many places it has, unfolded.
        empties: How many values that take no bytes are in one of its values.
    """

    bytes_min: int
    height: int
    places: int = 1
    empties: int = 0


_NULL, _PLAIN = _Size(0, 0, 1, 1), _Size(1, 0)


class _Walk:
    """One pass over a schema; a named type is walked once, or a small schema could name 2^64 paths."""

    def __init__(self) -> None:
        self._done: dict[str, _Size] = {}

    def size(self, schema: Any, path: str, inside: tuple[str, ...], depth: int) -> _Size:
        if isinstance(schema, str):
            if schema in inside:
                raise ContractError(f"schema {path}: {schema} contains itself; use ids instead of nesting")
            size = self._done.get(schema) or (_NULL if schema == "null" else _PLAIN)
        elif isinstance(schema, list):
            size = self._union(schema, path, inside, depth)
        else:
            size = self._complex(schema, path, inside, depth)
        if depth + size.height > NESTING_MAX:
            raise ContractError(f"schema {path}: nested deeper than {NESTING_MAX}; flatten it")
        if size.places > UNFOLDED_MAX:
            raise ContractError(f"schema {path}: unfolds to more than {UNFOLDED_MAX} places; flatten it")
        if size.empties > EMPTY_MAX:
            raise ContractError(f"schema {path}: has more than {EMPTY_MAX} values that take no bytes; leave them out")
        return size

    def _union(self, schema: Sequence[Any], path: str, inside: tuple[str, ...], depth: int) -> _Size:
        kinds = [_kind(branch) for branch in schema]
        if len(set(kinds)) < len(kinds):
            twice = next(kind for kind in kinds if kinds.count(kind) > 1)
            raise ContractError(f"schema {path}: union has two branches of {twice}; Avro allows one")
        branches = [self._checked(branch, path, inside, depth) for branch in schema]
        return _Size(
            1,  # the branch's number
            1 + max((branch.height for branch in branches), default=0),
            1 + sum(branch.places for branch in branches),
            max((b.empties for b, kind in zip(branches, kinds, strict=True) if kind != "null"), default=0),
        )

    def _checked(self, schema: Any, path: str, inside: tuple[str, ...], depth: int) -> _Size:
        if depth >= NESTING_MAX:
            raise ContractError(f"schema {path}: nested deeper than {NESTING_MAX}; flatten it")
        return self.size(schema, path, inside, depth + 1)

    def _complex(self, schema: Mapping[str, Any], path: str, inside: tuple[str, ...], depth: int) -> _Size:
        kind = schema["type"]
        if isinstance(kind, str) and kind in ("record", "error", "enum", "fixed"):
            _check_name(schema["name"], path)
        if kind in ("record", "error"):
            size = self._record(schema, path, inside, depth)
        elif kind == "array":
            items = self._checked(schema["items"], f"{path}[]", inside, depth)
            if items.bytes_min == 0:
                raise ContractError(f"schema {path}: array items take no bytes; give them a field, or use a count")
            size = _block(items, path)
        elif kind == "map":
            size = _block(self._checked(schema["values"], f"{path}{{}}", inside, depth), path)
        elif kind == "enum" and not schema["symbols"]:
            raise ContractError(f"schema {path}: enum has no symbols; give it some")
        elif kind in ("fixed", "enum"):
            size = _Size(1, 0) if int(schema.get("size", 1)) else _NULL
        else:
            size = self._checked(kind, path, inside, depth)
        if schema.get("logicalType") == "decimal":
            _check_decimal(schema, path)
        if "name" in schema:
            self._done[schema["name"]] = size
        return size

    def _record(self, schema: Mapping[str, Any], path: str, inside: tuple[str, ...], depth: int) -> _Size:
        names = [field["name"] for field in schema["fields"]]
        strange = next((name for name in names if not (isinstance(name, str) and AVRO_NAME.fullmatch(name))), None)
        if strange is not None:
            raise ContractError(f"schema {path}: {strange!r} is no name in Avro; use letters, digits and _")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ContractError(f"schema {path}: field {twice} is there twice; rename one")
        within = (*inside, schema["name"])
        fields = [self._checked(f["type"], f"{path}.{f['name']}", within, depth) for f in schema["fields"]]
        least = max((field.bytes_min for field in fields), default=0)
        return _Size(
            least,
            1 + max((field.height for field in fields), default=0),
            1 + sum(field.places for field in fields),
            sum(field.empties for field in fields) + (0 if least else 1),
        )


def _check_name(name: Any, path: str) -> None:
    """In full, the namespace included."""
    if not isinstance(name, str) or not all(AVRO_NAME.fullmatch(part) for part in name.split(".")):
        raise ContractError(f"schema {path}: {name!r} is no name in Avro; use letters, digits and _, with dots between")


def _block(items: _Size, path: str) -> _Size:
    if items.empties > EMPTY_OF_ITEM_MAX:
        raise ContractError(
            f"schema {path}: has items with more than {EMPTY_OF_ITEM_MAX} values that take no bytes; leave them out"
        )
    return _Size(1, 1 + items.height, 1 + items.places)


def _kind(branch: Any) -> str:
    """By which a union tells its branches apart: a name, or an unnamed kind."""
    if isinstance(branch, Mapping):
        return str(branch.get("name") or (branch["type"] if isinstance(branch["type"], str) else _kind(branch["type"])))
    return "a union" if isinstance(branch, list) else str(branch)


def _check_decimal(schema: Mapping[str, Any], path: str) -> None:
    """Of bytes and fixed only; on other types the annotation says nothing."""
    if schema["type"] not in ("bytes", "fixed"):
        return
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision or precision < 1:
        raise ContractError(
            f"schema {path}: decimal has precision {precision!r} and scale {scale!r}; give a precision of at least 1 "
            "and a scale from 0 to it"
        )
