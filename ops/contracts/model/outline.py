"""A schema with every name in full, held to what can become Python source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bus.avro.admission import AVRO_NAME
from bus.avro.schema import AvroSchema
from bus.errors import ContractError


@dataclass(frozen=True, slots=True)
class Outline:
    """An admitted schema of a record.

    Attributes:
        record: The record; every name in it is in full, and stands for its definition after the first use.
        named: Records, enums and fixed types by their full names, each after those that it uses.
        referred: Full names that are used once more after their definition.
        sharing: Full names of records that share a union with another record.
    """

    record: dict[str, Any]
    named: dict[str, dict[str, Any]]
    referred: frozenset[str]
    sharing: frozenset[str]

    def short_names(self) -> Iterator[str]:
        """Every name of a type or a field, without namespaces."""
        for full, schema in self.named.items():
            yield short(full)
            yield from (field["name"] for field in schema.get("fields", ()))


def outline(schema: Any) -> Outline:
    """Reads a plain JSON schema.

    Raises:
        ContractError: It is not admitted, is no record, or has a name that is none in Avro; names the place.
    """
    name = schema.get("name") if isinstance(schema, Mapping) else None
    AvroSchema(schema, name if isinstance(name, str) else "schema")
    if name is None:
        raise ContractError("schema is no record, and a model has fields; put it into a field of a record")
    reader = _Reader()
    record = reader.read(schema, "")
    if record.get("type") not in ("record", "error"):
        raise ContractError(f"schema {name} is of type {record.get('type')}, and a model has fields; give a record")
    return Outline(record, reader.named, frozenset(reader.referred), frozenset(reader.sharing))


def short(full: str) -> str:
    """A name without its namespace."""
    return full.rpartition(".")[2]


class _Reader:
    """One pass over a schema that fastavro has parsed; it looks at no name but an enum's symbols."""

    def __init__(self) -> None:
        self.named: dict[str, dict[str, Any]] = {}
        self.referred: set[str] = set()
        self.sharing: set[str] = set()

    def read(self, schema: Any, namespace: str) -> Any:
        if isinstance(schema, list):
            return self._union(schema, namespace)
        if isinstance(schema, str):
            full = schema if "." in schema or not namespace else f"{namespace}.{schema}"
            if full in self.named:
                self.referred.add(full)
                return full
            return schema
        kind = schema["type"]
        if schema.get("logicalType") == "decimal" and not schema.get("precision"):
            raise ContractError(
                f"a decimal has no precision, so its values cannot be read: {dict(schema)}; give it one"
            )
        if kind in ("record", "error", "enum", "fixed"):
            return self._definition(schema, namespace)
        inner = {"array": "items", "map": "values"}.get(kind)
        return {**schema, inner: self.read(schema[inner], namespace)} if inner else dict(schema)

    def _union(self, schema: list[Any], namespace: str) -> list[Any]:
        if not schema:
            raise ContractError("a union has no types, so it has no values; name at least one")
        read = [self.read(branch, namespace) for branch in schema]
        names = [branch["name"] if isinstance(branch, dict) and "name" in branch else branch for branch in read]
        records = [name for name in names if isinstance(name, str) and "fields" in self.named.get(name, ())]
        if len(records) > 1:
            self.sharing.update(records)
        return read

    def _definition(self, schema: Mapping[str, Any], namespace: str) -> dict[str, Any]:
        name, own = schema["name"], schema.get("namespace", namespace)
        full = name if "." in name or not own else f"{own}.{name}"
        if not all(AVRO_NAME.match(part) for part in full.split(".")):
            raise ContractError(f"{full!r} is no Avro name; use letters, digits and _, with dots between namespaces")
        inside = full.rpartition(".")[0]
        read = {**schema, "name": full, "aliases": _aliases(schema, full)}
        if schema["type"] in ("record", "error"):
            read["type"] = "record"
            read["fields"] = [self._field(field, full, inside) for field in schema.get("fields", ())]
            names = sorted(field["name"] for field in read["fields"])
            twice = next((name for name, after in pairwise(names) if name == after), None)
            if twice is not None:
                raise ContractError(f"{full} has two fields called {twice}; rename one of them")
        if schema["type"] == "enum" and not schema["symbols"]:
            raise ContractError(f"enum {full} has no symbols, so it has no values; name at least one")
        self.named[full] = read
        return read

    def _field(self, field: Mapping[str, Any], record: str, namespace: str) -> dict[str, Any]:
        name = field["name"]
        if not isinstance(name, str) or not AVRO_NAME.match(name):
            raise ContractError(f"{record}: field {name!r} is no Avro name; use letters, digits and _")
        aliases = _aliases(field, f"{record}.{name}")
        return {**field, "type": self.read(field["type"], namespace), "aliases": aliases}


def _aliases(schema: Mapping[str, Any], place: str) -> list[str]:
    aliases = schema.get("aliases") or []
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise ContractError(f"{place}: aliases must be a list of texts, not {aliases!r}")
    return aliases
