"""The defaults of a schema as values: fastavro would write the JSON that they are given in, text for bytes."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from bus.avro.compatibility.tree import Node, read_tree
from bus.avro.guard import definitions
from bus.avro.resolving.defaults import default_value


def with_values(parsed: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Copies of a parsed schema and its named types, in which a missing field is filled in by a value of its type.

    A default that is no value of its type stays as it is; the writer refuses it.
    """
    nodes = {node.name: node for node in _records(read_tree(parsed), set())}
    copied: tuple[Any, dict[str, Any]] = copy.deepcopy((parsed, named))
    both = (*definitions(copied[0]).values(), *copied[1].values())  # which may or may not be the same objects
    for schema in {id(each): each for each in both if "fields" in each}.values():
        for field, described in zip(schema["fields"], nodes[schema["name"]].fields, strict=True):
            if "default" in field:
                with contextlib.suppress(ValueError):
                    field["default"] = default_value(field["default"], described.node)
    return copied


def _records(node: Node, met: set[int]) -> Iterator[Node]:
    if id(node) in met:
        return
    met.add(id(node))
    if node.kind == "record":
        yield node
    for inner in (*node.inner, *(field.node for field in node.fields)):
        yield from _records(inner, met)
