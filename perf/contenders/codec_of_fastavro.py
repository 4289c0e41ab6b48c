"""fastavro with nothing around it, which every ratio of the codec workload is to."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import fastavro

from perf.codec.coding import Coding, Schema

_write = fastavro.schemaless_writer
_read = fastavro.schemaless_reader
_bytes_io = io.BytesIO


def codec(schema: Schema, model: Any = None) -> Coding:
    """Bare Avro; with a model, what one writes by hand to get from it to a dict and back."""
    parsed = fastavro.parse_schema(schema)

    def encode(data: Any) -> bytes:
        buffer = _bytes_io()
        _write(buffer, parsed, data)
        return buffer.getvalue()

    def decode(value: bytes) -> Any:
        return _read(_bytes_io(value), parsed, None)

    if model is None:
        return Coding(encode, decode)
    if dataclasses.is_dataclass(model):
        names = [field.name for field in dataclasses.fields(model)]
        make: Any = model  # `asdict` takes several times as long as this, and copies what need not be copied
        return Coding(
            lambda data: encode({name: getattr(data, name) for name in names}), lambda value: make(**decode(value))
        )
    validate = model.model_validate
    return Coding(lambda data: encode(data.model_dump()), lambda value: validate(decode(value)))
