"""Schemas in few words, and values of them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro

from bus.avro.resolving import compiled_reader


def record(*fields: dict[str, Any], name: str = "Order", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


def fixed(size: int, **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "Fixed", "size": size, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "Side", "symbols": list(symbols), **more}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def mapping(values: Any) -> dict[str, Any]:
    return {"type": "map", "values": values}


DECIMAL = logical("bytes", "decimal", precision=4, scale=2)
EMPTY = record(name="Empty")


INNER = record(field("x", "int", default=5), field("y", array("int"), default=[1]), name="Inner")


def encoded(writer: Any, value: Any) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(writer), value)
    return buffer.getvalue()


def read(reader: Any, writer: Any, raw: bytes) -> Any:
    return compiled_reader(reader, writer)(raw, 0)
