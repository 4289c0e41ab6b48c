"""The registry that Kafka keeps: every schema that wrote a value, in the compacted topic `_schemas`.

A schema's key is the SHA-256 of its whole normalised form. The ten bytes in front of a value hold only the CRC-64 of
Avro's canonical form, which forgets logical types: two decimals of other scale have one CRC. So a schema is refused
when its CRC already belongs to a schema that would decode the same bytes to other data.

A version of a contract has the key `<contract>@<sha256>`; versions are in the order in which they were first written.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from bus.avro.contract import Contract
from bus.avro.framing import Reference
from bus.avro.plain import PLAIN
from bus.avro.registry.base import Registered, refuse_incompatible
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


class KafkaRegistry:
    """Needs no server but Kafka."""

    def __init__(self, open_store: Callable[[], Awaitable[SchemaStore]]) -> None:
        self._open_store = open_store
        self._store: SchemaStore | None = None
        self._by_sha256: dict[str, AvroSchema] = dict(PLAIN)
        self._by_frame: dict[bytes, AvroSchema] = {schema.frame: schema for schema in PLAIN.values()}
        self._seen: set[str] = set()
        self._asking = asyncio.Lock()

    def known(self, reference: Reference) -> AvroSchema | None:
        """The schema of a frame, when this process has met it."""
        return self._by_frame.get(reference) if isinstance(reference, bytes) else None

    def forget_store(self) -> None:
        """The connection was renewed: the store is opened anew when it is next needed; what was learned stays."""
        self._store = None

    async def register(self, contract: Contract) -> Registered:
        """As the protocol says.

        Two processes that register the same schema at once write the same keys. Two that register schemas which clash
        both write, both read back what the other wrote, and the later one in the topic is taken out again.
        """
        async with self._asking:
            store = await self._refreshed()
            version = _version_key(contract)
            if version in store.items():
                return Registered()
            self._refuse(contract, store)
            schema = contract.schema
            for each in (*PLAIN.values(), schema):  # the plain ones for readers that are not of ours
                if each.sha256 not in store.items():
                    await store.put(each.sha256, _entry(each))
            await store.put(version, json.dumps({"compatibility": contract.compatibility.value}).encode())
            self._learn(store)
            try:
                self._refuse(contract, store)
            except ContractError:
                await store.put(version, None)
                if not any(key.endswith(f"@{schema.sha256}") for key in store.items()):
                    await store.put(schema.sha256, None)
                raise
        return Registered()

    def _refuse(self, contract: Contract, store: SchemaStore) -> None:
        self._refuse_clash(contract.schema)
        before = []
        for version in self._versions(contract.name, store):
            if version.sha256 == contract.schema.sha256:
                break
            before.append(version)
        refuse_incompatible(contract, before)

    def _refuse_clash(self, schema: AvroSchema) -> None:
        owner = self._by_frame.get(schema.frame)
        if owner is not None and owner.sha256 != schema.sha256 and _decodes_otherwise(owner, schema):
            raise ContractError(
                f"contract {schema.name} and the registered {owner.name} ({owner.sha256[:12]}) have the same Avro "
                "fingerprint but other logical types, so readers could not tell their values apart; rename the record "
                "or keep the logical types"
            )

    async def look_up(self, contract: Contract) -> Registered | None:
        """As the protocol says; what topics without contract carry is always known."""
        if contract.schema.sha256 in PLAIN:
            return Registered()
        async with self._asking:
            store = await self._refreshed()
        return Registered() if _version_key(contract) in store.items() else None

    async def find(self, reference: Reference) -> AvroSchema | None:
        """The schema of a frame, after reading what was registered meanwhile."""
        async with self._asking:
            if self.known(reference) is None:
                await self._refreshed()
        return self.known(reference)

    async def versions(self, name: str) -> Sequence[AvroSchema]:
        """As the protocol says."""
        async with self._asking:
            return self._versions(name, await self._refreshed())

    def _versions(self, name: str, store: SchemaStore) -> list[AvroSchema]:
        keys = (key.rpartition("@") for key in store.items())
        return [
            self._by_sha256[sha] for contract, at, sha in keys if at and contract == name and sha in self._by_sha256
        ]

    async def names(self) -> Sequence[str]:
        """As the protocol says."""
        async with self._asking:
            store = await self._refreshed()
        return sorted({key.rpartition("@")[0] for key in store.items() if "@" in key})

    async def close(self) -> None:
        """The store belongs to the transport."""
        self.forget_store()

    async def _refreshed(self) -> SchemaStore:
        if self._store is None:
            self._store = await self._open_store()
        else:
            await self._store.refresh()
        self._learn(self._store)
        return self._store

    def _learn(self, store: SchemaStore) -> None:
        """Takes in what is new, in the topic's order: the first owner of a CRC keeps it."""
        for key, entry in store.items().items():
            if key not in self._seen:
                self._seen.add(key)
                schema = None if "@" in key else _read_entry(entry)
                if schema is not None:
                    schema = PLAIN.get(schema.sha256, schema)
                    self._by_sha256.setdefault(schema.sha256, schema)
                    self._by_frame.setdefault(schema.frame, schema)


def _version_key(contract: Contract) -> str:
    return f"{contract.name}@{contract.schema.sha256}"


def _entry(schema: AvroSchema) -> bytes:
    return json.dumps({"name": schema.name, "crc64": schema.frame[2:].hex(), "schema": schema.text}).encode()


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
