"""The registry that Kafka keeps: every schema that wrote a value, in the compacted topic `_schemas`.

The key is the SHA-256 of the whole normalised schema. The ten bytes in front of a value hold only the CRC-64 of Avro's
canonical form, which forgets logical types: two decimals of other scale have one CRC. So a schema is refused when its
CRC already belongs to a schema that would decode the same bytes to other data.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from bus.avro.plain import BYTES, JSON, TEXT
from bus.avro.schema import AvroSchema
from bus.errors import ContractError

SCHEMAS_TABLE = "_schemas"


class SchemaStore(Protocol):
    """The part of a transport's table that the registry needs."""

    def items(self) -> Mapping[str, bytes]:
        """All that is known, in the topic's order."""
        ...

    async def put(self, key: str, value: bytes | None) -> None:
        """Writes and reads back."""
        ...

    async def refresh(self) -> None:
        """Reads to the end."""
        ...


class SchemaRegistry:
    """Schemas by the frame that their values begin with."""

    def __init__(self, open_store: Callable[[], Awaitable[SchemaStore]]) -> None:
        self._open_store = open_store
        self._store: SchemaStore | None = None
        self._by_frame: dict[bytes, AvroSchema] = {schema.frame: schema for schema in (BYTES, TEXT, JSON)}
        self._seen: set[str] = set()
        self._registering = asyncio.Lock()

    def known(self, frame: bytes) -> AvroSchema | None:
        """The schema of a frame, when this process has met it."""
        return self._by_frame.get(frame)

    def forget_store(self) -> None:
        """The connection was renewed: the store is opened anew when it is next needed; what was learned stays."""
        self._store = None

    async def register(self, schema: AvroSchema) -> None:
        """Makes the schema readable for every client that starts from now on.

        Two processes that register the same schema at once write the same key. Two that register schemas which
        clash both write, both read back what the other wrote, and the later one in the topic is taken out again.

        Raises:
            ContractError: Another schema, with other logical types, has the same CRC.
            BusConnectionError: Kafka did not answer in time.
        """
        async with self._registering:
            if not schema.registered:
                await self._register(schema)

    async def _register(self, schema: AvroSchema) -> None:
        store = await self._refreshed()
        self._refuse_clash(schema)
        if schema.sha256 not in store.items():
            entry = {"name": schema.name, "crc64": schema.frame[2:].hex(), "schema": schema.normalised}
            await store.put(schema.sha256, json.dumps(entry).encode())
            self._learn(store)
            try:
                self._refuse_clash(schema)
            except ContractError:
                await store.put(schema.sha256, None)
                raise
        schema.registered = True

    async def find(self, frame: bytes) -> AvroSchema | None:
        """The schema of a frame after reading what was registered meanwhile; `None` when nobody registered it.

        Raises:
            BusConnectionError: Kafka did not answer in time.
        """
        if frame not in self._by_frame:
            await self._refreshed()
        return self._by_frame.get(frame)

    async def _refreshed(self) -> SchemaStore:
        if self._store is None:
            self._store = await self._open_store()
        else:
            await self._store.refresh()
        self._learn(self._store)
        return self._store

    def _learn(self, store: SchemaStore) -> None:
        """Takes in what is new, in the topic's order: the first owner of a CRC keeps it."""
        for sha256, entry in store.items().items():
            if sha256 not in self._seen:
                self._seen.add(sha256)
                schema = _read_entry(entry)
                if schema is not None:
                    schema.registered = True
                    self._by_frame.setdefault(schema.frame, schema)

    def _refuse_clash(self, schema: AvroSchema) -> None:
        owner = self._by_frame.get(schema.frame)
        if owner is not None and owner.sha256 != schema.sha256 and _decodes_otherwise(owner, schema):
            raise ContractError(
                f"contract {schema.name} and the registered {owner.name} ({owner.sha256[:12]}) have the same Avro "
                "fingerprint but other logical types, so readers could not tell their values apart; rename the record "
                "or keep the logical types"
            )


def _read_entry(entry: bytes) -> AvroSchema | None:
    """`None` for what is no entry of ours or not admitted: it can write no value that we would decode."""
    try:
        fields: Any = json.loads(entry)
        return AvroSchema.from_json(fields["schema"], str(fields["name"]))
    except (ValueError, KeyError, TypeError):
        return None


def _decodes_otherwise(one: AvroSchema, other: AvroSchema) -> bool:
    return bool(_logical(json.loads(one.normalised)) != _logical(json.loads(other.normalised)))


def _logical(schema: Any) -> Any:
    """The schema with only what decides how bytes become data."""
    if isinstance(schema, dict):
        skip = ("default", "aliases", "order")
        return {key: _logical(value) for key, value in schema.items() if key not in skip}
    if isinstance(schema, list):
        return [_logical(value) for value in schema]
    return schema
