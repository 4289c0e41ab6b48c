"""JSON as a contract has it: text for what JSON lacks becomes times, decimals, UUIDs and bytes. Pure.

It takes what `tierbus tail --json` prints: times in ISO 8601, decimals and UUIDs as text, bytes as `{"base64": "..."}`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from bus.avro.compatibility.tree import Node, read_tree

_TEXTS: dict[str, Callable[[str], Any]] = {
    "uuid": UUID,
    "date": date.fromisoformat,
    "time-millis": time.fromisoformat,
    "time-micros": time.fromisoformat,
    "timestamp-millis": datetime.fromisoformat,
    "timestamp-micros": datetime.fromisoformat,
    "local-timestamp-millis": datetime.fromisoformat,
    "local-timestamp-micros": datetime.fromisoformat,
}


def from_json(schema: Any, value: Any) -> Any:
    """The value for a contract.

    What cannot be turned into what the contract wants stays as it is, for the encoder to say what is wrong.

    Args:
        schema: Plain JSON schema.
        value: Of JSON whose numbers with a point were read as `Decimal`, so that decimals stay exact.
    """
    return _value(value, read_tree(schema))


def _value(value: Any, node: Node) -> Any:
    if node.kind == "union":
        return _of_union(value, node)
    if isinstance(value, list):
        return [_value(each, node.inner[0]) for each in value] if node.kind == "array" else _plain(value)
    if isinstance(value, dict):
        return _of_object(value, node)
    if node.logical.startswith("decimal"):
        return _decimal(value)
    if isinstance(value, str) and node.logical in _TEXTS:
        try:
            return _TEXTS[node.logical](value)
        except ValueError:
            return value
    return _plain(value)


def _of_object(value: dict[str, Any], node: Node) -> Any:
    if node.kind == "record":
        kinds = {field.name: field.node for field in node.fields}
        return {name: _value(each, kinds[name]) if name in kinds else _plain(each) for name, each in value.items()}
    if node.kind == "map":
        return {name: _value(each, node.inner[0]) for name, each in value.items()}
    if node.kind in ("bytes", "fixed") and value.keys() == {"base64"}:
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (ValueError, TypeError, binascii.Error):
            return value
    return _plain(value)


def _of_union(value: Any, node: Node) -> Any:
    """Text stays text where it may; else the first branch that makes something of it, or the first of its kind."""
    if value is None or (isinstance(value, str) and any(_takes_text(value, branch) for branch in node.inner)):
        return value
    for branch in node.inner:
        made = _value(value, branch)
        if type(made) is not type(_plain(value)):
            return made
    kinds = {"record", "map"} if isinstance(value, Mapping) else {"array"} if isinstance(value, list) else set()
    inside = next((branch for branch in node.inner if branch.kind in kinds), None)
    return _plain(value) if inside is None else _value(value, inside)


def _takes_text(value: str, node: Node) -> bool:
    return (node.kind == "string" and not node.logical) or value in node.symbols


def _decimal(value: Any) -> Any:
    if not isinstance(value, str | Decimal) and type(value) is not int:
        return value
    try:
        return Decimal(value)
    except InvalidOperation:
        return value


def _plain(value: Any) -> Any:
    """The same with floats where a point was."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value
