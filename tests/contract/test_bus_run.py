"""The bus as its users see it, on both engines: handlers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from typing import Any

import pytest

from bus import ClosedError, HandlerError, Message, MessageBus, MessagePriority
from tests.contract.conftest import MakeBus
from tests.contract.harness import bounded, pulled


async def test_run_hands_messages_to_handlers_until_stop(make_bus: MakeBus, crew: str) -> None:
    publisher, bus = await make_bus(), await make_bus()
    came: list[tuple[Any, str]] = []
    names: list[Any] = []

    @bus.on("shop.carts.*", group=crew)
    async def check(data: Any, message: Message) -> None:
        came.append((data, message.topic))
        if len(came) == 3:
            bus.stop()

    @bus.on("yard.**", group=f"{crew}2")
    def plain(data: Any) -> None:
        names.append(data)

    await bounded((await publisher.publish_many("yard.tools.saw", ["saw"])).wait())
    await bounded((await publisher.publish_many("shop.carts.new", [{"id": n} for n in range(3)])).wait())
    await bounded(bus.run())
    assert came == [({"id": n}, "shop.carts.new") for n in range(3)]
    assert not bus.is_connected()


async def test_run_goes_on_from_where_it_stopped(make_bus: MakeBus, crew: str) -> None:
    publisher = await make_bus()
    came: list[int] = []
    for begin in (0, 5):
        bus = await make_bus()

        async def take(data: int, bus: MessageBus = bus, until: int = begin + 5) -> None:
            came.append(data)
            if len(came) == until:
                bus.stop()

        bus.on("shop.**", group=crew)(take_one_argument(take))
        await bounded((await publisher.publish_many("shop.carts.new", range(begin, begin + 5))).wait())
        await bounded(bus.run())
    assert came == list(range(10))


def take_one_argument(take: Any) -> Any:
    async def handler(data: int) -> None:
        await take(data)

    return handler


async def test_run_without_a_group_takes_what_comes_from_now_on(make_bus: MakeBus) -> None:
    publisher, bus = await make_bus(), await make_bus()
    await publisher.publish("shop.carts.new", "before", confirm=True)
    came: list[str] = []
    first = asyncio.Event()

    @bus.on("shop.**")
    async def take(data: str) -> None:
        came.append(data)
        first.set()
        if data == "last":
            bus.stop()

    running = asyncio.create_task(bus.run())
    async with asyncio.timeout(30):
        while not first.is_set():  # the handler reads from some moment on, which nothing outside can see
            await publisher.publish("shop.carts.new", "probe", confirm=True)
            await asyncio.wait([asyncio.ensure_future(first.wait())], timeout=0.05)
        await publisher.publish("shop.carts.new", "last")
        await running
    assert set(came) == {"probe", "last"}


async def test_keys_are_handled_in_order_and_at_the_same_time(make_bus: MakeBus, crew: str) -> None:
    publisher, bus = await make_bus(), await make_bus()
    came: defaultdict[str, list[int]] = defaultdict(list)
    busy: set[str] = set()
    most = 0
    left = 120

    @bus.on("shop.**", group=crew, workers=8)
    async def take(data: int, message: Message) -> None:
        nonlocal most, left
        key = message.key or ""
        assert key not in busy
        busy.add(key)
        most = max(most, len(busy))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        came[key].append(data)
        busy.discard(key)
        left -= 1
        if left == 0:
            bus.stop()

    await bounded((await publisher.publish_many("shop.carts.new", range(120), key=lambda n: f"k{n % 6}")).wait())
    await bounded(bus.run())
    assert came == {f"k{key}": list(range(key, 120, 6)) for key in range(6)}
    assert most > 1


async def test_a_handler_that_raises_ends_run_and_its_message_comes_again(make_bus: MakeBus, crew: str) -> None:
    publisher, bus = await make_bus(), await make_bus()
    await bounded((await publisher.publish_many("shop.carts.new", range(3))).wait())

    @bus.on("shop.**", group=crew)
    async def take(data: int) -> None:
        if data == 1:
            raise RuntimeError("cannot take one")

    with pytest.raises(HandlerError, match=r"take failed on shop\.carts\.new@.*cannot take one") as caught:
        await bounded(bus.run())
    assert isinstance(caught.value.__cause__, RuntimeError)
    again = await (await make_bus()).subscribe("shop.**", group=crew)
    assert [message.data for message in await pulled(again, 2)] == [1, 2]


async def test_sigterm_drains_and_returns(make_bus: MakeBus, crew: str) -> None:
    publisher, bus = await make_bus(), await make_bus()
    began, told = asyncio.Event(), asyncio.Event()
    done: list[int] = []

    @bus.on("shop.**", group=crew)
    async def take(data: int) -> None:
        began.set()
        await told.wait()
        done.append(data)

    await publisher.publish("shop.carts.new", 1, confirm=True)
    running = asyncio.create_task(bus.run())
    await bounded(began.wait())
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait([running], timeout=0.3)
    assert not running.done()  # it waits for the handler
    told.set()
    await bounded(running)
    assert done == [1]
    await publisher.publish("shop.carts.new", 2, confirm=True)
    again = await (await make_bus()).subscribe("shop.**", group=crew)
    assert [message.data for message in await pulled(again, 1)] == [2]


async def test_run_needs_a_handler(bus: MessageBus) -> None:
    with pytest.raises(ClosedError, match=r"decorate one with @bus.on"):
        await bounded(bus.run())


@pytest.mark.parametrize("workers", [0, 51, -1])
async def test_workers_have_bounds(bus: MessageBus, workers: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 50"):
        bus.on("shop.**", workers=workers)(lambda data: None)


async def test_handlers_of_one_group_each_get_their_own_copy(make_bus: MakeBus, crew: str) -> None:
    """The backlog too: the first handler must not go on, and commit, before the last one is there."""
    publisher, bus = await make_bus(), await make_bus()
    for tier in MessagePriority:
        await bounded((await publisher.publish_many("shop.carts.new", range(50), priority=tier)).wait())
    came: dict[str, list[int]] = {"shop.carts.*": [], "shop.**": [], "**.new": [], "**": []}

    def register(pattern: str) -> None:
        @bus.on(pattern, group=crew)
        async def take(data: int) -> None:
            came[pattern].append(data)
            if all(len(taken) == 200 for taken in came.values()):
                bus.stop()

    for pattern in came:
        register(pattern)
    running = asyncio.create_task(bus.run())
    await asyncio.wait([running], timeout=15)
    bus.stop()
    await bounded(running)
    assert {pattern: len(taken) for pattern, taken in came.items()} == dict.fromkeys(came, 200)
    assert all(sorted(taken) == sorted([*range(50)] * 4) for taken in came.values())
