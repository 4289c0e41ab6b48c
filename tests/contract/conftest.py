"""The two engines that both suites run against, and clients of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.contract.harness import Client, Engine, KafkaEngine, MemoryEngine

MakeClient = Callable[..., Awaitable[Client]]


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
