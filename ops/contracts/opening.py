"""The contracts of these settings, and the registry that holds their versions, for the length of a command."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bus.avro.codec import Codec
from bus.avro.contract import Contract
from bus.avro.contracts import load_contracts
from bus.avro.registry import SCHEMAS_TABLE
from bus.errors import ContractError
from bus.routing.router import Router
from bus.settings import Settings
from bus.transport.base import Table
from bus.transport.kafka import KafkaTransport


def contracts_of(settings: Settings) -> Codec:
    """The contracts, bound by the routes; no registry is asked.

    Raises:
        ContractError: One of them is not admitted, or a route names one that is unknown.
    """
    return Codec(settings, Router.from_settings(settings).rule, _nowhere)


@contextlib.asynccontextmanager
async def registry_of(settings: Settings) -> AsyncIterator[Codec]:
    """The same with its registry: the one of `schema_registry_url`, else the one that Kafka keeps.

    Raises:
        BusConnectionError: Kafka is not reachable.
    """
    transport = KafkaTransport(settings)

    async def opened() -> Table:
        return await transport.table(SCHEMAS_TABLE)

    codec = Codec(settings, Router.from_settings(settings).rule, opened)
    try:
        if codec.registry is codec.kept:
            await transport.connect()
        yield codec
    finally:
        await codec.close()
        await transport.close(1.0)


def chosen(codec: Codec, names: list[str], settings: Settings) -> list[Contract]:
    """The contracts of the names; of none, those of the project's own folder, or all when it has none.

    Raises:
        ContractError: A name is unknown.
    """
    if names:
        return [codec.contract(name) for name in names]
    own = load_contracts(settings.contracts_dir, shipped=False) if settings.contracts_dir else codec.contracts
    return [codec.contract(name) for name in sorted(own)]


def folder_versions(folder: Path) -> dict[str, Contract]:
    """The contracts of another folder, as the state to compare with.

    Raises:
        ContractError: It is no folder, or a file in it is not admitted.
    """
    return {name: Contract(name, schema) for name, schema in load_contracts(str(folder), shipped=False).items()}


async def _nowhere() -> Table:
    raise ContractError("no registry is asked here")
