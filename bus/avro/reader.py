"""Framed values of the topics of one contract, back to data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bus.avro.framing import GUID_HEADER, Reference, framing_of, prefix_of
from bus.avro.plain import PLAIN
from bus.avro.resolving import compiled_reader
from bus.avro.schema import AvroSchema, short_name
from bus.errors import ContractError, DecodeError

_DECODERS_MAX = 1_000

Decode = Callable[[bytes, int], Any]
"""The data of a value, from an index on."""
Known = Callable[[Reference], AvroSchema | None]


class UnknownSchema(LookupError):  # noqa: N818 - no error yet: the registry may know it
    """This process has not met the schema of a value.

    Attributes:
        reference: What the value says of it.
    """

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self.reference = reference


class Reader:
    """Reads what other versions of the contract wrote as this one; what no contract wrote, as it was written."""

    __slots__ = ("_contract", "_decoders", "_known", "_name")

    def __init__(self, name: str, contract: AvroSchema | None, known: Known) -> None:
        self._name = name
        self._contract = contract
        self._known = known
        self._decoders: dict[bytes, tuple[Decode, int]] = {}

    def decode(self, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> Any:
        """The data of a value.

        Raises:
            UnknownSchema: Its schema has to be looked up first.
            DecodeError: It is framed in none of the ways, does not fit its schema, or that cannot be read as the
                contract.
        """
        decoders = self._decoders
        if len(headers) > 1 and (guid := _guid_in(headers)) is not None:
            # The same 16 bytes may stand in front of a value too, where data begins behind them.
            found = decoders.get(b"header" + guid) or self._found(b"header" + guid, value, guid)
        else:
            # Of a single object, else of an id, the two usual framings: quicker than to look which it is.
            found = decoders.get(value[:10]) or decoders.get(value[:5]) or self._found(prefix_of(value), value, None)
        return found[0](value, found[1])

    def _found(self, key: bytes, value: bytes, guid: bytes | None) -> tuple[Decode, int]:
        found = self._decoders.get(key)
        if found is not None:
            return found
        reference, start = framing_of(value, guid)
        schema = self._known(reference)
        if schema is None:
            raise UnknownSchema(reference)
        if len(self._decoders) >= _DECODERS_MAX:
            self._decoders.clear()
        found = self._decoders[key] = self._decode(schema), start
        return found

    def _decode(self, schema: AvroSchema) -> Decode:
        contract = self._contract
        # What was published before the topic had a contract is given as it was written.
        if contract is None or schema.sha256 == contract.sha256 or schema.sha256 in PLAIN:
            return schema.decode
        try:
            return compiled_reader(contract.json, schema.json, name=short_name(self._name))
        except ContractError as error:
            reason = f"written by schema {schema.name} ({schema.sha256[:12]}), not readable as {self._name}: {error}"

        def refuse(value: bytes, _: int) -> Any:
            raise DecodeError(reason, value)

        return refuse


def _guid_in(headers: Sequence[tuple[str, bytes]]) -> bytes | None:
    return next((text for name, text in headers if name == GUID_HEADER), None)
