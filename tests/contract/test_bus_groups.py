"""The bus as its users see it, on both engines: members that share the work."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import count
from typing import Any

from bus import MessageBus, Subscription
from tests.contract.conftest import MakeBus
from tests.contract.harness import bounded


async def test_members_share_the_work_and_each_message_is_handled_once(make_bus: MakeBus, crew: str) -> None:
    publisher = await make_bus()
    came: list[list[Any]] = [[], []]
    news = asyncio.Event()
    keys = map(str, count())

    async def work(bus: MessageBus, mine: list[Any]) -> None:
        async for message in await bus.subscribe("shop.**", group=crew):
            mine.append(message.data)
            message.ack()
            news.set()

    async with asyncio.timeout(60):
        working = [asyncio.create_task(work(await make_bus(), mine)) for mine in came]
        while not all(came):  # until both hold partitions
            await publisher.publish_many("shop.carts.new", ["probe"] * 12, key=lambda _: next(keys))
            news.clear()
            await news.wait()
        await bounded((await publisher.publish_many("shop.carts.new", range(400), key=str)).wait())
        while sum(len([d for d in mine if d != "probe"]) for mine in came) < 400:
            news.clear()
            await news.wait()
    shares = [[data for data in mine if data != "probe"] for mine in came]
    assert Counter(shares[0] + shares[1]) == Counter(range(400))
    assert all(shares)
    for task in working:
        task.cancel()
    await asyncio.wait(working, timeout=30)


async def test_nothing_is_lost_when_a_member_joins_and_leaves(make_bus: MakeBus, crew: str) -> None:
    publisher, steady, guest = await make_bus(), await make_bus(), await make_bus()
    came: Counter[int] = Counter()
    news = asyncio.Event()

    async def work(subscription: Subscription) -> None:
        async for message in subscription:
            came[message.data] += 1
            message.ack()
            news.set()

    async def until(handled: int) -> None:
        async with asyncio.timeout(60):
            while len(came) < handled:
                news.clear()
                await news.wait()

    working = [asyncio.create_task(work(await steady.subscribe("shop.**", group=crew)))]
    await publisher.publish_many("shop.carts.new", range(200), key=str)
    await until(50)
    working.append(asyncio.create_task(work(await guest.subscribe("shop.**", group=crew))))
    await publisher.publish_many("shop.carts.new", range(200, 400), key=str)
    await until(300)
    await bounded(guest.close())
    await publisher.publish_many("shop.carts.new", range(400, 600), key=str)
    await until(600)
    assert came.keys() == set(range(600))
    await bounded(steady.close())
    await bounded(asyncio.gather(*working))  # closing ends the iteration
