"""Data to framed bytes and back, for one client."""

from __future__ import annotations

from typing import Any

from bus.avro.contracts import load_contracts
from bus.avro.plain import BYTES, JSON, TEXT, decode_plain, encode_plain
from bus.avro.registry import SchemaRegistry
from bus.avro.schema import FRAME_BYTES, SINGLE_OBJECT, AvroSchema
from bus.errors import ContractError, DecodeError

_PLAIN = frozenset({BYTES, TEXT, JSON})


class Codec:
    """The contracts of one client and the schemas that it has met."""

    def __init__(self, contracts_dir: str | None, registry: SchemaRegistry) -> None:
        """Loads the contracts.

        Raises:
            ContractError: One of them is not admitted.
        """
        self.contracts = load_contracts(contracts_dir)
        self.registry = registry

    def contract(self, name: str) -> AvroSchema:
        """The contract of that name.

        Raises:
            ContractError: There is none; lists those that are.
        """
        try:
            return self.contracts[name]
        except KeyError:
            raise ContractError(
                f"contract {name} is unknown; known are {', '.join(sorted(self.contracts))}; set contracts_dir to a "
                "folder that holds it as <family>/<name>.avsc"
            ) from None

    @staticmethod
    def encode(contract: AvroSchema | None, data: Any) -> tuple[AvroSchema, bytes]:
        """The schema that wrote the value (it must be registered before the value is sent), and the framed value.

        Raises:
            EncodeError: The data does not fit.
        """
        if contract is None:
            return encode_plain(data)
        return contract, contract.encode(data)

    def decode(self, value: bytes) -> Any:
        """The data of a framed value whose schema is known.

        Raises:
            LookupError: The schema is not known yet: `await learn(value)` and try again.
            DecodeError: The value is not framed as ours, or does not fit its schema.
        """
        schema = self.registry.known(value[:FRAME_BYTES])
        if schema is None:
            if len(value) < FRAME_BYTES or value[:2] != SINGLE_OBJECT:
                raise DecodeError(
                    f"value begins with {value[:2].hex() or 'nothing'}, not with an Avro frame (c301)", value
                )
            raise LookupError(value[2:FRAME_BYTES].hex())
        if schema in _PLAIN:
            return decode_plain(schema, value)
        return schema.decode(value)

    async def learn(self, value: bytes) -> None:
        """Looks the value's schema up in the registry.

        Raises:
            DecodeError: Nobody registered it.
            BusConnectionError: The registry did not answer in time.
        """
        if await self.registry.find(value[:FRAME_BYTES]) is None:
            raise DecodeError(
                f"schema {value[2:FRAME_BYTES].hex()} is in no registry; register it and read again", value
            )
