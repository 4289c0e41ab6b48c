"""Values of topics that have no contract: bytes stay bytes, str stays str, anything else is JSON.

All three are Avro too, each with one length-prefixed field, so that any Avro reader can read them. JSON is one text
field and never a recursive schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from bus.avro.contract import Contract
from bus.avro.schema import FRAME_BYTES, AvroSchema
from bus.errors import DecodeError, EncodeError


class _Prefixed(AvroSchema):
    """One run of bytes behind its length."""

    __slots__ = ()

    def encode(self, data: Any, frame: bytes | None = None) -> bytes:
        raw = self._to_bytes(data)
        return (self.frame if frame is None else frame) + _length(len(raw)) + raw

    def encoder(self, frame: bytes) -> Callable[[Any], bytes]:
        return lambda data: self.encode(data, frame)

    def decode(self, value: bytes, start: int = FRAME_BYTES) -> Any:
        size, start = _read_length(value, start)
        if start + size != len(value):
            raise DecodeError(f"value of {self.name} says {size} bytes and has {len(value) - start}", value)
        try:
            return self._from_bytes(value[start:])
        except ValueError as error:
            raise DecodeError(f"value of {self.name} cannot be read: {error}", value) from error

    def _to_bytes(self, data: Any) -> bytes:
        return bytes(data)

    def _from_bytes(self, raw: bytes) -> Any:
        return raw


class _Text(_Prefixed):
    __slots__ = ()

    def _to_bytes(self, data: str) -> bytes:
        try:
            return data.encode()
        except UnicodeEncodeError as error:
            raise EncodeError(f"text cannot be written as UTF-8: {error}") from error

    def _from_bytes(self, raw: bytes) -> Any:
        return raw.decode()


class _Json(_Prefixed):
    __slots__ = ()

    def _to_bytes(self, data: Any) -> bytes:
        try:
            return to_json(data, inf_nan_mode="constants")
        except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
            raise EncodeError(
                f"data of type {type(data).__name__} cannot be written as JSON: {error}; give bytes, str or plain "
                "values, or bind the topic to a contract"
            ) from error

    def _from_bytes(self, raw: bytes) -> Any:
        return from_json(raw, allow_inf_nan=True)


BYTES: AvroSchema = _Prefixed("bytes", "tierbus.bytes")
TEXT: AvroSchema = _Text("string", "tierbus.text")
JSON: AvroSchema = _Json(
    {
        "type": "record",
        "name": "Json",
        "namespace": "tierbus",
        "fields": [{"name": "json", "type": "string"}],
    },
    "tierbus.json",
)
PLAIN = {schema.sha256: schema for schema in (BYTES, TEXT, JSON)}
"""By identity: a registry gives their schemas back as any others."""


class Plain:
    """The three, as one client writes them."""

    def __init__(self) -> None:
        self.bytes, self.text, self.json = (Contract(schema.name, schema) for schema in (BYTES, TEXT, JSON))

    def contract_for(self, data: Any) -> Contract:
        """The one of the data's kind."""
        if isinstance(data, bytes | bytearray | memoryview):
            return self.bytes
        return self.text if isinstance(data, str) else self.json

    def all(self) -> tuple[Contract, ...]:
        """The three."""
        return self.bytes, self.text, self.json


def _length(size: int) -> bytes:
    """Avro's zigzag varint of a length."""
    size <<= 1
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


def _read_length(value: bytes, start: int) -> tuple[int, int]:
    result = shift = 0
    for position in range(start, min(len(value), start + 10)):
        byte = value[position]
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return -1 if result & 1 else result >> 1, position + 1
        shift += 7
    return -1, len(value)
