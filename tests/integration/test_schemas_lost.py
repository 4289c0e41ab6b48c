"""The topic `_schemas` is lost and made anew: what is published after reconnecting can be read."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import BaseModel

from bus import MessageBus
from tests.contract.harness import bounded, pulled
from tests.integration.programs.ledger import quick

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]


class Item(BaseModel):
    id: int


async def lose(broker: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(30):
            while topic in await admin.list_topics():
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


@pytest.mark.parametrize("how", ["reconnect", "close and connect"])
async def test_schemas_are_registered_anew(broker: str, namespace: str, how: str) -> None:
    settings = quick(broker, namespace)
    async with MessageBus(settings) as bus:
        bus.contract(Item, "shop.**")
        await bounded(bus.publish("shop.items.a", Item(id=1), confirm=True))
        await lose(broker, f"{namespace}._schemas")
        if how == "reconnect":
            await bounded(bus.reconnect())
        else:
            await bounded(bus.close())
            await bounded(bus.connect())
        await bounded(bus.publish("shop.items.a", Item(id=2), confirm=True))
        async with MessageBus(settings) as later:
            reading = await later.subscribe("shop.**", group=f"{namespace}-g")
            assert [message.data for message in await pulled(reading, 2)] == [{"id": 1}, {"id": 2}]


async def test_a_reader_that_reconnects_follows_a_topic_that_was_made_anew(broker: str, namespace: str) -> None:
    class Other(BaseModel):
        name: str

    settings = quick(broker, namespace)
    async with MessageBus(settings) as reader, MessageBus(settings) as first:
        reading = await reader.subscribe("shop.**")
        first.contract(Item, "shop.**")
        await bounded(first.publish("shop.items.a", Item(id=1), confirm=True))
        assert [message.data for message in await pulled(reading, 1)] == [{"id": 1}]
        await lose(broker, f"{namespace}._schemas")
        async with MessageBus(settings) as second:
            second.contract(Other, "shop.**")
            await bounded(second.publish("shop.items.a", Other(name="x"), confirm=True))
            await bounded(reader.reconnect())
            assert [message.data for message in await pulled(reading, 1)] == [{"name": "x"}]
