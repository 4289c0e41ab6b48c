"""Contracts that are bound, and clients that are closed, while a first publish is under way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from bus import AccessError, ClosedError, EncodeError, MessageBus, Settings
from bus.testing import memory_bus
from bus.transport.memory import MemoryCluster, MemoryTransport
from tests import registry_faults as faults
from tests.faulty_registry import FaultyRegistry


class Item(BaseModel):
    id: int


async def test_a_contract_that_is_bound_during_a_first_publish_holds_from_the_next_on() -> None:
    async with memory_bus() as bus:
        publishing = asyncio.create_task(bus.publish("shop.items.a", {"any": "thing"}))
        await asyncio.sleep(0)  # it looks for the topic now
        bus.contract(Item, "shop.**")
        await asyncio.wait([publishing])
        with pytest.raises(EncodeError, match=r"Item\.any: expected no such field"):
            await bus.publish("shop.items.a", {"any": "thing"})
        await bus.publish("shop.items.a", Item(id=1), confirm=True)


def bus_with(server: FaultyRegistry, **values: Any) -> MessageBus:
    settings = Settings(schema_registry_url=server.url, schema_registry_timeout_ms=300, **values)
    return MessageBus(settings, transport=MemoryTransport(settings, MemoryCluster()))


async def test_a_publish_that_waits_for_a_registry_ends_when_the_bus_is_closed() -> None:
    async with FaultyRegistry() as server:
        server.inject(faults.Hold())
        bus = bus_with(server, drain_timeout_s=0.2)
        await bus.connect()
        publishing = asyncio.create_task(bus.publish("shop.items.a", {"id": 1}))
        await server.arrived("GET", "/subjects/tierbus.json/versions")
        async with asyncio.timeout(5):
            await bus.close()
            with pytest.raises(ClosedError):
                await publishing


async def test_a_refused_login_is_told_at_once() -> None:
    async with FaultyRegistry(authorization="Bearer other") as server, bus_with(server) as bus:
        async with asyncio.timeout(5):
            with pytest.raises(AccessError, match="refuses the login"):
                await bus.publish("shop.items.a", {"id": 1})
        assert len(server.seen) == 1
