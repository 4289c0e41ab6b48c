"""The Python type of each Avro type, and what it leaves unsaid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import make_dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Union
from uuid import UUID

from bus.avro.compatibility import can_read
from bus.avro.compatibility.tree import PRIMITIVES
from bus.avro.derive.members import NO_DEFAULT
from bus.avro.derive.unions import branches
from bus.errors import ContractError
from ops.contracts.model.names import Names
from ops.contracts.model.source import quoted

_PLAIN: dict[tuple[str, str], tuple[Any, str]] = {
    ("null", ""): (type(None), ""),
    ("boolean", ""): (bool, ""),
    ("int", ""): (int, "int of 32 bits"),
    ("long", ""): (int, ""),
    ("float", ""): (float, "float of 32 bits"),
    ("double", ""): (float, ""),
    ("bytes", ""): (bytes, ""),
    ("string", ""): (str, ""),
    ("string", "uuid"): (UUID, ""),
    ("int", "date"): (dt.date, ""),
    ("int", "time-millis"): (dt.time, "time-millis"),
    ("long", "time-micros"): (dt.time, ""),
    ("long", "timestamp-millis"): (dt.datetime, "timestamp-millis"),
    ("long", "timestamp-micros"): (dt.datetime, ""),
    ("long", "local-timestamp-millis"): (dt.datetime, "local-timestamp-millis, a datetime without a time zone"),
    ("long", "local-timestamp-micros"): (dt.datetime, "local-timestamp-micros, a datetime without a time zone"),
}
"""The type of decoded values, and the note for what `derive` cannot say."""

_SAMPLES = {float: 0.0, dt.date: dt.date(1970, 1, 1), UUID: UUID(int=0)}
"""Defaults of the types that may not come first in every union."""


class Type(NamedTuple):
    """A type as it is printed.

    Attributes:
        text: Without the constraints.
        constraints: Arguments of the `Field` that it needs.
        kind: What stands for it where `derive` looks at a union.
    """

    text: str
    constraints: tuple[str, ...]
    kind: Any


class Types:
    """Types for one source; each method appends to `notes` what the type leaves unsaid."""

    def __init__(self, names: Names, named: Mapping[str, Mapping[str, Any]]) -> None:
        self._names = names
        self._scope = names.scope
        self._named = named
        self._kinds: dict[str, Any] = {}

    def of(self, schema: Any, notes: list[str]) -> Type:
        """The type of a schema in any place but directly in a field."""
        if isinstance(schema, list):
            kind, kinds = self.of_union(schema, notes)
            notes += union_notes(schema, kinds)
            return kind
        if isinstance(schema, str):
            schema = self._named.get(schema, {"type": schema})
        match schema["type"]:
            case "record":
                return Type(self._names.references[schema["name"]], (), self._record_kind(schema))
            case "enum":
                return self._enum(schema)
            case "array":
                inner = self.annotation(self.of(schema["items"], notes))
                return Type(f"{self._builtin(list)}[{inner}]", (), list[int])
            case "map":
                inner = self.annotation(self.of(schema["values"], notes))
                return Type(f"{self._builtin(dict)}[{self._builtin(str)}, {inner}]", (), dict[str, int])
        return self._plain(schema, notes)

    def of_union(self, schema: Sequence[Any], notes: list[str]) -> tuple[Type, list[Any]]:
        """The type of a union, and what stands for each of its branches; without notes on the union itself."""
        types = [self.of(branch, notes) for branch in schema]
        texts = dict.fromkeys(self.annotation(each) for each in types if each.text != "None")
        nullable = ["None"] if any(each.text == "None" for each in types) else []
        kinds = [each.kind for each in types]
        if not texts:
            notes.append("union of nothing but null")
        if len(texts) == 1:
            only = next(each for each in types if each.text != "None")
            return Type(" | ".join([only.text, *nullable]), only.constraints, only.kind), kinds
        return Type(" | ".join([*texts, *nullable]), (), None), kinds

    def annotation(self, kind: Type) -> str:
        """The text with its constraints."""
        if not kind.constraints:
            return kind.text
        field = f"{self._scope.imported('Field')}({', '.join(kind.constraints)})"
        return f"{self._scope.imported('Annotated')}[{kind.text}, {field}]"

    def _enum(self, schema: Mapping[str, Any]) -> Type:
        symbols: Any = tuple(schema["symbols"])
        text = self._names.references[schema["name"]]
        if schema["name"] in self._names.literals:
            text = f"{self._scope.imported('Literal')}[{', '.join(map(quoted, symbols))}]"
        return Type(text, (), Literal[symbols])

    def _record_kind(self, schema: Mapping[str, Any]) -> Any:
        """A class with the fields by which `derive` tells records of a union apart."""
        name = schema["name"]
        if name not in self._kinds:
            telling = [
                (self._names.fields[name][field["name"]], self.of(field["type"], []).kind)
                for field in schema["fields"]
                if isinstance(field["type"], dict) and field["type"].get("name") in self._names.literals
            ]
            self._kinds[name] = make_dataclass(self._names.classes[name], telling)
        return self._kinds[name]

    def _plain(self, schema: Mapping[str, Any], notes: list[str]) -> Type:
        kind, logical = schema["type"], schema.get("logicalType")
        logical = logical if isinstance(logical, str) else ""
        if kind == "fixed":
            notes.append(f"fixed of {schema['size']} bytes" + (f", {logical}" if logical else ""))
        if logical == "decimal" and kind in ("bytes", "fixed"):
            digits, places = schema["precision"], schema.get("scale") or 0
            constraints = (f"max_digits={int(digits)}", f"decimal_places={int(places)}")
            return Type(self._scope.imported("Decimal"), constraints, Decimal)
        if kind == "fixed":
            return Type(self._builtin(bytes), (), bytes)
        if (kind, logical) not in _PLAIN:
            notes.append(f"{kind} with the logical type {logical}")
            logical = ""
        python, note = _PLAIN[kind, logical]
        notes += [note] if note else []
        if python is type(None):
            return Type("None", (), python)
        if python is dt.datetime and not logical.startswith("local-"):
            return Type(self._scope.imported("AwareDatetime"), (), python)
        return Type(self._scope.imported(python.__name__), (), python)

    def _builtin(self, kind: type) -> str:
        return self._scope.imported(kind.__name__)


def union_notes(schema: Sequence[Any], kinds: Sequence[Any], first: Any = None) -> list[str]:
    """What `derive` makes otherwise of a union; see `refusal` and `order_note`."""
    if (why := refusal(kinds, first)) is not None:
        return [f"union that bus.avro.derive refuses: {why}"]
    note = order_note(schema, kinds, first)
    return [] if note is None else [note]


def refusal(kinds: Sequence[Any], first: Any = None) -> str | None:
    """Why `derive` refuses a union.

    Args:
        kinds: What stands for each branch.
        first: What stands for the branch of a default, `None` without one.
    """
    try:
        branches(Union[tuple(kinds)], _SAMPLES.get(first, NO_DEFAULT), "")  # noqa: UP007
    except ContractError as error:
        return str(error).removeprefix(": ")
    return None


def order_note(schema: Sequence[Any], kinds: Sequence[Any], first: Any = None) -> str | None:
    """Whether a union, or what `derive` makes of it, has a type that an earlier one takes by promotion.

    Args:
        schema: Its branches.
        kinds: What stands for each; not refused.
        first: What stands for the branch of a default, `None` without one.
    """
    ordered = branches(Union[tuple(kinds)], _SAMPLES.get(first, NO_DEFAULT), "")  # noqa: UP007
    unnamed = [(kind, branch) for kind, branch in zip(kinds, schema, strict=True) if _is_primitive(branch)]
    derived = [branch for kind in ordered for own, branch in unnamed if own == kind]
    written = [branch for _, branch in unnamed]
    if not any(can_read(order, branch) for order in (written, derived) for branch in written):
        return None
    names = ", ".join(branch if isinstance(branch, str) else str(branch.get("logicalType")) for branch in written)
    return f"union in the order {names}, in which a reader with another schema takes the first that fits"


def _is_primitive(branch: Any) -> bool:
    return (branch if isinstance(branch, str) else branch["type"]) in PRIMITIVES
