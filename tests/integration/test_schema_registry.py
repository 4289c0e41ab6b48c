"""Contracts in a real schema registry, over a real broker, beside Confluent's own serialisers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bus import BusConnectionError, ContractError, MessageBus, RouteRule
from bus.avro.framing import id_frame
from perf.codec.examples import EXAMPLES
from tests.apicurio import Apicurio
from tests.contract.harness import bounded, pulled
from tests.integration.programs.ledger import quick
from tests.registry_fixture import SecureRegistry

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

TOPIC = "trading.orders.KRAKEN.new"
ROUTES = (RouteRule(pattern="trading.orders.**", contract="trading.order"),)
ORDER = EXAMPLES["trading.order"]

Make = Callable[..., Awaitable[MessageBus]]


@pytest.fixture
async def make_bus(broker: str, namespace: str) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def make(url: str, **values: Any) -> MessageBus:
            given = {"routes": ROUTES, "schema_registry_url": url} | values
            return await stack.enter_async_context(MessageBus(quick(broker, namespace, **given)))

        yield make


async def test_what_we_publish_confluent_reads(make_bus: Make, registry_url: str, broker: str, namespace: str) -> None:
    bus = await make_bus(registry_url)
    receipt = await bounded(bus.publish(TOPIC, ORDER, key="BTC-USD", confirm=True))
    delivered = await receipt.wait()

    def consumed() -> Any:
        consumer = Consumer({"bootstrap.servers": broker, "group.id": namespace, "auto.offset.reset": "earliest"})
        consumer.subscribe([delivered.kafka_topic])
        client = SchemaRegistryClient({"url": registry_url})
        try:
            message = consumer.poll(30)
            assert message is not None
            assert message.error() is None
            context = SerializationContext(delivered.kafka_topic, MessageField.VALUE)
            value = message.value() or b""
            return value[:1], AvroDeserializer(client)(value, context)
        finally:
            consumer.close()
            client.close()

    assert await asyncio.to_thread(consumed) == (b"\0", ORDER)


async def test_what_confluent_publishes_we_read(make_bus: Make, registry_url: str, broker: str) -> None:
    bus = await make_bus(registry_url)
    orders = await bus.subscribe("trading.orders.**")
    receipt = await bounded(bus.publish(TOPIC, ORDER, confirm=True))
    kafka_topic, partition, _ = await receipt.wait()

    def produced() -> None:
        client = SchemaRegistryClient({"url": registry_url})
        write = AvroSerializer(client, bus._codec.contract("trading.order").schema.text)
        producer = Producer({"bootstrap.servers": broker})
        for number in range(3):
            value = write(ORDER | {"order_id": str(number)}, SerializationContext(kafka_topic, MessageField.VALUE))
            producer.produce(kafka_topic, value, TOPIC, partition=partition, headers=[("bus-topic", TOPIC.encode())])
        assert producer.flush(30) == 0
        client.close()

    await asyncio.to_thread(produced)
    assert [message.data for message in await pulled(orders, 4)] == [
        ORDER,
        *(ORDER | {"order_id": str(number)} for number in range(3)),
    ]


async def test_data_without_contract_is_framed_alike(make_bus: Make, registry_url: str) -> None:
    writer, reader = await make_bus(registry_url), await make_bus(registry_url)
    reading = await reader.subscribe("shop.**")
    sent = [b"\x00\x01", "text", {"a": [1, None, 2.5]}, None]
    for data in sent:
        await bounded(writer.publish("shop.carts.new", data, confirm=True))
    messages = await pulled(reading, 4)
    assert [message.data for message in messages] == sent
    assert all(message.raw is None or message.raw[:1] == b"\0" for message in messages)


async def test_versions_are_held_to_their_rule_and_registered_once(make_bus: Make, registry_url: str) -> None:
    from pydantic import BaseModel

    class Item(BaseModel):
        id: int

    name = f"shop.item{id(make_bus)}"
    buses = [await make_bus(registry_url, routes=()) for _ in range(2)]
    for bus in buses:
        bus.contract(Item, "shop.**", name=name)
    await asyncio.gather(*(bounded(bus.publish("shop.items.a", Item(id=1), confirm=True)) for bus in buses))
    registry = buses[0]._codec.registry
    assert len(await registry.versions(name)) == 1
    assert name in await registry.names()

    class Item(BaseModel):  # type: ignore[no-redef]
        id: str

    other = await make_bus(registry_url, routes=())
    other.contract(Item, "shop.**", name=name)
    with pytest.raises(ContractError, match=r"(?s)not compatible.*\.id: type: reader has string, writer has long"):
        await bounded(other.publish("shop.items.a", Item(id="1")))
    production = await make_bus(registry_url, routes=(), environment="production")
    production.contract(Item, "shop.**", name=name)
    with pytest.raises(ContractError, match=f"not registered as it is here .*tierbus contracts push {name}"):
        await bounded(production.publish("shop.items.a", Item(id="1")))


async def test_values_of_both_framings_are_read_from_one_topic(make_bus: Make, registry_url: str) -> None:
    before = await make_bus(registry_url, schema_registry_url=None)
    after = await make_bus(registry_url)
    reading = await after.subscribe("trading.orders.**")
    await bounded(before.publish(TOPIC, ORDER, confirm=True))
    await bounded(after.publish(TOPIC, ORDER, confirm=True))
    messages = await pulled(reading, 2)
    assert [message.data for message in messages] == [ORDER, ORDER]
    assert [(message.raw or b"")[:1] for message in messages] == [b"\xc3", b"\0"]


async def test_the_registry_goes_away_and_comes_back(make_bus: Make, restartable_registry: Apicurio) -> None:
    url = restartable_registry.url
    values = {"schema_registry_timeout_ms": 500, "request_timeout_ms": 2_000}
    writer, knowing = await make_bus(url, **values), await make_bus(url, **values)
    first, second = await knowing.subscribe("trading.**"), await (await make_bus(url, **values)).subscribe("trading.**")
    await bounded(writer.publish(TOPIC, ORDER, confirm=True))
    assert [message.data for message in await pulled(first, 1)] == [ORDER]
    await asyncio.to_thread(restartable_registry.stop)

    # What is known goes on; what is new waits, or is refused whole.
    await bounded(writer.publish(TOPIC, ORDER | {"order_id": "while away"}, confirm=True))
    assert [message.data["order_id"] for message in await pulled(first, 1)] == ["while away"]
    assert await second.receive(2) is None
    with pytest.raises(BusConnectionError, match=r"schema registry .* is not reachable"):
        await bounded(writer.publish("shop.carts.new", "no contract was registered for text yet"))

    await asyncio.to_thread(restartable_registry.start)
    assert [message.data["order_id"] for message in await pulled(second, 2)] == [ORDER["order_id"], "while away"]
    await bounded(writer.publish("shop.carts.new", "now", confirm=True))


async def test_a_registry_with_tls_and_a_password(make_bus: Make, secure_registry: SecureRegistry) -> None:
    trusted = {"schema_registry_cafile": str(secure_registry.ca_path)}
    login = {
        "schema_registry_username": secure_registry.username,
        "schema_registry_password": secure_registry.password,
    }
    bus = await make_bus(secure_registry.url, **trusted, **login)
    reading = await bus.subscribe("trading.**")
    await bounded(bus.publish(TOPIC, ORDER, confirm=True))
    assert [message.data for message in await pulled(reading, 1)] == [ORDER]
    short = {"request_timeout_ms": 1_000}
    for wrong, reason in (
        (trusted, "refuses the login .status 401.*schema_registry_username"),
        (trusted | login | {"schema_registry_password": "other-secret"}, "refuses the login"),
        (login, "certificate verify failed"),
    ):
        refused = await make_bus(secure_registry.url, **wrong, **short)
        with pytest.raises(BusConnectionError, match=reason) as error:
            await bounded(refused.publish(TOPIC, ORDER))
        assert "secret" not in str(error.value)


async def test_an_unknown_id_is_a_decode_error_and_the_next_message_is_read(
    make_bus: Make, registry_url: str, broker: str
) -> None:
    from bus import DecodeError

    bus = await make_bus(registry_url)
    reading = await bus.subscribe("trading.**")
    receipt = await bounded(bus.publish(TOPIC, ORDER, confirm=True))
    kafka_topic = (await receipt.wait()).kafka_topic
    assert await reading.receive(30) is not None

    def produced() -> None:
        producer = Producer({"bootstrap.servers": broker})
        producer.produce(kafka_topic, id_frame(999_999) + b"\x02", headers=[("bus-topic", TOPIC.encode())])
        assert producer.flush(30) == 0

    await asyncio.to_thread(produced)
    with pytest.raises(DecodeError, match="schema id 999999 is in no registry") as refused:
        await reading.receive(30)
    assert refused.value.raw == id_frame(999_999) + b"\x02"
    await bounded(bus.publish(TOPIC, ORDER, confirm=True))
    assert [message.data for message in await pulled(reading, 1)] == [ORDER]
