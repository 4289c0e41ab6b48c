"""What examples have at one place: kinds, ranges, fields, in bounded memory."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from bus.avro.admission import NESTING_MAX
from bus.errors import ContractError

FIELDS_MAX = 20_000
"""Places that are told apart, over all examples."""

KEYS_MAX = 1_000
"""Keys of one object; with more its keys are data."""

DIGITS_MAX = 1_000
TEXTS_MAX = 12
"""Distinct texts that are kept of a place, to see whether they are an enum's symbols."""

_TEXT_CHARS_MAX = 64
_LONG = 1 << 63
_LOOKS: dict[str, Callable[[str], object]] = {
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z").match,
    "timestamp": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?\Z", re.ASCII).match,
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII).match,
    "number": re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII).match,
}
_KINDS: tuple[tuple[Any, str], ...] = (
    (type(None), "null"),
    (bool, "boolean"),
    (int, "long"),
    (float, "double"),
    (str, "string"),
    ((bytes, bytearray), "bytes"),
    (UUID, "uuid"),
    (Decimal, "decimal"),
    (dt.datetime, "timestamp"),
    (dt.date, "date"),
    (dt.time, "time"),
    (list, "array"),
    (dict, "object"),
)
"""In an order in which a subclass comes before its base."""

_KIND_OF = {python: kind for python, kind in _KINDS if isinstance(python, type)}
"""The same for what is of exactly the type, as nearly every value is."""


@dataclass(slots=True)
class Room:
    """How many places may still be told apart."""

    left: int = FIELDS_MAX

    def take(self, path: str) -> None:
        """Counts one more.

        Raises:
            ContractError: There are too many.
        """
        self.left -= 1
        if self.left < 0:
            raise ContractError(
                f"{path}: over {FIELDS_MAX:,} distinct fields; read fewer examples, or turn keys into values"
            )


class Seen:
    """One place, such as `legs[].price`; of a map, all its values are one place.

    Attributes:
        path: Where; `[]` is an array's item, `{}` a map's value.
        count: Values other than null.
        nulls: Nulls.
        kinds: What the values are: `boolean`, `long`, `double`, `string`, `bytes`, `uuid`, `decimal`, `timestamp`,
            `local` (a datetime without a time zone), `date`, `time`, `array`, `object`.
        exact: Whether each int is a double too.
        short: Whether no double has more than 8 decimal places.
        whole: Most digits before the point of a decimal.
        places: Most digits after it.
        texts: The distinct texts, `None` when there are too many or one is long.
        looks: What every text looks like: `uuid`, `timestamp`, `date`, `number`.
        items: The items of all arrays.
        objects: How many objects.
        keys: How many keys they have together.
        fields: The values by key, until there are too many keys.
        values: The values of all keys, once there were too many.
    """

    __slots__ = (
        "_depth",
        "_room",
        "count",
        "exact",
        "fields",
        "items",
        "keys",
        "kinds",
        "looks",
        "nulls",
        "objects",
        "path",
        "places",
        "short",
        "texts",
        "values",
        "whole",
    )

    def __init__(self, path: str, room: Room, depth: int = 0) -> None:
        if depth > NESTING_MAX:
            raise ContractError(f"{path}: nested deeper than {NESTING_MAX}; flatten it")
        room.take(path)
        self.path = path
        self.count = self.nulls = self.whole = self.places = self.objects = self.keys = 0
        self.kinds: set[str] = set()
        self.exact = self.short = True
        self.texts: set[str] | None = set()
        self.looks = frozenset(_LOOKS)
        self.items: Seen | None = None
        self.fields: dict[str, Seen] = {}
        self.values: Seen | None = None
        self._room = room
        self._depth = depth

    def add(self, value: Any) -> None:
        """Takes in one more value.

        Raises:
            ContractError: No contract can have it, or a limit is reached; names the place.
        """
        kind = _KIND_OF.get(type(value)) or next((kind for python, kind in _KINDS if isinstance(value, python)), None)
        if kind is None:
            raise self._refusal(f"{type(value).__name__} has no place in a contract", "give plain values")
        if kind == "null":
            self.nulls += 1
            return
        if kind == "timestamp":
            kind = self._zone(value)
        self.count += 1
        self.kinds.add(kind)
        match kind:
            case "long":
                self._int(value)
            case "double":
                self.short = self.short and len(repr(value).partition(".")[2]) <= 8
            case "string":
                self._text(value)
            case "decimal":
                self._decimal(value)
            case "time" if value.tzinfo is not None:
                raise self._refusal("a time of day with a zone, which Avro's cannot keep", "give a datetime")
            case "array":
                self.items = self.items or self._below("[]")
                for item in value:
                    self.items.add(item)
            case "object":
                self._object(value)

    def merged(self, path: str) -> Seen:
        """The values of all keys as one place, that of a map's values."""
        values = Seen(path, self._room, self._depth + 1)
        for each in self.fields.values():
            values._take_in(each)
        return values

    def _take_in(self, other: Seen) -> None:
        """Becomes what both have been, other places below included, and frees the other's room."""
        self._room.left += 1
        self.count += other.count
        self.nulls += other.nulls
        self.objects += other.objects
        self.keys += other.keys
        self.kinds |= other.kinds
        self.exact = self.exact and other.exact
        self.short = self.short and other.short
        self.whole, self.places = max(self.whole, other.whole), max(self.places, other.places)
        self.texts = None if self.texts is None or other.texts is None else self._few(self.texts | other.texts)
        self.looks &= other.looks
        if other.items is not None:
            self.items = self.items or self._below("[]")
            self.items._take_in(other.items)
        for key, each in other.fields.items():
            self._at(key)._take_in(each)
        if other.values is not None:
            self._keys_are_data()._take_in(other.values)

    def _below(self, step: str) -> Seen:
        return Seen(f"{self.path}{step}", self._room, self._depth + 1)

    def _at(self, key: str) -> Seen:
        """Where the value of a key is counted; a new key may show that keys are data."""
        if self.values is None and key not in self.fields:
            if len(self.fields) >= KEYS_MAX:
                return self._keys_are_data()
            self.fields[key] = self._below(f".{key}" if self.path else key)
        return self.values or self.fields[key]

    def _keys_are_data(self) -> Seen:
        if self.values is None:
            if not self.path:
                raise ContractError(
                    f"over {KEYS_MAX:,} distinct fields; a contract is a record: put the object into a field"
                )
            self.values, self.fields = self.merged(f"{self.path}{{}}"), {}
        return self.values

    def _object(self, value: dict[Any, Any]) -> None:
        self.objects += 1
        self.keys += len(value)
        for key, each in value.items():
            if not isinstance(key, str):
                raise self._refusal(f"the key {key!r} is no text", "give str")
            self._writable(key)
            self._at(key).add(each)

    def _int(self, value: int) -> None:
        if not -_LONG <= value < _LONG:
            raise self._refusal("an int that does not fit 64 bits", "give text, or a Decimal")
        self.exact = self.exact and int(float(value)) == value

    def _text(self, value: str) -> None:
        self._writable(value)
        if self.looks:
            self.looks = frozenset(look for look in self.looks if _LOOKS[look](value))
        if self.texts is not None and value not in self.texts:
            self.texts = self._few(self.texts | {value}) if len(value) <= _TEXT_CHARS_MAX else None

    def _writable(self, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self._refusal(
                f"the text {text!r:.40} cannot be written as UTF-8", "replace its surrogates"
            ) from error

    def _decimal(self, value: Decimal) -> None:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise self._refusal(f"{value} is not finite", "give null")
        self.whole = max(self.whole, len(digits) + exponent)
        self.places = max(self.places, -exponent)
        if self.whole + self.places > DIGITS_MAX:
            raise self._refusal(f"decimals with over {DIGITS_MAX} digits", "give text, or doubles")

    def _zone(self, value: dt.datetime) -> str:
        if value.utcoffset() is None:
            return "local"
        try:
            value.astimezone(dt.UTC)
        except OverflowError as error:
            raise self._refusal(f"{value} is no year of UTC", "give one from 1 to 9999") from error
        return "timestamp"

    def _refusal(self, what: str, instead: str) -> ContractError:
        return ContractError(f"{self.path or 'the object'}: {what}; {instead}")

    @staticmethod
    def _few(texts: set[str]) -> set[str] | None:
        return texts if len(texts) <= TEXTS_MAX else None
