"""What happens after, or in the middle of, closing and reconnecting."""

from __future__ import annotations

import asyncio

import pytest

from bus import EncodeError, MessageBus
from tests.contract.conftest import MakeBus
from tests.contract.harness import bounded


async def test_a_bus_that_was_closed_registers_schemas_that_it_had_not_met(make_bus: MakeBus) -> None:
    bus = await make_bus()
    await bounded(bus.publish("shop.carts.new", b"bytes", confirm=True))
    await bounded(bus.close())
    await bounded(bus.connect())
    await bounded(bus.publish("shop.carts.new", {"not": "met"}, confirm=True))
    await bounded(bus.publish("shop.carts.new", "nor this", confirm=True))


async def test_closing_from_elsewhere_lets_running_handlers_finish(make_bus: MakeBus, crew: str) -> None:
    bus = await make_bus()
    begun, finish, handled = asyncio.Event(), asyncio.Event(), list[int]()

    @bus.on("shop.carts.*", group=crew)
    async def handler(number: int) -> None:
        begun.set()
        await finish.wait()
        handled.append(number)

    await bounded(bus.publish("shop.carts.new", 1, confirm=True))
    running = asyncio.create_task(bus.run())
    await bounded(begun.wait())
    closing = asyncio.create_task(bus.close())
    await asyncio.sleep(0)
    finish.set()
    await bounded(closing)
    await bounded(running)
    assert handled == [1]


@pytest.mark.parametrize(
    "wrong",
    [{"headers": {"\ud800": "v"}}, {"headers": {"bus-topic": "v"}}, {"key": "\udfff\ud800"}, {"headers": {"n": 7}}],
)
async def test_a_message_that_is_refused_takes_no_room(bus: MessageBus, wrong: dict[str, object]) -> None:
    await bounded(bus.publish("shop.carts.new", 1, confirm=True))
    with pytest.raises(EncodeError):
        await bounded(bus.publish("shop.carts.new", 2, **wrong))  # type: ignore[arg-type]
    assert bus.get_metrics()["tiers"]["normal"]["buffered"] == 0


@pytest.mark.parametrize("group", ["", "a b", "line\n", "x" * 201])
async def test_groups_that_cannot_be_named_are_refused(bus: MessageBus, group: str) -> None:
    with pytest.raises(ValueError, match="group"):
        await bounded(bus.subscribe("shop.carts.*", group=group))


async def test_metrics_never_go_backwards(bus: MessageBus) -> None:
    subscription = await bus.subscribe("shop.carts.*")
    await bounded(bus.publish("shop.carts.new", 1, confirm=True))
    assert await bounded(subscription.receive(5)) is not None
    before = bus.get_metrics()
    await bounded(subscription.close())
    after = bus.get_metrics()
    assert after["received"] == before["received"] == 1
    assert after["messages_per_second"] >= 0
