"""A schema registry that is away, hangs or forbids while a bus reads and closes: nothing waits, nothing is lost."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bus import BusConnectionError, ClosedError, DecodeError, Message, MessageBus, Settings
from bus.transport.memory import MemoryCluster, MemoryTransport
from tests import registry_faults as faults
from tests.faulty_registry import FaultyRegistry

TOPIC = "shop.orders.new"
URGENT = "risk.alerts.limit"
KEYS = ("a", "b", "c", "d", "e")
BOUND_S = 10.0


class Buses:
    """Clients of one memory cluster and one registry; each is closed at the end."""

    def __init__(self, server: FaultyRegistry) -> None:
        self.server = server
        self._cluster = MemoryCluster()
        self._made: list[MessageBus] = []

    async def make(self, **values: Any) -> MessageBus:
        usual: dict[str, Any] = {
            "namespace": "test",
            "schema_registry_url": self.server.url,
            "schema_registry_timeout_ms": 300,
            "request_timeout_ms": 1_000,
            "drain_timeout_s": 1.0,
            "discovery_interval_ms": 200,
        }
        settings = Settings(**(usual | values))
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


async def over(server: FaultyRegistry, trouble: Any) -> None:
    """The trouble is."""
    server.heal()
    if trouble is away:
        await server.start()


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
    await writer.publish_many(TOPIC, [{"id": 1}, {"id": 2}], confirm=True)
    await trouble(buses.server)
    worker = await buses.make(drain_timeout_s=10 * BOUND_S)
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
    assert "still being handled" not in caplog.text
    await over(buses.server, trouble)
    again = await buses.make()

    @again.on("shop.**", group="crew")
    def take(data: Any) -> None:
        came.append(data)
        if len(came) == 2:
            again.stop()

    async with asyncio.timeout(BOUND_S):
        await again.run()
    assert came == [{"id": 1}, {"id": 2}]


async def bytes_unknown(buses: Buses) -> MessageBus:
    """A writer of JSON and bytes, after whose bytes nobody has asked yet."""
    writer = await buses.make()
    await writer.publish("elsewhere.all", b"bytes are registered", confirm=True)
    await writer.publish(URGENT, 0, confirm=True)
    return writer


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_urgent_messages_are_handled_while_others_wait_for_their_schema(
    buses: Buses, trouble: Any, workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await bytes_unknown(buses)
    worker = await buses.make()
    came: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    @worker.on(re.compile(r"(risk|logs)\..*"), group="crew", workers=workers)
    async def take(data: Any, message: Message) -> None:
        await came.put((message.key or "", data))

    async with asyncio.timeout(2 * BOUND_S):
        running = asyncio.create_task(worker.run())
        assert await came.get() == (URGENT, 0)
        await trouble(buses.server)
        for key in KEYS:
            for data in (b"first", {"n": 2}, b"third"):
                await writer.publish("logs.web", data, key=key)
        await writer.flush()
        while "waits for its schema" not in caplog.text:
            await asyncio.sleep(0.01)
        for number in range(1, 10):
            await writer.publish(URGENT, number)
        assert [await came.get() for _ in range(1, 10)] == [(URGENT, number) for number in range(1, 10)]
        await over(buses.server, trouble)
        rest = [await came.get() for _ in range(3 * len(KEYS))]
        for key in KEYS:
            assert [data for its_key, data in rest if its_key == key] == [b"first", {"n": 2}, b"third"]
        worker.stop()
        await running


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_urgent_messages_are_pulled_while_another_subscription_waits_for_a_schema(
    buses: Buses, trouble: Any
) -> None:
    writer = await bytes_unknown(buses)
    reader = await buses.make()
    logs = await reader.subscribe("logs.**", group="crew")
    await reader.subscribe("risk.**", group="crew-2")

    async def pulled() -> Any:
        message = await reader.receive(BOUND_S)
        return None if message is None else message.data

    assert await pulled() == 0
    await trouble(buses.server)
    await writer.publish_many("logs.web", [b"first", {"n": 2}], confirm=True)
    while not any(logs.intake.waiting):
        await asyncio.sleep(0)
    assert await reader.receive(0.05) is None
    for number in range(1, 10):
        await writer.publish(URGENT, number, confirm=True)
        assert await pulled() == number
    pulling = asyncio.create_task(pulled())
    await asyncio.sleep(0)
    await over(buses.server, trouble)
    assert await pulling == b"first"
    assert await pulled() == {"n": 2}


async def test_a_message_comes_to_who_asks_again_and_again_without_waiting(buses: Buses) -> None:
    writer = await buses.make()
    reader = await buses.make(schema_registry_timeout_ms=10_000)
    messages = await reader.subscribe("shop.**")
    await writer.publish(TOPIC, {"id": 1}, confirm=True)
    slow = faults.Hold()
    buses.server.inject(slow)
    before = len(buses.server.seen)
    async with asyncio.timeout(BOUND_S):
        while len(buses.server.seen) == before:
            assert await messages.receive(0) is None
            await asyncio.sleep(0)
        slow.release()
        while (message := await messages.receive(0)) is None:
            await asyncio.sleep(0)
    assert message.data == {"id": 1}
    assert len(buses.server.seen) == before + 1


async def test_a_message_whose_schema_nobody_registered_is_told_and_the_next_one_comes(buses: Buses) -> None:
    writer = await buses.make()
    reader = await buses.make()
    messages = await reader.subscribe("shop.**")
    await writer.publish(TOPIC, {"id": 1}, confirm=True)
    buses.server.inject(faults.refuse(404))
    async with asyncio.timeout(BOUND_S):
        with pytest.raises(DecodeError, match=r"shop\.orders\.new@.*is in no registry") as told:
            await messages.receive()
        assert told.value.raw
        buses.server.heal()
        await writer.publish(TOPIC, b"bytes", confirm=True)
        message = await messages.receive()
    assert message is not None
    assert message.data == b"bytes"


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_publish_that_needs_the_registry_is_refused_in_time(buses: Buses, trouble: Any) -> None:
    bus = await buses.make()
    await bus.publish(TOPIC, "text is registered now", confirm=True)
    await trouble(buses.server)
    async with asyncio.timeout(BOUND_S):
        await bus.publish(TOPIC, "goes on", confirm=True)
        with pytest.raises(BusConnectionError, match="schema registry"):
            await bus.publish(TOPIC, b"bytes are not")


async def test_a_partition_changes_hands_while_its_messages_wait_for_their_schema(
    buses: Buses, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await bytes_unknown(buses)
    values = [b"first", {"n": 2}, b"third"]
    keys = [f"key-{number}" for number in range(40)]  # some in each partition
    for key in keys:
        for value in values:
            await writer.publish("logs.web", value, key=key)
    await writer.flush()
    came: defaultdict[str | None, list[Any]] = defaultdict(list)

    def take(data: Any, message: Message) -> None:
        came[message.key].append(data)

    members = [await buses.make(drain_timeout_s=10 * BOUND_S) for _ in range(2)]
    for member in members:
        member.on("logs.**", group="crew", workers=4)(take)
    await away(buses.server)
    async with asyncio.timeout(2 * BOUND_S):
        first = asyncio.create_task(members[0].run())
        while "waits for its schema" not in caplog.text:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(members[1].run())
        while not await members[1].lag():
            await asyncio.sleep(0.01)
        await over(buses.server, away)
        while sum(map(len, came.values())) < len(keys) * len(values):
            await asyncio.sleep(0.01)
        for member in members:
            member.stop()
        await asyncio.gather(first, second)
    assert came == dict.fromkeys(keys, values)
