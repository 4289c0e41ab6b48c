"""`bus.testing` as users' own tests use it: buses over one memory cluster, and outages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import pytest

from bus import (
    BufferFullError,
    BusConnectionError,
    DeliveryError,
    DeliveryTimeoutError,
    MessageBus,
    Settings,
    SettingsError,
    UndeclaredTopicError,
    UndeliveredError,
)
from bus.testing import MemoryCluster, memory_bus
from bus.transport.memory import MemoryTransport

pytestmark = pytest.mark.timeout(60)


async def received(bus: MessageBus, count: int) -> list[object]:
    data: list[object] = []
    for _ in range(count):
        message = await bus.receive(timeout=5)
        assert message is not None, data
        data.append(message.data)
    return data


# As in the docstring


async def test_a_bus_of_its_own() -> None:
    async with memory_bus() as bus:
        await bus.subscribe("trading.orders.*.new")
        await bus.publish("trading.orders.BINANCE.new", {"id": 7})
        message = await bus.receive(timeout=1.0)
        assert message is not None
        assert message.data == {"id": 7}


async def test_buses_share_a_cluster_or_do_not() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster) as one, memory_bus(cluster=cluster) as two, memory_bus() as alone:
        for bus in (one, two, alone):
            await bus.subscribe("shop.**")
        await one.publish("shop.carts.new", 1)
        assert await received(two, 1) == [1]
        assert await received(one, 1) == [1]
        assert await alone.receive(timeout=0.05) is None


async def test_settings_are_given_by_name() -> None:
    bus = memory_bus(namespace="mine", buffer_wait_ms=3)
    assert (bus.settings.namespace, bus.settings.buffer_wait_ms, bus.settings.discovery_interval_ms) == ("mine", 3, 100)
    assert memory_bus(discovery_interval_ms=777).settings.discovery_interval_ms == 777
    with pytest.raises(SettingsError, match="nope: is no setting"):
        memory_bus(nope=1)


async def test_nothing_is_connected_before_it_is_entered() -> None:
    cluster = MemoryCluster()
    bus = memory_bus(cluster=cluster)
    assert not bus.is_connected()
    assert "0 topics" in repr(cluster)


async def test_a_cluster_outlives_its_buses() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster) as bus:
        await bus.publish("shop.carts.new", 1)
    async with memory_bus(cluster=cluster) as bus:
        await bus.subscribe("shop.**", group="crew")
        assert await received(bus, 1) == [1]


async def test_retention_drops_what_nobody_has_read() -> None:
    async with memory_bus(cluster=MemoryCluster(retention_records=3), default_partitions=1) as bus:
        await (await bus.publish_many("shop.carts.new", range(10))).wait()
        await bus.subscribe("shop.**", group="crew")
        assert await received(bus, 3) == [7, 8, 9]


async def test_production_creates_nothing() -> None:
    async with memory_bus(environment="production") as bus:
        with pytest.raises(UndeclaredTopicError, match="tierbus topics create"):
            await bus.publish("shop.carts.new", b"x")


# Outages


async def test_an_outage_is_waited_out() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster) as bus:
        await bus.subscribe("shop.**")
        await bus.publish("shop.carts.new", 0, confirm=True)
        cluster.stop()
        receipts = [await bus.publish("shop.carts.new", number) for number in range(1, 50)]
        assert not any(receipt.done for receipt in receipts)
        cluster.start()
        await bus.flush()
        assert all(receipt.done for receipt in receipts)
        assert await received(bus, 50) == list(range(50))


async def test_nothing_is_lost_and_nothing_out_of_order_over_outages() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster) as publisher, memory_bus(cluster=cluster) as bus:
        await bus.subscribe("shop.**", group="crew")
        await publisher.publish("shop.carts.new", -1, confirm=True)
        for number in range(300):
            if number % 60 == 30:
                cluster.stop()
            if number % 60 == 59:
                cluster.start()
            await publisher.publish("shop.carts.new", number, key="same")
        cluster.start()
        came = await received(bus, 301)
        assert [data for data in came if data != -1] == list(range(300))


async def test_a_full_buffer_refuses_whole_messages() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, buffer_messages_max=10, buffer_wait_ms=30) as bus:
        await bus.subscribe("shop.**")
        await bus.publish("shop.carts.new", "first", confirm=True)
        cluster.stop()
        for number in range(10):
            await bus.publish("shop.carts.new", number)
        assert bus.get_metrics()["buffer_utilization"] == 1.0
        with pytest.raises(BufferFullError, match=r"the normal buffer is full.*no room within 30 ms.*slow down"):
            await bus.publish("shop.carts.new", "refused")
        cluster.start()
        await bus.flush()
        assert await received(bus, 11) == ["first", *range(10)]
        assert await bus.receive(timeout=0.05) is None
        assert bus.get_metrics()["refused"] == 1


async def test_publish_many_says_how_many_were_accepted() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, buffer_messages_max=10, buffer_wait_ms=30) as bus:
        await bus.subscribe("shop.**")
        await bus.publish("shop.carts.new", "first", confirm=True)
        cluster.stop()
        with pytest.raises(BufferFullError) as caught:
            await bus.publish_many("shop.carts.new", range(25))
        assert caught.value.accepted == 10
        cluster.start()
        await bus.flush()
        assert await received(bus, 11) == ["first", *range(10)]


async def test_a_publisher_that_waits_for_room_goes_on_when_the_outage_ends() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, buffer_messages_max=5, buffer_wait_ms=20_000) as bus:
        await bus.subscribe("shop.**")
        await bus.publish("shop.carts.new", -1, confirm=True)
        cluster.stop()
        publishing = asyncio.create_task(bus.publish_many("shop.carts.new", range(20)))
        await asyncio.wait([publishing], timeout=0.05)
        assert not publishing.done()
        cluster.start()
        assert await (await publishing).wait() == 20
        assert await received(bus, 21) == list(range(-1, 20))


async def test_a_cancelled_publisher_leaves_nothing_half_kept() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, buffer_messages_max=5, buffer_wait_ms=20_000) as bus:
        await bus.subscribe("shop.**")
        await bus.publish("shop.carts.new", -1, confirm=True)
        cluster.stop()
        for number in range(5):
            await bus.publish("shop.carts.new", number)
        waiting = [asyncio.create_task(bus.publish("shop.carts.new", f"cancelled {n}")) for n in range(3)]
        await asyncio.wait(waiting, timeout=0.02)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=5)
        cluster.start()
        await bus.flush()
        await (await bus.publish_many("shop.carts.new", range(5, 30))).wait()  # all the room is there again
        assert await received(bus, 31) == list(range(-1, 30))
        assert bus.get_metrics()["buffer_utilization"] == 0.0


async def test_undelivered_messages_are_told(caplog: pytest.LogCaptureFixture) -> None:
    cluster = MemoryCluster()
    bus = memory_bus(cluster=cluster, delivery_timeout_ms=1_000, request_timeout_ms=500, drain_timeout_s=0.5)
    async with bus:
        await bus.publish("shop.carts.new", 0, confirm=True)
        cluster.stop()
        receipts = [await bus.publish("shop.carts.new", number) for number in range(3)]
        with caplog.at_level(logging.ERROR):
            for receipt in receipts:
                async with asyncio.timeout(5):
                    with pytest.raises(DeliveryTimeoutError, match=r"1000 ms|1 s"):
                        await receipt.wait()
        metrics = bus.get_metrics()
        assert (metrics["failed"], metrics["acknowledged"]) == (3, 1)
        assert metrics["error_rate"] == 0.75
        assert "did not acknowledge" in caplog.text
        with pytest.raises(UndeliveredError, match="3 messages were not delivered since the last flush") as caught:
            await bus.flush()
        assert caught.value.count == 3
        await bus.flush()  # told once
        cluster.start()


async def test_close_tells_what_it_could_not_send() -> None:
    cluster = MemoryCluster()
    bus = memory_bus(cluster=cluster, drain_timeout_s=0.2)
    await bus.connect()
    await bus.publish("shop.carts.new", 0, confirm=True)
    cluster.stop()
    receipts = [await bus.publish("shop.carts.new", number) for number in range(3)]
    async with asyncio.timeout(20):
        with pytest.raises(UndeliveredError) as caught:
            await bus.close()
    assert caught.value.count == 3
    for receipt in receipts:
        assert receipt.done
        with pytest.raises(DeliveryError):
            await receipt.wait()
    await bus.close()


async def test_first_uses_during_an_outage_are_refused_in_time() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, request_timeout_ms=500) as bus:
        cluster.stop()
        async with asyncio.timeout(10):
            with pytest.raises(BusConnectionError):
                await bus.publish("shop.carts.new", b"x")
            with pytest.raises(BusConnectionError):
                await bus.subscribe("shop.**")
        cluster.start()
        await bus.subscribe("shop.**")
        await bus.publish("shop.carts.new", b"x")
        assert await received(bus, 1) == [b"x"]


async def test_is_connected_follows_an_outage() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, request_timeout_ms=500, discovery_interval_ms=100) as bus:
        assert bus.is_connected()
        cluster.stop()
        await until(lambda: not bus.is_connected())
        assert "Kafka does not answer" in repr(bus)
        cluster.start()
        await until(bus.is_connected)


async def test_a_group_goes_on_after_an_outage_without_repeats() -> None:
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster, commit_interval_ms=10) as bus:
        orders = await bus.subscribe("shop.**", group="crew")
        await bus.publish_many("shop.carts.new", range(5))
        assert await received(bus, 5) == list(range(5))
        cluster.stop()
        await bus.publish_many("shop.carts.new", range(5, 10))
        assert await bus.receive(timeout=0.1) is None
        cluster.start()
        assert await received(bus, 5) == list(range(5, 10))
        await orders.close()
        again = await bus.subscribe("shop.**", group="crew")
        message = await again.receive(5)
        assert message is not None
        assert message.data == 9  # pulled last and never acknowledged


async def until(condition: Callable[[], bool]) -> None:
    """The state that is waited for has no event that a user could await."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


class Distant(MemoryTransport):
    """A cluster whose answers take a while, as over a network."""

    async def topics(self) -> Mapping[str, int]:
        await asyncio.sleep(0.05)
        return await super().topics()


async def test_every_handler_of_a_group_gets_the_backlog_from_a_distant_cluster() -> None:
    """The first handler must not handle, and commit, before the last one is there."""
    cluster = MemoryCluster()
    async with memory_bus(cluster=cluster) as publisher:
        await publisher.publish_many("shop.carts.new", range(50))
    settings = Settings(commit_interval_ms=10)
    bus = MessageBus(settings, transport=Distant(settings, cluster))
    came: list[list[int]] = [[], [], []]

    def register(mine: list[int]) -> None:
        @bus.on("shop.**", group="crew")
        async def take(data: int) -> None:
            mine.append(data)
            if all(len(taken) == 50 for taken in came):
                bus.stop()

    for mine in came:
        register(mine)
    running = asyncio.create_task(bus.run())
    await asyncio.wait([running], timeout=2)
    bus.stop()
    await running
    assert [len(mine) for mine in came] == [50, 50, 50]
