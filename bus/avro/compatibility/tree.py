"""A plain JSON schema as a tree of nodes: names in full, references followed, logical types recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bus.avro.admission import NESTING_MAX
from bus.errors import ContractError

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
NAMED = frozenset({"record", "enum", "fixed"})

MISSING: Any = object()
"""Stands for a default that is not there; null is a default like any other."""

_LOGICAL = {
    "decimal": {"bytes", "fixed"},
    "big-decimal": {"bytes"},
    "uuid": {"string", "fixed"},
    "date": {"int"},
    "time-millis": {"int"},
    "time-micros": {"long"},
    "timestamp-millis": {"long"},
    "timestamp-micros": {"long"},
    "timestamp-nanos": {"long"},
    "local-timestamp-millis": {"long"},
    "local-timestamp-micros": {"long"},
    "local-timestamp-nanos": {"long"},
    "duration": {"fixed"},
}
"""Avro's logical types, and what each may annotate; elsewhere, and for any other, the specification says to ignore."""

_SHOWN_MAX = 8
_DESCRIBED_DEPTH_MAX = 3


@dataclass(slots=True, eq=False)
class Field:
    """A field of a record, with the JSON of its default or `MISSING`."""

    name: str
    node: Node
    aliases: tuple[str, ...]
    default: Any


@dataclass(slots=True, eq=False)
class Node:
    """A schema at one place; named types are one node, however often they are referred to.

    Attributes:
        kind: A primitive's name, or `record`, `enum`, `fixed`, `array`, `map`, `union`.
        name: In full, for what has a name.
        aliases: Other names in full.
        logical: The logical type with what belongs to it, as `decimal(10, 2)`; empty when there is none.
        inner: Items of an array, values of a map, branches of a union.
        default: An enum's own default.
    """

    kind: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    logical: str = ""
    fields: tuple[Field, ...] = ()
    inner: tuple[Node, ...] = ()
    symbols: tuple[str, ...] = ()
    default: str | None = None
    size: int = 0

    @property
    def short(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(".")[2]

    def __str__(self) -> str:
        """In words, for a finding; long lists are cut."""
        return _describe(self, 0)


def read_tree(schema: Any) -> Node:
    """The tree of a schema.

    Raises:
        ContractError: It is no Avro schema, or nested deeper than 64.
    """
    return _Reader().node(schema, "", 0)


class _Reader:
    def __init__(self) -> None:
        self._named: dict[str, Node] = {}

    def node(self, schema: Any, namespace: str, depth: int) -> Node:
        if depth > NESTING_MAX:
            raise ContractError(f"schema is nested deeper than {NESTING_MAX}; flatten it")
        if isinstance(schema, str):
            return self._by_name(schema, namespace)
        if isinstance(schema, list | tuple):
            return Node("union", inner=tuple(self.node(branch, namespace, depth + 1) for branch in schema))
        if not isinstance(schema, Mapping):
            raise ContractError(f"{schema!r} is no Avro schema; expected a name, an object or a list")
        kind = schema.get("type")
        if not isinstance(kind, str):
            return self.node(kind, namespace, depth + 1)
        kind = "record" if kind == "error" else kind
        if kind in NAMED:
            return self._definition(kind, schema, namespace, depth)
        if kind == "array":
            return Node(kind, inner=(self.node(schema.get("items"), namespace, depth + 1),))
        if kind == "map":
            return Node(kind, inner=(self.node(schema.get("values"), namespace, depth + 1),))
        if kind in PRIMITIVES:
            return Node(kind, logical=_logical(kind, schema))
        return self._by_name(kind, namespace)

    def _by_name(self, name: str, namespace: str) -> Node:
        if name in PRIMITIVES:
            return Node(name)
        found = self._named.get(_full(name, namespace))
        if found is None:
            raise ContractError(
                f"schema refers to {name}, which is not defined before; define it where it is first used"
            )
        return found

    def _definition(self, kind: str, schema: Mapping[str, Any], namespace: str, depth: int) -> Node:
        name = schema.get("name")
        if not isinstance(name, str) or not name:
            raise ContractError(f"{kind} without a name; give it one")
        own = schema.get("namespace")
        full = _full(name, own if isinstance(own, str) else namespace)
        if full in self._named:
            raise ContractError(f"schema defines {full} twice; refer to it by name the second time")
        inside = full.rpartition(".")[0]
        node = Node(kind, full, tuple(_full(alias, inside) for alias in _texts(schema, "aliases")))
        self._named[full] = node
        if kind == "record":
            node.fields = tuple(self._field(field, full, inside, depth) for field in schema.get("fields") or ())
        elif kind == "enum":
            node.symbols = tuple(_texts(schema, "symbols"))
            node.default = schema.get("default")
        else:
            node.size = _size(schema, full)
            node.logical = _logical(kind, schema)
        return node

    def _field(self, field: Any, record: str, namespace: str, depth: int) -> Field:
        if not isinstance(field, Mapping) or not isinstance(field.get("name"), str):
            raise ContractError(f"record {record} has a field without a name; give it one")
        node = self.node(field.get("type"), namespace, depth + 1)
        return Field(field["name"], node, tuple(_texts(field, "aliases")), field.get("default", MISSING))


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _texts(schema: Mapping[str, Any], key: str) -> list[str]:
    values = schema.get(key) or []
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise ContractError(f"{schema.get('name')}: {key} must be a list of texts, not {values!r}")
    return list(values)


def _size(schema: Mapping[str, Any], name: str) -> int:
    size = schema.get("size")
    if type(size) is not int or size < 0:
        raise ContractError(f"fixed {name} has size {size!r}; give a count of bytes")
    return size


def _logical(kind: str, schema: Mapping[str, Any]) -> str:
    logical = schema.get("logicalType")
    if not isinstance(logical, str) or kind not in _LOGICAL.get(logical, ()):
        return ""
    if logical == "decimal":
        return f"decimal({schema.get('precision')}, {schema.get('scale', 0)})"
    return logical


def _describe(node: Node, depth: int) -> str:
    if node.kind in ("array", "map", "union") and depth >= _DESCRIBED_DEPTH_MAX:
        return node.kind
    if node.kind == "union":
        return f"[{_listed([_describe(branch, depth + 1) for branch in node.inner])}]"
    if node.kind in ("array", "map"):
        return f"{node.kind} of {_describe(node.inner[0], depth + 1)}"
    if node.kind == "enum":
        return f"enum {node.name} {{{_listed(node.symbols)}}}"
    text = {"fixed": f"fixed {node.name} of {node.size} bytes", "record": f"record {node.name}"}.get(
        node.kind, node.kind
    )
    return f"{text} {node.logical}" if node.logical else text


def _listed(texts: tuple[str, ...] | list[str]) -> str:
    rest = len(texts) - _SHOWN_MAX
    return ", ".join(texts[:_SHOWN_MAX]) + (f", and {rest} more" if rest > 0 else "")
