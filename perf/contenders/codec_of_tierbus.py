"""tierbus's own encoding and decoding: the one place where the codec workload touches `bus`."""

from __future__ import annotations

from typing import Any

import fastavro

from bus.avro.compiled import Unusual, compiled_encoder
from bus.avro.contract import Contract
from bus.avro.schema import AvroSchema
from bus.consume.handler import prepare
from perf.codec.coding import Coding, Schema


def codec(schema: Schema, model: type | None = None) -> Coding:
    """What publishing with a contract does, and what is done for a handler; with a model, one that asks for it."""
    contract = Contract("bench.codec", AvroSchema(schema, "bench.codec"))
    contract.write_as(contract.schema.frame)
    decode = contract.schema.decode
    if model is None:
        plain = compiled_encoder(fastavro.parse_schema(schema))

        def falls_back(data: Any) -> bool:
            if plain is None:
                return True
            try:
                plain(data, b"")
            except Unusual:
                return True
            return False

        return Coding(contract.encode, decode, falls_back)

    def handler(data: Any) -> None:
        """Never called; what it asks for is what counts."""

    handler.__annotations__["data"] = model
    _, convert = prepare(handler)
    assert convert is not None, f"handlers are not given {model.__name__}"
    return Coding(contract.encode, lambda value: convert(decode(value)))
