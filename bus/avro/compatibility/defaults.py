"""Whether the JSON of a default is a value of its schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bus.avro.admission import NESTING_MAX
from bus.avro.compatibility.tree import MISSING, Node

_INTEGERS = {"int": 31, "long": 63}


def fits(default: Any, node: Node, depth: int = 0) -> bool:
    """Whether a default can be filled in; for a union, whether it is a value of one of its branches.

    Bytes are text whose characters are below 256, as Avro writes them in JSON. A record's default may leave out what
    has a default of its own.
    """
    if depth > NESTING_MAX:
        return False
    match node.kind:
        case "null":
            return default is None
        case "boolean":
            return isinstance(default, bool)
        case "int" | "long":
            bound = 1 << _INTEGERS[node.kind]
            return type(default) is int and -bound <= default < bound
        case "float" | "double":
            return type(default) is int or (type(default) is float and not math.isnan(default))
        case "string":
            return isinstance(default, str)
        case "bytes" | "fixed":
            latin = isinstance(default, str) and all(ord(character) < 256 for character in default)
            return latin and (node.kind == "bytes" or len(default) == node.size)
        case "enum":
            return default in node.symbols
        case "union":
            return any(fits(default, branch, depth + 1) for branch in node.inner)
        case "array":
            return isinstance(default, list) and all(fits(item, node.inner[0], depth + 1) for item in default)
        case "map":
            return isinstance(default, Mapping) and all(
                isinstance(key, str) and fits(value, node.inner[0], depth + 1) for key, value in default.items()
            )
    return isinstance(default, Mapping) and _fits_record(default, node, depth)


def _fits_record(default: Mapping[str, Any], node: Node, depth: int) -> bool:
    for field in node.fields:
        value = default.get(field.name, field.default)
        if value is MISSING or not fits(value, field.node, depth + 1):
            return False
    return True
