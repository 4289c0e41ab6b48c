"""What a value says of the schema that wrote it, in each of the framings that are read."""

from __future__ import annotations

from uuid import UUID

from bus.errors import DecodeError

GUID_HEADER = "__value_schema_id"
"""Confluent's header of a GUID or an id; with it the value is bare Avro, and it goes before how the value begins."""

Reference = bytes | int | UUID
"""The ten bytes of Avro's single-object framing, Confluent's id, or Confluent's GUID."""

SINGLE_OBJECT = b"\xc3\x01"
_ID, _GUID = b"\0", b"\1"
_SIZES = {0xC3: 10, 0x00: 5, 0x01: 17}


def prefix_of(value: bytes) -> bytes:
    """The bytes by which two values of one schema are alike; empty when they say nothing of a schema."""
    return value[: _SIZES.get(value[0], 0)] if value else b""


def framing_of(value: bytes, guid: bytes | None = None) -> tuple[Reference, int]:
    """Which schema wrote a value, and the index of its first byte of data.

    Args:
        value: As it came.
        guid: The value of the header `GUID_HEADER`, when the record has it.

    Raises:
        DecodeError: It is framed in none of the four ways, or cut short.
    """
    if guid is not None:
        if guid[:1] == _GUID and len(guid) == 17:
            return UUID(bytes=guid[1:]), 0
        if guid[:1] == _ID and len(guid) == 5:
            return int.from_bytes(guid[1:], "big"), 0
        raise DecodeError(f"header {GUID_HEADER} is {guid[:20].hex()}: neither 01 and a GUID nor 00 and an id", value)
    prefix = prefix_of(value)
    if prefix[:2] == SINGLE_OBJECT and len(prefix) == 10:
        return prefix, 10
    if prefix[:1] == _ID and len(prefix) == 5:
        return int.from_bytes(prefix[1:], "big"), 5
    if prefix[:1] == _GUID and len(prefix) == 17:
        return UUID(bytes=prefix[1:]), 17
    raise DecodeError(
        f"value begins with {value[:2].hex() or 'nothing'}: no Avro framing (c301; 00 and an id; 01 and a GUID)", value
    )


def id_frame(number: int) -> bytes:
    """What stands in front of a value written by the schema of a Confluent id."""
    return _ID + number.to_bytes(4, "big")


def guid_header(guid: UUID) -> tuple[str, bytes]:
    """The header of a value written by the schema of a Confluent GUID."""
    return GUID_HEADER, _GUID + guid.bytes


def described(reference: Reference) -> str:
    """For people: `fingerprint 12ab...`, `id 7` or `GUID ...`."""
    if isinstance(reference, bytes):
        return f"fingerprint {reference[2:].hex()}"
    return f"id {reference}" if isinstance(reference, int) else f"GUID {reference}"
