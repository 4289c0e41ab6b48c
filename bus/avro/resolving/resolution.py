"""How the values of the writer's schema become those of the reader's, settled once for the two schemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bus.avro.compatibility import can_read
from bus.avro.compatibility.tree import MISSING, Field, Node, read_tree
from bus.avro.resolving import values
from bus.avro.resolving.conversions import conversion
from bus.avro.resolving.defaults import default_value, fresh
from bus.avro.resolving.failures import FAILURES, place, reason
from bus.avro.resolving.sizes import Sizes
from bus.avro.resolving.skipping import Skip, Skips
from bus.avro.resolving.values import Read
from bus.errors import ContractError, DecodeError


def _as_float(read: Read) -> Read:
    return values.converted(read, float)


_SIMPLE: dict[tuple[str, str], Read] = {
    ("null", "null"): values.read_null,
    ("boolean", "boolean"): values.read_boolean,
    ("int", "int"): values.read_int,
    ("long", "int"): values.read_int,
    ("float", "int"): _as_float(values.read_int),
    ("double", "int"): _as_float(values.read_int),
    ("long", "long"): values.read_long,
    ("float", "long"): _as_float(values.read_long),
    ("double", "long"): _as_float(values.read_long),
    ("float", "float"): values.read_float,
    ("double", "float"): values.read_float,
    ("double", "double"): values.read_double,
    ("string", "string"): values.read_text,
    ("bytes", "string"): values.read_text_as_bytes,
    ("bytes", "bytes"): values.read_bytes,
}
"""The reader's kind and the writer's."""


def compiled_reader(reader: Any, writer: Any, *, name: str | None = None) -> Callable[[bytes, int], Any]:
    """What reads the writer's values as the reader's, made once for the two schemas.

    The function takes a value's bytes and the index at which its data begins, and returns the data, with a record's
    fields in the reader's order. Types are those that fastavro gives: `datetime` in UTC for timestamps and naive for
    local ones, `Decimal` with its scale, `UUID`, `date`, `time`. A number that is read as a float or double is a
    Python float, with all the digits that it can hold. Fields that the writer has not are filled with their defaults,
    as values of their schema; lists and dicts are made anew for each value. What the reader has not is passed over and
    not looked into. For bytes that are no value of the writer's it raises `DecodeError`, which names the place in the
    reader's data as `order.legs[].price`; time and memory are bounded by the bytes, whatever they say.

    Args:
        reader: Plain JSON schema, admitted.
        writer: Plain JSON schema, admitted.
        name: What paths begin with; the reader's own name unless given.

    Raises:
        ContractError: The reader's schema cannot read all data of the writer's (each finding of `can_read` is in it),
            or a default is no value of its schema, or one of them is not admitted.
    """
    findings = can_read(reader, writer, name=name)
    into = read_tree(reader)
    path = name or into.short or into.kind
    if findings:
        raise ContractError("\n".join([f"{path} cannot read the writer's data:", *map(str, findings)]))
    source = into if reader == writer else read_tree(writer)
    return _whole(_Resolution(source).read(into, source, path), path)


def _whole(read: Read, path: str) -> Callable[[bytes, int], Any]:
    def decode(raw: bytes, at: int) -> Any:
        try:
            data, end = read(raw, at)
        except FAILURES as error:
            raise DecodeError(f"value cannot be read at {path}{place(error)}: {reason(error)}", raw) from error
        if end != len(raw):
            over = f"has {len(raw) - end} bytes left over" if end < len(raw) else "begins beyond its bytes"
            raise DecodeError(f"value of {path} {over}", raw)
        return data

    return decode


class _Resolution:
    """Two schemas that fit; each pair of records is settled once, or a small schema could name 2^64 paths."""

    def __init__(self, writer: Node) -> None:
        self._sizes = Sizes()
        self._sizes.of(writer)  # refuses a type that contains itself, on which all below would not end
        self._skips = Skips(self._sizes)
        self._records: dict[tuple[str, str], Read] = {}

    def read(self, reader: Node, writer: Node, path: str) -> Read:
        if writer.kind == "union":
            # The same schema is read branch by branch, also where it has two of one kind, which Avro forbids.
            into = reader.inner if reader is writer else [reader] * len(writer.inner)
            return values.union([self.read(*pair, path) for pair in zip(into, writer.inner, strict=True)])
        if reader.kind == "union":
            return self.read(_branch(reader, writer, path), writer, path)
        if reader.kind == writer.kind == "record":
            pair = (reader.name, writer.name)
            if pair not in self._records:
                self._records[pair] = self._record(reader, writer, path)
            return self._records[pair]
        if reader.kind == writer.kind == "array":
            items = self.read(reader.inner[0], writer.inner[0], f"{path}[]")
            return values.array(items, self._sizes.of(writer.inner[0]).least)
        if reader.kind == writer.kind == "map":
            items = self.read(reader.inner[0], writer.inner[0], path + "{}")
            return values.mapping(items, self._sizes.of(writer.inner[0]).least)
        if reader.kind == writer.kind == "enum":
            return values.symbol(_symbols(reader, writer, path))
        read = values.fixed(writer.size) if writer.kind == "fixed" else _SIMPLE.get((reader.kind, writer.kind))
        if read is None:
            raise _unfit(reader, writer, path)
        try:
            convert = conversion(reader)
        except ValueError as error:
            raise ContractError(f"{path}: {error}") from error
        return read if convert is None else values.converted(read, convert)

    def _record(self, reader: Node, writer: Node, path: str) -> Read:
        """A name goes before an alias, and each of the writer's fields is read once."""
        missing = {field.name: field for field in reader.fields}
        by_name = dict(missing)
        by_alias = {alias: field for field in reader.fields for alias in field.aliases}
        fields: list[tuple[str, Read]] = []
        skipped: list[Field] = []
        for field in writer.fields:
            target = by_name.get(field.name) or by_alias.get(field.name)
            if target is None:
                skipped.append(field)
                continue
            missing.pop(target.name, None)
            read = self.read(target.node, field.node, f"{path}.{target.name}")
            fields.append((target.name, _after(self._skips.fields(skipped), read) if skipped else read))
            skipped = []
        defaults = {field.name: _default(field, f"{path}.{field.name}") for field in missing.values()}
        made = [(name, make) for name, value in defaults.items() if (make := fresh(value)) is not None]
        template = {name: defaults.get(name) for name in by_name}
        return values.record(template, made, fields, self._skips.fields(skipped) if skipped else None)


def _symbols(reader: Node, writer: Node, path: str) -> list[str]:
    """What each of the writer's symbols is read as."""
    known = frozenset(reader.symbols)
    symbols = [symbol if symbol in known else reader.default for symbol in writer.symbols]
    if None in symbols:
        raise _unfit(reader, writer, path)
    return [symbol for symbol in symbols if symbol is not None]


def _default(field: Field, path: str) -> Any:
    if field.default is MISSING:
        raise ContractError(f"{path}: the writer has no such field; give it a default")
    try:
        return default_value(field.default, field.node)
    except ValueError as error:
        raise ContractError(f"{path}: the default cannot be filled in: {error}") from error


def _after(skip: Skip, read: Read) -> Read:
    return lambda raw, at: read(raw, skip(raw, at))


def _branch(reader: Node, writer: Node, path: str) -> Node:
    """The branch that `can_read` took: the one that is made for the writer's type, else the first that promotes."""
    taking = [branch for branch in reader.inner if _takes(branch, writer)]
    if not taking:
        raise _unfit(reader, writer, path)
    return next((branch for branch in taking if _is_made_for(branch, writer)), taking[0])


def _takes(reader: Node, writer: Node) -> bool:
    if reader.kind != writer.kind:
        return (reader.kind, writer.kind) in _SIMPLE
    return not reader.name or reader.short == writer.short or writer.name in reader.aliases


def _is_made_for(reader: Node, writer: Node) -> bool:
    return (reader.kind, reader.logical, reader.name) == (writer.kind, writer.logical, writer.name)


def _unfit(reader: Node, writer: Node, path: str) -> ContractError:
    return ContractError(f"{path}: {reader} cannot be read from the writer's {writer}")
