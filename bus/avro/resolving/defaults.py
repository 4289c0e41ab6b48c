"""The JSON of a default as the value of its schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bus.avro.compatibility.defaults import fits
from bus.avro.compatibility.tree import Node
from bus.avro.resolving.conversions import conversion


def default_value(default: Any, node: Node) -> Any:
    """What a reader sees where the writer has no such field.

    Bytes are text whose characters are below 256, numbers and texts stand for times and UUIDs, a record's default may
    leave out what has a default of its own, and a union's default is of the first branch that takes it.

    Raises:
        ValueError: It is no value of the schema.
    """
    if node.kind == "union":
        return _of_union(default, node)
    if not fits(default, node):
        raise ValueError(f"{default!r} is no {node}")
    match node.kind:
        case "array":
            return [default_value(item, node.inner[0]) for item in default]
        case "map":
            return {key: default_value(item, node.inner[0]) for key, item in default.items()}
        case "record":
            return {
                field.name: default_value(default.get(field.name, field.default), field.node) for field in node.fields
            }
        case "float" | "double":
            return float(default)  # one that `fits` is not larger than any double
        case "bytes" | "fixed":
            default = default.encode("latin-1")
    convert = conversion(node)
    return default if convert is None else convert(default)


def fresh(value: Any) -> Callable[[], Any] | None:
    """What makes the value anew each time; `None` for what nobody can change."""
    if type(value) is list:
        if all(fresh(item) is None for item in value):
            return value.copy
        return lambda: [_again(item) for item in value]
    if type(value) is dict:
        if all(fresh(item) is None for item in value.values()):
            return value.copy
        return lambda: {key: _again(item) for key, item in value.items()}
    return None


def _again(value: Any) -> Any:
    make = fresh(value)
    return value if make is None else make()


def _of_union(default: Any, node: Node) -> Any:
    for branch in node.inner:
        try:
            return default_value(default, branch)
        except ValueError:  # a text may be none of the first branch's UUIDs
            continue
    raise ValueError(f"{default!r} is no {node}")
