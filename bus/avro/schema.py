"""An Avro schema with its fingerprints and its fast encoder and decoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from bus.avro.admission import SCHEMA_BYTES_MAX, admit
from bus.avro.compiled import Unusual, compiled_encoder
from bus.avro.derive import dump
from bus.avro.framing import SINGLE_OBJECT
from bus.avro.guard import compiled_guard
from bus.errors import ContractError, DecodeError, EncodeError

FRAME_BYTES = 10
"""Two marker bytes and the CRC-64-AVRO of the schema's canonical form, little endian."""

_OPTIONS = {"strict": False, "strict_allow_default": False, "disable_tuple_notation": False}
_read = fastavro.schemaless_reader
_NOISE = frozenset({"doc", "__fastavro_parsed__", "__named_schemas"})


def _whole_writer(out: bytearray, data: Any, schema: Any, named: Any, field: str, options: Any) -> None:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, schema, data)
    out += buffer.getvalue()


# What `schemaless_writer` calls after it has looked over the schema again, which takes a tenth of a value's time; the
# pure Python build of fastavro has no such function.
_write = getattr(getattr(fastavro, "_write", None), "write_data", _whole_writer)


class AvroSchema:
    """One admitted schema.

    Attributes:
        name: The contract's name, `family.file`, or the schema's own.
        text: The whole schema as JSON text, with its documentation.
        normalised: The whole schema as text: names in full, keys sorted, no documentation; logical types kept.
        sha256: Hex digest of `normalised`: its identity.
        frame: The ten bytes that say so in front of a value, in Avro's single-object framing.
    """

    __slots__ = (
        "_compiled",
        "_look",
        "_naive",
        "_named",
        "_parsed",
        "_record",
        "frame",
        "name",
        "normalised",
        "sha256",
        "text",
    )

    def __init__(self, schema: Any, name: str) -> None:
        """Parses and admits.

        Raises:
            ContractError: It is no Avro schema, or one that is not let in.
        """
        try:
            named: dict[str, Any] = {}
            parsed: Any = fastavro.parse_schema(schema, named)
            text = json.dumps(schema, separators=(",", ":"))
            canonical = fastavro.schema.to_parsing_canonical_form(parsed)
            admit(parsed, name)
        except ContractError:
            raise
        except (
            SchemaParseException,
            UnknownType,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            RecursionError,
        ) as e:
            raise ContractError(f"schema {name} is no Avro schema: {type(e).__name__}: {e}") from e
        self._parsed: Any = parsed
        self._named = named
        self.name = name
        self.normalised = json.dumps(_without_noise(parsed), sort_keys=True, separators=(",", ":"))
        if len(self.normalised) > SCHEMA_BYTES_MAX:
            raise ContractError(
                f"schema {name} has {len(self.normalised)} bytes; at most {SCHEMA_BYTES_MAX} are allowed"
            )
        self.sha256 = hashlib.sha256(self.normalised.encode()).hexdigest()
        # fastavro gives the fingerprint as hex in the byte order that single-object framing has.
        self.frame = SINGLE_OBJECT + bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
        self._record = isinstance(parsed, dict) and parsed.get("type") == "record"
        self._look = compiled_guard(parsed)
        self._compiled = compiled_encoder(parsed)
        self._naive = '"local-timestamp' in self.normalised
        self.text = text

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> AvroSchema:
        """Reads the text of an .avsc file.

        Raises:
            ContractError: It is too large, no JSON, or not admitted.
        """
        if len(text) > SCHEMA_BYTES_MAX:
            raise ContractError(f"schema {name} has {len(text)} bytes; at most {SCHEMA_BYTES_MAX} are allowed")
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ContractError(f"schema {name} is no JSON: {error}") from error
        return cls(schema, name)

    @property
    def json(self) -> Any:
        """The schema as JSON, read anew."""
        return json.loads(self.text)

    def encode(self, data: Any, frame: bytes | None = None) -> bytes:
        """A framed value.

        Args:
            data: A dict, a dataclass or a pydantic model for a record; else a plain value.
            frame: What stands in front of the data; Avro's single-object framing unless given.

        Raises:
            EncodeError: The data does not fit; names the field, what was expected and what came.
        """
        if frame is None:
            frame = self.frame
        if type(data) is not dict:  # the check of an abstract class costs as much as a small record's encoding
            data = dump(data, naive=self._naive)
            if self._record and not isinstance(data, Mapping):
                raise EncodeError(
                    f"{self.name}: expected a record (dict, dataclass or pydantic model), got {type(data).__name__}"
                )
        if self._compiled is not None:
            try:
                return self._compiled(data, frame)
            except Unusual:
                pass  # what follows writes it, or says what is wrong with it
        if self._look is not None and (wrong := self._look(data)) is not None:
            raise EncodeError(f"{self.name}: {wrong.lstrip('.: ')}")
        out = bytearray(frame)
        try:
            _write(out, data, self._parsed, self._named, "", _OPTIONS)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError) as error:
            raise EncodeError(self._reason(data, error)) from error
        return bytes(out)

    def decode(self, value: bytes, start: int = FRAME_BYTES) -> Any:
        """The data of a framed value that it wrote.

        Args:
            value: As it came.
            start: Index of the first byte of data.

        Raises:
            DecodeError: It is cut short, or has bytes left over.
        """
        source = BytesIO(value)
        source.seek(start)
        try:
            data = _read(source, self._parsed, None)
        except (
            EOFError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            OverflowError,
            ArithmeticError,
        ) as error:
            raise DecodeError(
                f"value does not fit schema {self.name}: {type(error).__name__}: {error}", value
            ) from error
        if source.tell() != len(value):
            raise DecodeError(f"value of schema {self.name} has {len(value) - source.tell()} bytes left over", value)
        return data

    def _reason(self, data: Any, error: Exception) -> str:
        """Slow on purpose: only a refused value pays for finding the place."""
        try:
            fastavro.validation.validate(data, self._parsed, raise_errors=True, strict=False)
        except fastavro.validation.ValidationError as invalid:
            return f"{self.name}: {'; '.join(str(each) for each in invalid.errors)}"
        except Exception as other:
            error = other
        return f"{self.name}: {error}"

    def __repr__(self) -> str:
        """Its name and identity."""
        return f"<AvroSchema {self.name} {self.sha256[:12]}>"


def _without_noise(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_noise(value) for key, value in schema.items() if key not in _NOISE}
    if isinstance(schema, list):
        return [_without_noise(value) for value in schema]
    return schema
