"""What a registry keeps in Kafka, in memory: the table's promise without its transport."""

from __future__ import annotations

from typing import Any

from bus.avro.codec import Codec
from bus.avro.contract import Contract
from bus.avro.registry import KafkaRegistry
from bus.avro.schema import AvroSchema
from bus.routing.router import Router
from bus.settings import Settings


class Store:
    """A registry's topic."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.refreshed = 0

    def items(self) -> dict[str, bytes]:
        return self.entries

    async def put(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = value

    async def refresh(self) -> None:
        self.refreshed += 1


def registry_over(store: Store) -> KafkaRegistry:
    """As one process has it."""

    async def opened() -> Store:
        return store

    return KafkaRegistry(opened)


def codec_over(store: Store, **settings: Any) -> Codec:
    """As one client has it."""

    async def opened() -> Store:
        return store

    given = Settings(**settings)
    return Codec(given, Router.from_settings(given).rule, opened)


def record(name: str, *fields: Any, contract: str = "shop.thing", mode: Any = "BACKWARD_TRANSITIVE") -> Contract:
    """A contract of a record with fields `(name, type)` or `(name, type, default)`."""
    from bus.avro.compatibility import Mode

    described = [dict(zip(("name", "type", "default"), field, strict=False)) for field in fields]
    schema = {"type": "record", "name": name, "namespace": "shop", "fields": described}
    return Contract(contract, AvroSchema(schema, contract), Mode(mode))
