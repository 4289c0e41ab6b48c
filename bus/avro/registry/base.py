"""The promise of a registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from bus.avro.contract import Contract
from bus.avro.framing import Reference
from bus.avro.schema import AvroSchema


@dataclass(frozen=True, slots=True)
class Registered:
    """How a registry knows a schema.

    Attributes:
        id: Confluent's number; none where schemas are known by their fingerprint.
        guid: Confluent's GUID, from registries that give one.
    """

    id: int | None = None
    guid: UUID | None = None


class Registry(Protocol):
    """Versions of contracts by name, and schemas by what values say of them.

    Every method raises `BusConnectionError` when the registry does not answer in bounded time or refuses us.
    """

    async def register(self, contract: Contract) -> Registered:
        """Makes the contract readable for everyone from now on, as the newest version under its name.

        Doing it again changes nothing. Of two clients that register at once each sees the other's version.

        Raises:
            ContractError: It breaks the contract's rule of change; nothing was added.
        """
        ...

    async def look_up(self, contract: Contract) -> Registered | None:
        """How it is known, when exactly this schema is a version under the contract's name."""
        ...

    def known(self, reference: Reference) -> AvroSchema | None:
        """The schema of a value, when this process has met it."""
        ...

    async def find(self, reference: Reference) -> AvroSchema | None:
        """The schema of a value; `None` when nobody registered it.

        Raises:
            ContractError: It is there and not admitted, or no Avro.
        """
        ...

    async def versions(self, name: str) -> Sequence[AvroSchema]:
        """The versions under a name, the oldest first; empty when there are none."""
        ...

    async def names(self) -> Sequence[str]:
        """All names that have versions, in order."""
        ...

    async def close(self) -> None:
        """Lets its connections go."""
        ...
