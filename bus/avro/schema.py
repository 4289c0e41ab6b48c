"""An Avro schema with its fingerprints and its fast encoder and decoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import fastavro

from bus.avro.admission import SCHEMA_BYTES_MAX, admit
from bus.avro.compiled import Unusual, compiled_encoder
from bus.avro.derive import dump
from bus.avro.explain import explain
from bus.avro.fastest import read, write
from bus.avro.filling import with_values
from bus.avro.framing import SINGLE_OBJECT
from bus.avro.guard import compiled_guard
from bus.errors import ContractError, DecodeError, EncodeError

FRAME_BYTES = 10
"""Two marker bytes and the CRC-64-AVRO of the schema's canonical form, little endian."""

_NOISE = frozenset({"doc", "__fastavro_parsed__", "__named_schemas"})


@dataclass(frozen=True, slots=True)
class _Writing:
    """What writes values: a schema whose defaults are values, and what is compiled of it."""

    parsed: Any
    named: dict[str, Any]
    fits: Callable[[Any], bool]
    compiled: Callable[[Any, bytes], bytes] | None


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
        "_named",
        "_parsed",
        "_writing",
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
            self._parse(schema, name)
        except ContractError:
            raise
        except Exception as e:  # a stranger's schema makes parsers raise anything
            raise ContractError(f"schema {name} is no Avro schema: {type(e).__name__}: {e}") from e
        self.name = name
        self._writing: _Writing | None = None

    def _parse(self, schema: Any, name: str) -> None:
        named: dict[str, Any] = {}
        parsed: Any = fastavro.parse_schema(schema, named)
        admit(parsed, name)
        self._parsed, self._named = parsed, named
        self.text = json.dumps(schema, separators=(",", ":"))
        self.normalised = json.dumps(_without_noise(parsed), sort_keys=True, separators=(",", ":"))
        if len(self.normalised) > SCHEMA_BYTES_MAX:
            raise ContractError(
                f"schema {name} has {len(self.normalised)} bytes; at most {SCHEMA_BYTES_MAX} are allowed"
            )
        self.sha256 = hashlib.sha256(self.normalised.encode()).hexdigest()
        canonical = fastavro.schema.to_parsing_canonical_form(parsed)
        # fastavro gives the fingerprint as hex in the byte order that single-object framing has.
        self.frame = SINGLE_OBJECT + bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))

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
        plain = data if type(data) is dict else dump(data)
        writing = self._writing or self._prepared()
        if writing.compiled is not None:
            try:
                return writing.compiled(plain, frame)
            except Unusual:
                pass  # what follows writes it, or says what is wrong with it
        try:
            return self._encode(plain, frame, writing)
        except EncodeError:
            # Models inside of a dict are not looked for before.
            if (deep := dump(plain, deep=True)) is plain:
                raise
        return self._encode(deep, frame, writing)

    def _prepared(self) -> _Writing:
        """What writing needs, made when something is written: most schemas of a registry are only read by."""
        parsed, named = with_values(self._parsed, self._named)
        self._writing = _Writing(parsed, named, compiled_guard(parsed), compiled_encoder(parsed))
        return self._writing

    def encoder(self, frame: bytes) -> Callable[[Any], bytes]:
        """`encode` with one frame, and one call less for a plain dict."""
        compiled, encode = (self._writing or self._prepared()).compiled, self.encode
        if compiled is None:
            return lambda data: encode(data, frame)

        def encoded(data: Any) -> bytes:
            if type(data) is dict:
                try:
                    return compiled(data, frame)
                except Unusual:
                    pass
            return encode(data, frame)

        return encoded

    def _encode(self, data: Any, frame: bytes, writing: _Writing) -> bytes:
        cause: Exception | None = None
        try:
            if writing.fits(data):
                out = bytearray(frame)
                write(out, data, writing.parsed, writing.named)
                return bytes(out)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
            cause = error
        raise EncodeError(f"{self._wrong(writing.parsed, data, cause)} (contract {self.name})") from cause

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
            data = read(source, self._parsed, self._named)
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

    def _wrong(self, parsed: Any, data: Any, cause: Exception | None) -> str:
        """Slow on purpose: only a refused value pays for finding the place."""
        name = short_name(self.name)
        try:
            wrong = explain(parsed, data, name)
        except Exception as error:  # data that raises when it is looked at
            wrong, cause = None, error
        return wrong or f"{name}: {type(cause).__name__}: {cause}"

    def __repr__(self) -> str:
        """Its name and identity."""
        return f"<AvroSchema {self.name} {self.sha256[:12]}>"


def short_name(name: str) -> str:
    """What the paths of a contract's fields begin with: `trading.order` gives `order`."""
    return name.rpartition(".")[2]


def _without_noise(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_noise(value) for key, value in schema.items() if key not in _NOISE}
    if isinstance(schema, list):
        return [_without_noise(value) for value in schema]
    return schema
