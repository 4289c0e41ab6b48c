"""The bus as its users see it, on both engines: connecting, closing, looking in."""

from __future__ import annotations

import pytest

from bus import (
    BusConnectionError,
    ClosedError,
    MessageBus,
)
from tests.contract.conftest import MakeBus
from tests.contract.harness import Engine, bounded, pulled


async def test_a_bus_that_is_not_connected_refuses_everything(engine: Engine) -> None:
    settings = engine.settings()
    bus = MessageBus(settings, transport=engine.transport(settings))
    for _ in range(2):
        assert not bus.is_connected()
        with pytest.raises(ClosedError, match=r"not connected; use .*connect\(\)"):
            await bus.publish("shop.carts.new", 1)
        with pytest.raises(ClosedError):
            await bus.publish_many("shop.carts.new", [1])
        with pytest.raises(ClosedError):
            await bus.subscribe("shop.carts.new")
        with pytest.raises(ClosedError):
            await bus.receive(timeout=0)
        with pytest.raises(ClosedError):
            await bus.flush()
        assert repr(bus) == "<MessageBus closed>"
        await bounded(bus.close())
        async with bus:
            assert bus.is_connected()
        await bounded(bus.close())


async def test_a_closed_bus_can_be_connected_again(bus: MessageBus) -> None:
    await bus.publish("shop.carts.new", 1)
    await bounded(bus.close())
    await bounded(bus.connect())
    await bounded(bus.connect())
    subscription = await bus.subscribe("shop.carts.new")
    await bus.publish("shop.carts.new", 2)
    assert [message.data for message in await pulled(subscription, 1)] == [2]


async def test_connecting_where_nothing_answers_says_so(engine: Engine) -> None:
    transport = engine.unreachable(connect_timeout_ms=500)
    bus = MessageBus(transport.settings, transport=transport)
    with pytest.raises(BusConnectionError):
        await bounded(bus.connect())
    assert not bus.is_connected()
    await bounded(bus.close())


async def test_reconnect_keeps_subscriptions_and_the_buffer(make_bus: MakeBus, crew: str) -> None:
    bus = await make_bus(tiers={"normal": {"linger_ms": 500}})
    alone = await bus.subscribe("shop.carts.*")
    grouped = await bus.subscribe("shop.carts.*", group=crew)
    await bus.publish("shop.carts.new", "before", confirm=True)
    await bus.publish("shop.carts.new", "buffered")
    await bounded(bus.reconnect())
    await bus.publish("shop.carts.new", "after")
    expected = ["before", "buffered", "after"]
    assert [message.data for message in await pulled(alone, 3)] == expected
    assert [message.data for message in await pulled(grouped, 3)] == expected
    await bounded(bus.flush())


async def test_metrics_count_what_happened(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.carts.new")
    await bounded((await bus.publish_many("shop.carts.new", range(10))).wait())
    await pulled(subscription, 10)
    metrics = bus.get_metrics()
    counted = {name: metrics[name] for name in ("published", "acknowledged", "failed", "refused", "received")}
    assert counted == {"published": 10, "acknowledged": 10, "failed": 0, "refused": 0, "received": 10}
    assert metrics["error_rate"] == 0.0
    assert metrics["buffer_utilization"] == 0.0
    assert metrics["messages_per_second"] > 0
    assert "normal 0 buffered" in repr(bus)
