"""The two engines that both suites run against, and clients of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bus import MessageBus
from tests.contract.harness import Client, Engine, KafkaEngine, MemoryEngine

MakeClient = Callable[..., Awaitable[Client]]
MakeBus = Callable[..., Awaitable[MessageBus]]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.broker)])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "memory":
        return MemoryEngine()
    return KafkaEngine(request.getfixturevalue("broker"), request.getfixturevalue("namespace"))


@pytest.fixture
async def make_transport(engine: Engine) -> AsyncIterator[MakeClient]:
    """Makes connected clients; the last made is closed first."""
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Client:
            transport = engine.transport(engine.settings(**settings))
            stack.push_async_callback(transport.close, 5.0)
            await transport.connect()
            return Client(transport, stack)

        yield make


@pytest.fixture
async def make_bus(engine: Engine) -> AsyncIterator[MakeBus]:
    """Makes connected buses, each closed at the end."""
    async with AsyncExitStack() as stack:

        async def make(**values: Any) -> MessageBus:
            settings = engine.settings(**values)
            return await stack.enter_async_context(MessageBus(settings, transport=engine.transport(settings)))

        yield make


@pytest.fixture
async def bus(make_bus: MakeBus) -> MessageBus:
    """One connected bus."""
    return await make_bus()


@pytest.fixture
def crew(engine: Engine) -> str:
    """A group's name that no other test uses."""
    return f"{engine.namespace}-crew"
