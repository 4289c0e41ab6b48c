"""Whether the JSON of a default is a value of its schema."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from bus.avro.admission import NESTING_MAX
from bus.avro.compatibility.tree import MISSING, Node

_INTEGERS = {"int": 31, "long": 63}
_DAYS = (-719_162, 2_932_896)
"""From the year 1 to 9999, since 1970: what a calendar of ours has."""
_RANGES = {
    "date": _DAYS,
    "time-millis": (0, 86_400_000 - 1),
    "time-micros": (0, 86_400_000_000 - 1),
    "timestamp-millis": (_DAYS[0] * 86_400_000, (_DAYS[1] + 1) * 86_400_000 - 1),
    "timestamp-micros": (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1),
}


def fits(default: Any, node: Node) -> bool:
    """Whether a default can be filled in; for a union, whether it is a value of one of its branches.

    Bytes are text whose characters are below 256, as Avro writes them in JSON. A record's default may leave out what
    has a default of its own. Logical types count: text is a uuid's only when it is one.
    """
    return _Fitting().fits(default, node, 0)


class _Fitting:
    """One question; a record and a default that are met again are not compared again, or a few could be 2^64."""

    def __init__(self) -> None:
        self._met: dict[tuple[int, int], bool] = {}

    def fits(self, default: Any, node: Node, depth: int) -> bool:
        if depth > NESTING_MAX:
            return False
        match node.kind:
            case "union":
                return any(self.fits(default, branch, depth + 1) for branch in node.inner)
            case "array":
                return isinstance(default, list) and all(self.fits(each, node.inner[0], depth + 1) for each in default)
            case "map":
                return isinstance(default, Mapping) and all(
                    isinstance(key, str) and self.fits(value, node.inner[0], depth + 1)
                    for key, value in default.items()
                )
            case "record":
                return isinstance(default, Mapping) and self._record(default, node, depth)
        return _fits_plain(default, node)

    def _record(self, default: Mapping[str, Any], node: Node, depth: int) -> bool:
        pair = (id(default), id(node))
        if pair not in self._met:
            values = [(default.get(field.name, field.default), field.node) for field in node.fields]
            self._met[pair] = all(value is not MISSING and self.fits(value, kind, depth + 1) for value, kind in values)
        return self._met[pair]


def _fits_plain(default: Any, node: Node) -> bool:
    match node.kind:
        case "null":
            return default is None
        case "boolean":
            return isinstance(default, bool)
        case "int" | "long":
            bound = 1 << _INTEGERS[node.kind]
            least, most = _RANGES.get(node.logical.removeprefix("local-"), (-bound, bound - 1))
            return type(default) is int and max(least, -bound) <= default <= min(most, bound - 1)
        case "float" | "double":
            return _is_number(default)
        case "string":
            return isinstance(default, str) and (node.logical != "uuid" or _is_uuid(default))
        case "enum":
            return default in node.symbols
    latin = isinstance(default, str) and all(ord(character) < 256 for character in default)
    return latin and (node.kind == "bytes" or len(default) == node.size) and _digits_fit(default, node)


def _is_number(default: Any) -> bool:
    if type(default) not in (int, float):
        return False
    try:
        return not math.isnan(float(default))
    except OverflowError:
        return False


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _digits_fit(text: str, node: Node) -> bool:
    precision = re.match(r"decimal\((\d+),", node.logical)
    if precision is None:
        return True
    unscaled = int.from_bytes(text.encode("latin-1"), "big", signed=True)
    return bool(abs(unscaled) < 10 ** min(int(precision[1]), 1_000))
