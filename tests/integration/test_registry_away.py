"""A schema registry that is away, hangs or forbids while a bus reads and closes: nothing waits, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bus import BusConnectionError, ClosedError, Message, MessageBus, Settings
from bus.transport.memory import MemoryCluster, MemoryTransport
from tests import registry_faults as faults
from tests.faulty_registry import FaultyRegistry

TOPIC = "shop.orders.new"
BOUND_S = 10.0


class Buses:
    """Clients of one memory cluster and one registry; each is closed at the end."""

    def __init__(self, server: FaultyRegistry) -> None:
        self.server = server
        self._cluster = MemoryCluster()
        self._made: list[MessageBus] = []

    async def make(self, **values: Any) -> MessageBus:
        settings = Settings(
            namespace="test",
            schema_registry_url=self.server.url,
            schema_registry_timeout_ms=300,
            request_timeout_ms=1_000,
            drain_timeout_s=1.0,
            discovery_interval_ms=200,
            **values,
        )
        bus = MessageBus(settings, transport=MemoryTransport(settings, self._cluster))
        await bus.connect()
        self._made.append(bus)
        return bus

    async def close(self) -> None:
        for bus in self._made:
            await bus.close()


@pytest.fixture
async def buses() -> AsyncIterator[Buses]:
    async with FaultyRegistry() as server:
        made = Buses(server)
        yield made
        await made.close()


def away(server: FaultyRegistry) -> Any:
    return server.stop()


async def hanging(server: FaultyRegistry) -> None:
    server.inject(faults.Hold())


async def forbidding(server: FaultyRegistry) -> None:
    server.inject(faults.refuse(403))


TROUBLES = [away, hanging, forbidding]


async def reading(buses: Buses, trouble: Any) -> tuple[MessageBus, Any]:
    """A reader that has a message whose schema it cannot look up."""
    writer = await buses.make()
    await writer.publish(TOPIC, {"id": 1}, confirm=True)
    reader = await buses.make()
    messages = await reader.subscribe("shop.**")
    await writer.publish(TOPIC, {"id": 2}, confirm=True)
    await trouble(buses.server)
    while not any(messages.intake.waiting):
        await asyncio.sleep(0)
    return reader, messages


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_an_iteration_ends_when_the_bus_is_closed(buses: Buses, trouble: Any) -> None:
    reader, messages = await reading(buses, trouble)

    async def iterate() -> list[Message]:
        return [message async for message in messages]

    iterating = asyncio.create_task(iterate())
    assert await messages.receive(0.05) is None
    async with asyncio.timeout(BOUND_S):
        await reader.close()
        assert await iterating == []


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_waiting_receive_is_told_that_the_bus_was_closed(buses: Buses, trouble: Any) -> None:
    reader, messages = await reading(buses, trouble)
    waiting = asyncio.create_task(messages.receive())
    assert await messages.receive(0.05) is None
    async with asyncio.timeout(BOUND_S):
        await reader.close()
        with pytest.raises(ClosedError):
            await waiting


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_closed_subscription_waits_no_longer(buses: Buses, trouble: Any) -> None:
    _, messages = await reading(buses, trouble)
    waiting = asyncio.create_task(messages.receive())
    assert await messages.receive(0.05) is None
    async with asyncio.timeout(BOUND_S):
        await messages.close()
        with pytest.raises(ClosedError):
            await waiting


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_handlers_stop_in_time_and_the_message_comes_again(
    buses: Buses, trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await buses.make()
    await writer.publish(TOPIC, {"id": 1}, confirm=True)
    await trouble(buses.server)
    worker = await buses.make()
    came: list[Any] = []
    worker.on("shop.**", group="crew")(came.append)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(BOUND_S):
        while "waits for its schema" not in caplog.text:
            await asyncio.sleep(0.01)
    worker.stop()
    async with asyncio.timeout(BOUND_S):
        await running
    assert came == []
    buses.server.heal()
    if trouble is away:
        await buses.server.start()
    again = await buses.make()

    @again.on("shop.**", group="crew")
    def take(data: Any) -> None:
        came.append(data)
        again.stop()

    async with asyncio.timeout(BOUND_S):
        await again.run()
    assert came == [{"id": 1}]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_publish_that_needs_the_registry_is_refused_in_time(buses: Buses, trouble: Any) -> None:
    bus = await buses.make()
    await bus.publish(TOPIC, "text is registered now", confirm=True)
    await trouble(buses.server)
    async with asyncio.timeout(BOUND_S):
        await bus.publish(TOPIC, "goes on", confirm=True)
        with pytest.raises(BusConnectionError, match="schema registry"):
            await bus.publish(TOPIC, b"bytes are not")
