"""The registry that Kafka keeps: every schema that wrote a value, in the compacted topic `_schemas`.

A schema's key is the SHA-256 of its whole normalised form. The ten bytes in front of a value hold only the CRC-64 of
Avro's canonical form, which forgets logical types: two decimals of other scale have one CRC. So a schema is refused
when its CRC already belongs to a schema that would decode the same bytes to other data.

A version of a contract is a claim with the key `<contract>@<sha256>`; see `history`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from bus.avro.contract import Contract
from bus.avro.framing import Reference
from bus.avro.plain import PLAIN
from bus.avro.registry.base import Registered
from bus.avro.registry.history import History, entry_of, version_key
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
        self._history = History()
        self._asking = asyncio.Lock()

    def known(self, reference: Reference) -> AvroSchema | None:
        """The schema of a frame, when this process has met it."""
        return self._history.known(reference) if isinstance(reference, bytes) else None

    def forget_store(self) -> None:
        """The connection was renewed: the store is opened anew when it is next needed; what was learned stays."""
        self._store = None

    async def register(self, contract: Contract) -> Registered:
        """As the protocol says.

        First the version is claimed, then all claims are read back. Two processes that register the same schema at once
        write the same keys. Of two that may not both be there, the later one in the topic steps back. Stopped anywhere,
        it can be done again, and goes on where it was.
        """
        async with self._asking:
            store = await self._refreshed()
            key = version_key(contract)
            if key not in store.items():
                self._history.refuse(contract)
                await store.put(key, self._history.claim_of(contract))
                self._history.read(store.items())
            try:
                self._history.refuse(contract)
            except ContractError:
                await store.put(key, None)
                self._history.read(store.items())
                raise
            for each in (*PLAIN.values(), contract.schema):  # the plain ones for readers that are not of ours
                if each.sha256 not in store.items():
                    await store.put(each.sha256, entry_of(each))
            self._history.read(store.items())
        return Registered()

    async def look_up(self, contract: Contract) -> Registered | None:
        """As the protocol says; what topics without contract carry is always known."""
        if contract.schema.sha256 in PLAIN:
            return Registered()
        async with self._asking:
            await self._refreshed()
        return Registered() if self._history.is_version(contract) else None

    async def find(self, reference: Reference) -> AvroSchema | None:
        """The schema of a frame, after reading what was registered meanwhile."""
        async with self._asking:
            if self.known(reference) is None:
                await self._refreshed()
        return self.known(reference)

    async def versions(self, name: str) -> Sequence[AvroSchema]:
        """As the protocol says."""
        async with self._asking:
            await self._refreshed()
        return self._history.versions(name)

    async def names(self) -> Sequence[str]:
        """As the protocol says."""
        async with self._asking:
            await self._refreshed()
        return self._history.names()

    async def close(self) -> None:
        """The store belongs to the transport."""
        self.forget_store()

    async def _refreshed(self) -> SchemaStore:
        if self._store is None:
            self._store = await self._open_store()
        else:
            await self._store.refresh()
        self._history.read(self._store.items())
        return self._store
