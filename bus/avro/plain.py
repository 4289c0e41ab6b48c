"""Values of topics that have no contract: bytes stay bytes, str stays str, anything else is JSON.

All three are Avro too, each with one length-prefixed field, so that any Avro reader can read them. JSON is one text
field and never a recursive schema.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from bus.avro.schema import FRAME_BYTES, AvroSchema
from bus.errors import DecodeError, EncodeError

BYTES = AvroSchema("bytes", "tierbus.bytes")
TEXT = AvroSchema("string", "tierbus.text")
JSON = AvroSchema(
    {
        "type": "record",
        "name": "Json",
        "namespace": "tierbus",
        "fields": [{"name": "json", "type": "string"}],
    },
    "tierbus.json",
)


def encode_plain(data: Any) -> tuple[AvroSchema, bytes]:
    """The schema for the data's kind, and the framed value.

    Raises:
        EncodeError: It is neither bytes nor str and cannot be written as JSON.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        return BYTES, BYTES.frame + _length(len(raw := bytes(data))) + raw
    if isinstance(data, str):
        try:
            raw = data.encode()
        except UnicodeEncodeError as error:
            raise EncodeError(f"text cannot be written as UTF-8: {error}") from error
        return TEXT, TEXT.frame + _length(len(raw)) + raw
    try:
        raw = to_json(data, inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise EncodeError(
            f"data of type {type(data).__name__} cannot be written as JSON: {error}; give bytes, str or plain values, "
            "or bind the topic to a contract"
        ) from error
    return JSON, JSON.frame + _length(len(raw)) + raw


def decode_plain(schema: AvroSchema, value: bytes) -> Any:
    """The data of a framed value of one of the three schemas.

    Raises:
        DecodeError: The length does not fit, or it is no UTF-8 or JSON.
    """
    size, start = _read_length(value)
    if start + size != len(value):
        raise DecodeError(f"value of {schema.name} says {size} bytes and has {len(value) - start}", value)
    raw = value[start:]
    try:
        if schema is JSON:
            return from_json(raw, allow_inf_nan=True)
        return raw.decode() if schema is TEXT else raw
    except ValueError as error:
        raise DecodeError(f"value of {schema.name} cannot be read: {error}", value) from error


def _length(size: int) -> bytes:
    """Avro's zigzag varint of a length."""
    size <<= 1
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


def _read_length(value: bytes) -> tuple[int, int]:
    result = shift = 0
    for position in range(FRAME_BYTES, min(len(value), FRAME_BYTES + 10)):
        byte = value[position]
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return -1 if result & 1 else result >> 1, position + 1
        shift += 7
    return -1, len(value)
