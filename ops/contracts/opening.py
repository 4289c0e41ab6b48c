"""The contracts of these settings, and the registry that holds what was pushed, for the length of a command."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from bus.avro.codec import Codec
from bus.avro.registry import SCHEMAS_TABLE
from bus.errors import ContractError
from bus.routing.router import Router
from bus.settings import Settings
from bus.transport.base import Table
from bus.transport.kafka import KafkaTransport

_NO_REGISTRY: dict[str, Any] = {
    "wire_format": None,
    "schema_registry_url": None,
    "schema_registry_username": None,
    "schema_registry_password": None,
    "schema_registry_token": None,
    "schema_registry_cafile": None,
}


def contracts_of(settings: Settings) -> Codec:
    """The contracts, bound by the routes; no registry is asked, nor made ready to be asked.

    Raises:
        ContractError: One of them is not admitted, or a route names one that is unknown.
    """
    return Codec(settings.model_copy(update=_NO_REGISTRY), Router.from_settings(settings).rule, _nowhere)


@contextlib.asynccontextmanager
async def registry_of(settings: Settings, *, reading: bool) -> AsyncIterator[Codec]:
    """The registry alone: the one of `schema_registry_url`, else the one that Kafka keeps.

    Contracts that are here and routes play no part, so it can be asked while they are broken or not there yet.

    Args:
        settings: Where it is.
        reading: Nothing is written, and nothing made: where nobody pushed yet, asking raises `UndeclaredTopicError`.

    Raises:
        BusConnectionError: Kafka is not reachable.
    """
    update: dict[str, Any] = {"contracts_dir": None, "routes": ()}
    if reading:
        update["environment"] = "production"  # which makes no Kafka topic
    asking = settings.model_copy(update=update)
    transport = KafkaTransport(asking)

    async def opened() -> Table:
        return await transport.table(SCHEMAS_TABLE)

    codec = Codec(asking, Router.from_settings(asking).rule, opened)
    try:
        if codec.registry is codec.kept:
            await transport.connect()
        yield codec
    finally:
        await codec.close()
        await transport.close(1.0)


async def _nowhere() -> Table:
    raise ContractError("no registry is asked here")
