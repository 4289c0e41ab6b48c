"""An Avro schema proposed from examples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bus.avro.admission import AVRO_NAME
from bus.avro.schema import AvroSchema
from bus.errors import ContractError
from ops.contracts.infer.hints import hints
from ops.contracts.infer.seen import KEYS_MAX, Room, Seen

_ORDER: dict[str, Any] = {
    "boolean": "boolean",
    "long": "long",
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    "local": {"type": "long", "logicalType": "local-timestamp-micros"},
    "time": {"type": "long", "logicalType": "time-micros"},
    "double": "double",
    "string": "string",
    "uuid": {"type": "string", "logicalType": "uuid"},
    "bytes": "bytes",
    "decimal": {"type": "bytes", "logicalType": "decimal"},
    "date": {"type": "int", "logicalType": "date"},
    "array": {"type": "array"},
    "object": {},
}
"""Kinds in the order of a union: the first branch that takes a value writes it, and a datetime is a date too."""

_CLASHES = (("long", "timestamp", "local", "time"), ("string", "uuid"), ("bytes", "decimal"))
"""Kinds that are one type to Avro, which has room for one of each in a union."""

_PRECISIONS = (9, 18, 28, 38)
"""What fits 32, 64, 96 and 128 bits."""

_SPARSE_KEYS_MIN = 20
_SPARSE_SHARE = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A schema, and what its author should look at.

    Attributes:
        schema: Plain JSON schema of a record, admitted by `AvroSchema`; every example that was read fits it.
        notes: Sentences on guesses and on better types, each beginning with the field's path.
    """

    schema: dict[str, Any]
    notes: tuple[str, ...]


def infer(values: Iterable[Any], *, name: str, namespace: str | None = None, examples_max: int = 10_000) -> Proposal:
    """Proposes the schema of a record that fits every example: decoded JSON objects, or decoded Avro records.

    Ints become long, and double together with floats (a union with long where a double would not be exact); decimals a
    decimal with the digits that were seen, its precision rounded up to 9, 18, 28 or 38. What may be null, or is missing
    in some examples, becomes a union with null and has the default null. Values of several kinds become a union where
    Avro has one for them. Where no value was seen (only nulls, or empty arrays and objects) string is a guess, which
    the field's `doc` says.

    An object becomes a record named after its field, and a map instead when its keys are data: when more than half of
    its distinct keys are no Avro names; when it has at least 20 distinct keys, of which an object has a quarter at most
    on average, and all its values are of one kind; or when it has over 1,000 distinct keys.

    What is remembered of the examples is bounded: 20,000 distinct fields together, nested 64 deep.

    Args:
        values: The examples; at most `examples_max` are read.
        name: The record's name, such as `Order`.
        namespace: The record's namespace, such as `tierbus.trading`.
        examples_max: How many examples to read.

    Raises:
        ContractError: There is no example, or no schema fits them; names the field and what to do.
    """
    for part in [name, *(() if namespace is None else namespace.split("."))]:
        if not AVRO_NAME.match(part):
            raise ContractError(f"{part!r} is no Avro name; use letters, digits and _, with dots between namespaces")
    root, read = Seen("", Room()), 0
    for example in islice(values, examples_max):
        read += 1
        if not isinstance(example, dict):
            raise ContractError(f"example {read} is {type(example).__name__}; a contract describes objects: give dicts")
        try:
            root.add(example)
        except ContractError as error:
            raise ContractError(f"example {read}: {error}") from error
    if not read:
        raise ContractError("there is no example; give at least one")
    builder = _Builder(name)
    built = builder.record(root, name, ())
    schema = {"type": built.pop("type"), "name": built.pop("name"), **({"namespace": namespace} if namespace else {})}
    schema |= built
    AvroSchema(schema, name)
    limit = [f"the first {read:,} examples were read, and no more"] if read == examples_max else []
    return Proposal(schema, (*limit, *builder.notes))


class _Builder:
    """Schemas of what was seen, and the notes on them."""

    def __init__(self, name: str) -> None:
        self.notes: list[str] = []
        self._names = {name}
        self._guesses: list[str] = []

    def record(self, seen: Seen, name: str, segments: tuple[str, ...]) -> dict[str, Any]:
        """The record of an object; `segments` are the fields that lead to it."""
        outer, self._guesses = self._guesses, []
        fields = []
        for key, each in seen.fields.items():
            if not AVRO_NAME.match(key):
                raise ContractError(_no_name(seen, key))
            missing = each.count + each.nulls < seen.objects
            kind = self.type(each, (*segments, key), missing=missing)
            field: dict[str, Any] = {"name": key, "type": kind}
            if isinstance(kind, list) and kind[0] == "null":
                field["default"] = None
            if self._guesses:
                field["doc"] = f"Guessed: no value was seen of {', '.join(self._guesses)}."
                self._guesses = []
            fields.append(field)
        self._guesses = outer
        return {"type": "record", "name": name, "fields": fields}

    def type(self, seen: Seen, segments: tuple[str, ...], *, missing: bool = False) -> Any:
        """The type of a place, with null where there were nulls or the place was missing."""
        self.notes += hints(seen)
        if not seen.kinds:
            self._guesses.append(seen.path)
        kinds = seen.kinds or {"string"}
        for clash in _CLASHES:
            if len(mixed := sorted(kinds.intersection(clash))) > 1:
                both = " and ".join(mixed)
                raise ContractError(f"{seen.path}: mixes {both}, one type in Avro; publish one of them, or two fields")
        if seen.exact and "double" in kinds:
            kinds = kinds - {"long"}
        branches = [self._branch(kind, seen, segments) for kind in _ORDER if kind in kinds]
        if seen.nulls or missing:
            branches.insert(0, "null")
        return branches if len(branches) > 1 else branches[0]

    def _branch(self, kind: str, seen: Seen, segments: tuple[str, ...]) -> Any:
        match kind:
            case "decimal":
                digits = max(seen.whole, 0) + seen.places
                precision = next((each for each in _PRECISIONS if each >= digits), digits)
                return {**_ORDER["decimal"], "precision": precision, "scale": seen.places}
            case "array":
                assert seen.items is not None
                return {"type": "array", "items": self.type(seen.items, segments)}
            case "object":
                return self._object(seen, segments)
        return copy(_ORDER[kind])

    def _object(self, seen: Seen, segments: tuple[str, ...]) -> dict[str, Any]:
        values = _map_values(seen)
        if values is None:
            return self.record(seen, self._record_name(segments), segments)
        if seen.keys:
            count = f"over {KEYS_MAX:,}" if seen.values is not None else len(seen.fields)
            self.notes.append(f"{seen.path}: {count} distinct keys in {seen.objects} objects, so a map")
        return {"type": "map", "values": self.type(values, segments)}

    def _record_name(self, segments: tuple[str, ...]) -> str:
        parts = [part for segment in segments for part in segment.split("_") if part]
        pascal = "".join(part[0].upper() + part[1:] for part in parts)
        bare = pascal if AVRO_NAME.match(pascal) else f"Record{pascal}"
        name, number = bare, 1
        while name in self._names:
            number += 1
            name = f"{bare}{number}"
        self._names.add(name)
        return name


def _map_values(seen: Seen) -> Seen | None:
    """The values of an object whose keys are data, as one place; see `infer` for the rule."""
    if seen.values is not None:
        return seen.values
    keys = len(seen.fields)
    path = f"{seen.path}{{}}"
    if 2 * sum(not AVRO_NAME.match(key) for key in seen.fields) > keys or not keys:
        return seen.merged(path)
    if keys >= _SPARSE_KEYS_MIN and _SPARSE_SHARE * seen.keys <= keys * seen.objects:
        values = seen.merged(path)
        kinds = values.kinds - ({"long"} if "double" in values.kinds else set())
        return values if len(kinds) == 1 else None
    return None


def _no_name(seen: Seen, key: str) -> str:
    bare = re.sub(r"[^A-Za-z0-9_]", "_", key) or "field"
    suggested = f"_{bare}" if bare[0].isdigit() else bare
    text = f"{seen.path or 'the object'}: field {key!r:.60} is no Avro name; call it {suggested:.60}"
    if not seen.path and not any(map(AVRO_NAME.match, seen.fields)):
        text += ", or put the whole object into a field, where it becomes a map"
    return text
