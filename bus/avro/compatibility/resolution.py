"""Avro's schema resolution, and the stricter rules where it would read data as something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bus.avro.admission import NESTING_MAX
from bus.avro.compatibility import advice
from bus.avro.compatibility.defaults import fits
from bus.avro.compatibility.findings import Finding
from bus.avro.compatibility.tree import MISSING, NAMED, Field, Node, read_tree
from bus.errors import ContractError

_SHOWN = 60
FINDINGS_MAX = 100
"""A comparison stops at so many; who has mended these may ask again."""

_PROMOTIONS = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""Writer's kind to the kinds that may read it. Bytes as a string is Avro's rule too, and refused by ours."""


def can_read(reader: Any, writer: Any, *, name: str | None = None) -> tuple[Finding, ...]:
    """Why the reader's schema cannot read the writer's data; empty when it can, whatever the data.

    Avro's resolution holds, and beyond it these are refused, since they would be read without an error as something
    else: another logical type or none (other scale or precision, millis and micros, date and timestamp, text and uuid),
    bytes as text, and a union whose earlier branch takes by promotion what a later branch is made for. A schema reads
    its own data. At most 100 findings; each pair of named types is compared once, at the place where it comes first.

    Args:
        reader: Plain JSON schema.
        writer: Plain JSON schema.
        name: What paths begin with; the reader's own name unless given.

    Raises:
        ContractError: One of them is no Avro schema, or is nested deeper than 64.
    """
    return _compare(reader, writer, name, _Reading())


def growth(reader: Any, writer: Any, *, name: str | None = None) -> tuple[Finding, ...]:
    """The enums in which the reader has symbols that the writer lacks, and no default for those that come next.

    Raises:
        ContractError: One of them is no Avro schema, or is nested deeper than 64.
    """
    found = _compare(reader, writer, name, _Reading(growth=True))
    return tuple(finding for finding in found if finding.rule == "enum-growth")


def _compare(reader: Any, writer: Any, name: str | None, reading: _Reading) -> tuple[Finding, ...]:
    reader_tree, writer_tree = read_tree(reader), read_tree(writer)
    if _bare(reader) == _bare(writer):
        return ()  # nothing is resolved
    reading.node(reader_tree, writer_tree, name or reader_tree.short or reader_tree.kind, 0)
    return tuple(reading.findings[:FINDINGS_MAX])


class _Reading:
    """One comparison."""

    def __init__(self, *, growth: bool = False) -> None:
        self.findings: list[Finding] = []
        self._growth = growth
        self._met: set[tuple[str, str]] = set()

    def node(self, reader: Node, writer: Node, path: str, depth: int) -> None:
        if depth > NESTING_MAX:
            raise ContractError(f"schema {path}: nested deeper than {NESTING_MAX}; flatten it")
        if len(self.findings) >= FINDINGS_MAX:
            return
        if writer.kind == "union":
            for branch in writer.inner:
                self.node(reader, branch, path, depth)
        elif reader.kind == "union":
            self._union(reader, writer, path, depth)
        elif reader.kind != writer.kind and reader.kind not in _PROMOTIONS.get(writer.kind, ()):
            self._add(path, "type", reader, writer, advice.other_type(reader, writer))
        elif reader.kind in NAMED:
            self._named(reader, writer, path, depth)
        elif reader.kind in ("array", "map"):
            self.node(reader.inner[0], writer.inner[0], path + ("[]" if reader.kind == "array" else "{}"), depth + 1)
        else:
            self._primitive(reader, writer, path)

    def _primitive(self, reader: Node, writer: Node, path: str) -> None:
        if reader.logical != writer.logical:
            self._add(path, "logical-type", reader, writer, advice.other_meaning(reader, writer))
        elif reader.kind == "string" and writer.kind == "bytes":
            self._add(path, "bytes-as-text", reader, writer, "keep bytes: not all bytes are text; or add a new field")

    def _union(self, reader: Node, writer: Node, path: str, depth: int) -> None:
        taking = [branch for branch in reader.inner if _matches(branch, writer)]
        if not taking:
            self._add(path, "union-branch", reader, writer, f"keep {_kind(writer)} among the reader's branches")
            return
        meant = next((branch for branch in taking if _is_made_for(branch, writer)), taking[0])
        if meant is not taking[0]:
            self._add(path, "union-order", reader, writer, advice.order(taking[0], meant))
        self.node(meant, writer, path, depth)

    def _named(self, reader: Node, writer: Node, path: str, depth: int) -> None:
        if not _same_name(reader, writer):
            self._add(
                path, "name", reader, writer, f"keep the name {writer.short}, or give it as an alias: {writer.name}"
            )
            return
        pair = (reader.name, writer.name)
        if pair in self._met:
            return
        self._met.add(pair)
        if reader.kind == "record":
            self._record(reader, writer, path, depth)
        elif reader.kind == "enum":
            self._enum(reader, writer, path)
        elif reader.size != writer.size:
            self._add(path, "fixed-size", reader, writer, f"keep {writer.size} bytes, or add a new field")
        elif reader.logical != writer.logical:
            self._add(path, "logical-type", reader, writer, advice.other_meaning(reader, writer))

    def _record(self, reader: Node, writer: Node, path: str, depth: int) -> None:
        sources = _sources(reader, writer)
        for field in reader.fields:
            there = f"{path}.{field.name}"
            source, *others = sources[field.name] or (None,)
            if source is not None:
                self.node(field.node, source.node, there, depth + 1)
            elif field.default is MISSING:
                self._note(there, "field-default", str(field.node), "no such field", advice.no_default(field))
            elif not fits(field.default, field.node):
                told = f"{field.node} with default {repr(field.default)[:_SHOWN]}"
                self._note(there, "default-type", told, "no such field", f"give a default that is {_kind(field.node)}")
            if others:
                names = [each.name for each in (source, *others) if each is not None]
                told = f"{field.name} with aliases {', '.join(field.aliases)}"
                self._note(there, "field-alias", told, f"fields {', '.join(names)}", advice.two_sources(names, field))

    def _enum(self, reader: Node, writer: Node, path: str) -> None:
        unknown = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
        if unknown and reader.default is None:
            self._add(path, "enum-symbols", reader, writer, advice.unknown_symbols(unknown))
        elif unknown and reader.default not in reader.symbols:
            told = f"{reader} with default {reader.default!r}"
            self._note(path, "enum-default", told, str(writer), "make one of its symbols the default")
        if self._growth and reader.default is None and not set(reader.symbols) <= set(writer.symbols):
            added = [symbol for symbol in reader.symbols if symbol not in writer.symbols]
            self._add(path, "enum-growth", reader, writer, advice.grown(added))

    def _add(self, path: str, rule: str, reader: Node, writer: Node, suggestion: str) -> None:
        self._note(path, rule, str(reader), str(writer), suggestion)

    def _note(self, path: str, rule: str, reader: str, writer: str, suggestion: str) -> None:
        self.findings.append(Finding(path, rule, reader, writer, suggestion))


def _sources(reader: Node, writer: Node) -> dict[str, list[Field]]:
    """The writer's fields that each of the reader's is read from: one, or none; two are a fault.

    A name goes before an alias, and each of the writer's fields is read once.
    """
    sources: dict[str, list[Field]] = {field.name: [] for field in reader.fields}
    by_alias = {alias: field.name for field in reader.fields for alias in field.aliases}
    for field in writer.fields:
        target = field.name if field.name in sources else by_alias.get(field.name)
        if target is not None:
            sources[target].append(field)
    return sources


def _same_name(reader: Node, writer: Node) -> bool:
    """Avro compares the last part of names, and aliases in full."""
    return reader.short == writer.short or writer.name in reader.aliases


def _matches(reader: Node, writer: Node) -> bool:
    """Avro's match of one branch, without looking inside."""
    if reader.kind != writer.kind:
        return reader.kind in _PROMOTIONS.get(writer.kind, ())
    return reader.kind not in NAMED or _same_name(reader, writer)


def _is_made_for(reader: Node, writer: Node) -> bool:
    if reader.kind != writer.kind or reader.logical != writer.logical:
        return False
    return reader.kind not in NAMED or reader.name == writer.name


def _kind(node: Node) -> str:
    return f"{node.kind} {node.short}" if node.name else str(node)


def _bare(schema: Any, depth: int = 0) -> Any:
    """Without documentation: two schemas that differ in nothing else write the same data."""
    if depth > 4 * NESTING_MAX:  # a level of a schema is at most four of JSON
        raise ContractError(f"schema has JSON nested deeper than {4 * NESTING_MAX}; flatten it")
    if isinstance(schema, Mapping):
        return {key: _bare(value, depth + 1) for key, value in schema.items() if key != "doc"}
    if isinstance(schema, list | tuple):
        return [_bare(value, depth + 1) for value in schema]
    return schema
