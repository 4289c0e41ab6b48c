"""Which Avro schemas are let in, whoever wrote them: small values of the others could stall or kill a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bus.errors import ContractError

NESTING_MAX = 64
SCHEMA_BYTES_MAX = 262_144


def admit(schema: Any, name: str) -> None:
    """Lets a parsed schema in (names in full, as fastavro's `parse_schema` gives them).

    Refused are: cycles (a 9 KB value of a recursive schema overflows the C stack of the decoder, which no exception
    can catch), arrays whose items take no bytes (a count of 10^9 costs 5 bytes), and nesting over 64.

    Raises:
        ContractError: Names the place and the reason.
    """
    _Walk().size(schema, name, (), 0)


@dataclass(slots=True)
class _Size:
    """What the walk learns of a schema: whether its values can be empty, and how deep it nests."""

    bytes_min: int
    height: int


class _Walk:
    """One pass over a schema; a named type is walked once, or a small schema could name 2^64 paths."""

    def __init__(self) -> None:
        self._done: dict[str, _Size] = {}

    def size(self, schema: Any, path: str, inside: tuple[str, ...], depth: int) -> _Size:
        if isinstance(schema, str):
            if schema in inside:
                raise ContractError(f"schema {path}: {schema} contains itself; use ids instead of nesting")
            size = self._done.get(schema) or _Size(0 if schema == "null" else 1, 0)
        elif isinstance(schema, list):
            branches = [self._checked(branch, path, inside, depth) for branch in schema]
            size = _Size(1, 1 + max((b.height for b in branches), default=0))  # one byte: the branch's number
        else:
            size = self._complex(schema, path, inside, depth)
        if depth + size.height > NESTING_MAX:
            raise ContractError(f"schema {path}: nested deeper than {NESTING_MAX}; flatten it")
        return size

    def _checked(self, schema: Any, path: str, inside: tuple[str, ...], depth: int) -> _Size:
        if depth >= NESTING_MAX:
            raise ContractError(f"schema {path}: nested deeper than {NESTING_MAX}; flatten it")
        return self.size(schema, path, inside, depth + 1)

    def _complex(self, schema: Mapping[str, Any], path: str, inside: tuple[str, ...], depth: int) -> _Size:
        kind = schema["type"]
        if kind in ("record", "error"):
            within = (*inside, schema["name"])
            fields = [self._checked(f["type"], f"{path}.{f['name']}", within, depth) for f in schema["fields"]]
            size = _Size(max((f.bytes_min for f in fields), default=0), 1 + max((f.height for f in fields), default=0))
        elif kind == "array":
            items = self._checked(schema["items"], f"{path}[]", inside, depth)
            if items.bytes_min == 0:
                raise ContractError(f"schema {path}: array items take no bytes; give them a field, or use a count")
            size = _Size(1, 1 + items.height)
        elif kind == "map":
            size = _Size(1, 1 + self._checked(schema["values"], f"{path}{{}}", inside, depth).height)
        elif kind in ("fixed", "enum"):
            size = _Size(min(int(schema.get("size", 1)), 1), 0)
        else:
            return self._checked(kind, path, inside, depth)
        if "name" in schema:
            self._done[schema["name"]] = size
        return size
