"""No connection outlives what it was opened for, however its opening or closing is cut short."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bus import BusConnectionError, MessageBus, MessagePriority, Settings
from bus.transport.base import FetcherOptions
from bus.transport.kafka.connection import connection_options
from bus.transport.kafka.fetcher import KafkaFetcher
from bus.transport.kafka.sender import KafkaSender
from bus.transport.kafka.table import KafkaTable
from bus.transport.kafka.transport import KafkaTransport
from tests.integration.programs.ledger import quick

pytestmark = [pytest.mark.broker, pytest.mark.timeout(60)]


@dataclass
class Relay:
    """A server before the broker that passes on one answer to each connection, then is silent."""

    port: int
    stalled: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
async def relay(broker: str) -> AsyncIterator[Relay]:
    host, _, port = broker.split(",")[0].rpartition(":")
    tasks: list[Any] = []
    gone = (asyncio.IncompleteReadError, asyncio.CancelledError)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        with (
            contextlib.closing(writer),
            contextlib.closing(up_writer),
            contextlib.suppress(*gone),
        ):
            up_writer.write(await frame(reader))
            writer.write(await frame(up_reader))
            await frame(reader)
            served.stalled.set()
            await reader.read()

    async def frame(reader: asyncio.StreamReader) -> bytes:
        size = await reader.readexactly(4)
        return size + await reader.readexactly(int.from_bytes(size, "big"))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    served = Relay(server.sockets[0].getsockname()[1])
    yield served
    server.close()
    await server.wait_closed()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def nothing_left_open() -> Any:
    """Fails on whatever is found open by its finaliser, in the block or right after it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


async def a_sender(settings: Settings) -> None:
    await KafkaSender(settings, MessagePriority.HIGH).start(30)


async def a_fetcher(settings: Settings) -> None:
    async def revoked(_: Any) -> None: ...

    options = FetcherOptions(MessagePriority.HIGH, None, on_assigned=lambda _: None, on_revoked=revoked)
    await KafkaFetcher(settings, options).start(30)


async def a_table(settings: Settings) -> None:
    table = KafkaTable(f"{settings.namespace}._x", connection_options(settings), 30)
    try:
        await table.put("a", b"b")
    finally:
        await table.close(1)


async def test_a_connect_that_times_out_while_the_server_is_silent(relay: Relay, namespace: str) -> None:
    with nothing_left_open():
        bus = MessageBus(quick(f"127.0.0.1:{relay.port}", namespace, connect_timeout_ms=300))
        with pytest.raises(BusConnectionError):
            await bus.connect()
        assert relay.stalled.is_set()


@pytest.mark.parametrize("make", [a_sender, a_fetcher, a_table])
async def test_an_opening_that_is_cancelled(relay: Relay, namespace: str, make: Callable[[Settings], Any]) -> None:
    with nothing_left_open():
        opening = asyncio.create_task(make(quick(f"127.0.0.1:{relay.port}", namespace)))
        await relay.stalled.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_a_close_while_questions_are_under_way(broker: str, namespace: str) -> None:
    with nothing_left_open():
        transport = KafkaTransport(quick(broker, namespace))
        await transport.connect()
        assert transport._admin is not None
        for connection in transport._admin._client._conns.values():
            connection.close()
        asking = asyncio.create_task(transport.topics())
        while not transport._admin._client._get_conn_lock.locked():
            await asyncio.sleep(0)
        await transport.close(1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
