"""The promise of `bus.transport.base`, kept by both engines: connections, topics and senders."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from bus.errors import BusConnectionError
from bus.message import TIERS, MessagePriority, Partition
from bus.transport.base import NewKafkaTopic
from tests.contract.conftest import MakeClient
from tests.contract.harness import TIMESTAMP_MS, Engine, bounded, encoded, numbered

# The connection


async def test_settings_are_those_it_was_made_with(engine: Engine) -> None:
    settings = engine.settings()
    assert engine.transport(settings).settings is settings


async def test_connect_says_that_nothing_answers(engine: Engine) -> None:
    transport = engine.unreachable(connect_timeout_ms=500)
    with pytest.raises(BusConnectionError):
        await bounded(transport.connect())
    await transport.close(1.0)


async def test_close_twice(make_transport: MakeClient) -> None:
    client = await make_transport()
    await client.transport.close(5.0)
    await client.transport.close(5.0)


async def test_closed_transport_refuses(make_transport: MakeClient) -> None:
    client = await make_transport(request_timeout_ms=500)
    await client.transport.close(5.0)
    with pytest.raises(BusConnectionError):
        await bounded(client.transport.topics())


# Topics


async def test_created_topics_are_listed_with_their_partitions(make_transport: MakeClient) -> None:
    client = await make_transport()
    one, three = client.name("shop.orders.low"), client.name("shop.returns.high")
    await client.transport.create_topics([NewKafkaTopic(one, 1), NewKafkaTopic(three, 3, 1)])
    assert {one: 1, three: 3}.items() <= (await client.transport.topics()).items()


async def test_another_client_sees_a_created_topic(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    assert client.name("late.topic.low") not in await other.transport.topics()
    name = await client.create("late.topic.low", 2)
    assert (await other.transport.topics())[name] == 2


async def test_topics_of_other_namespaces_are_not_listed(make_transport: MakeClient, engine: Engine) -> None:
    client = await make_transport()
    other = await make_transport(namespace=f"{engine.namespace}x")
    mine, theirs = await client.create("a.b.low"), await other.create("a.b.low")
    assert theirs not in await client.transport.topics()
    assert mine not in await other.transport.topics()


async def test_creating_again_changes_nothing(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    await client.send(name, ["kept"], 1)
    await client.create("a.b.normal", 5)
    assert (await client.transport.topics())[name] == 2
    assert await client.send(name, ["next"], 1) == 1


async def test_two_clients_create_the_same_topic_at_once(make_transport: MakeClient) -> None:
    client, other = await make_transport(), await make_transport()
    names = await bounded(asyncio.gather(client.create("a.b.high", 3), other.create("a.b.high", 3)))
    assert (await client.transport.topics())[names[0]] == 3


async def test_created_topics_can_be_written_to_at_once(make_transport: MakeClient) -> None:
    client = await make_transport()
    for number in range(5):
        name = await client.create(f"fresh.family-{number}.low", 2)
        assert await client.send(name, ["first"], number % 2) == 0


async def test_topic_with_an_impossible_name_is_refused(make_transport: MakeClient) -> None:
    client = await make_transport(request_timeout_ms=3_000)
    with pytest.raises(BusConnectionError, match="not good"):
        await bounded(client.create("not good"))


@pytest.mark.parametrize(("first", "second"), [("a.b_c.low", "a_b.c.low"), ("a.b-c.low", "a.b-c_low")])
async def test_names_that_differ_in_dots_and_underscores_only_collide(
    make_transport: MakeClient, first: str, second: str
) -> None:
    client = await make_transport(request_timeout_ms=3_000)
    await client.create(first)
    with pytest.raises(BusConnectionError, match="collides"):
        await bounded(client.create(second))
    assert client.name(second) not in await client.transport.topics()


# Senders


async def test_offsets_follow_each_other(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal", 2)
    assert await client.send(name, numbered("one", 3)) == 0
    assert await client.send(name, numbered("two", 2)) == 3
    assert await client.send(name, numbered("other", 1), 1) == 0
    assert await client.send(name, numbered("three", 1)) == 5


@pytest.mark.parametrize("tier", TIERS)
async def test_each_partition_keeps_the_order_of_sending(make_transport: MakeClient, tier: MessagePriority) -> None:
    client = await make_transport()
    name = await client.create(f"a.b.{tier.tier}", 2)
    reader = await client.reader({name: 2}, tier=tier)
    sender = await client.sender(tier)
    acknowledged = []
    for number in range(40):  # handed over without waiting for an acknowledgement
        batch = sender.batch()
        for part in range(5):
            value = f"{number}.{part}".encode()
            assert batch.append(timestamp=TIMESTAMP_MS, key=b"k", value=value, headers=[]) is not None
        acknowledged.append(await bounded(sender.send(batch, Partition(name, number % 2))))
    offsets = await bounded(asyncio.gather(*acknowledged))
    assert offsets == [number // 2 * 5 for number in range(40)]
    await reader.take(200)
    for partition in (0, 1):
        sent = [f"{number}.{part}".encode() for number in range(partition, 40, 2) for part in range(5)]
        assert reader.values_of(partition) == sent


async def test_a_record_arrives_as_it_was_given(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    reader = await client.reader({name: 1})
    sender = await client.sender()
    headers = [("bus-topic", b"a.b.c"), ("twice", b"1"), ("twice", b"\xff\x00"), ("empty", b"")]
    given = [
        (1, b"key", b"value", headers),
        (TIMESTAMP_MS, None, b"", []),
        (TIMESTAMP_MS - 5, b"", None, headers[:1]),
        (TIMESTAMP_MS, "ключ".encode(), bytes(range(256)) * 40, []),
    ]
    batch = sender.batch()
    for timestamp, key, value, headers in given:
        assert batch.append(timestamp=timestamp, key=key, value=value, headers=headers) is not None
    await bounded(await sender.send(batch, Partition(name, 0)))
    await reader.take(4)
    assert [(r.timestamp, r.key, r.value, [tuple(h) for h in r.headers]) for r in reader.records] == given
    assert [(r.topic, r.partition, r.offset) for r in reader.records] == [(name, 0, n) for n in range(4)]


async def test_a_batch_is_full_at_its_size(make_transport: MakeClient) -> None:
    client = await make_transport(tiers={"high": {"batch_size_bytes": 4_096, "compression_type": None}})
    sender = await client.sender(MessagePriority.HIGH)
    batch = sender.batch()
    assert batch.record_count() == 0
    while batch.append(timestamp=TIMESTAMP_MS, key=b"k" * 10, value=b"v" * 300, headers=[]) is not None:
        assert batch.record_count() < 100
    # 310 bytes of data each and some more of framing
    assert 11 <= batch.record_count() <= 4_096 // 310


async def test_full_batches_are_sent_whole(make_transport: MakeClient) -> None:
    client = await make_transport(tiers={"low": {"batch_size_bytes": 2_048}})
    name = await client.create("a.b.low")
    reader = await client.reader({name: 1})
    sender = await client.sender(MessagePriority.LOW)
    sent: list[bytes] = []
    for number in range(5):
        batch = sender.batch()
        while (
            batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"%d/%d" % (number, len(sent)), headers=[]) is not None
        ):
            sent.append(b"%d/%d" % (number, len(sent)))
        await bounded(sender.send(batch, Partition(name, 0)))
    assert await reader.take(len(sent)) == sent


async def test_the_first_record_always_fits(make_transport: MakeClient) -> None:
    client = await make_transport(tiers={"normal": {"batch_size_bytes": 1_024}})
    name = await client.create("a.b.normal")
    reader = await client.reader({name: 1})
    sender = await client.sender()
    batch = sender.batch()
    assert batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"x" * 50_000, headers=[]) is not None
    assert batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"y", headers=[]) is None
    assert batch.record_count() == 1
    assert await bounded(await sender.send(batch, Partition(name, 0))) == 0
    assert await reader.take(1) == [b"x" * 50_000]


async def test_nothing_can_be_added_to_a_closed_batch(make_transport: MakeClient) -> None:
    sender = await (await make_transport()).sender()
    batch = sender.batch()
    assert batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"1", headers=[]) is not None
    batch.close()
    assert batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"2", headers=[]) is None
    assert batch.record_count() == 1


async def test_closing_a_sender_delivers_what_it_was_handed(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.low")
    reader = await client.reader({name: 1})
    sender = await client.sender(MessagePriority.LOW)
    batch = sender.batch()
    batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"last", headers=[])
    acknowledged = await bounded(sender.send(batch, Partition(name, 0)))
    await bounded(sender.close(10.0))
    await bounded(sender.close(10.0))
    assert await bounded(acknowledged) == 0
    assert await reader.take(1) == [b"last"]


async def test_a_closed_sender_refuses(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.low")
    sender = await client.sender()
    batch = sender.batch()
    batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"late", headers=[])
    await bounded(sender.close(5.0))
    with pytest.raises(BusConnectionError):
        await bounded(sender.send(batch, Partition(name, 0)))


async def test_cancelling_the_wait_does_not_unsend(make_transport: MakeClient) -> None:
    client = await make_transport()
    name = await client.create("a.b.normal")
    reader = await client.reader({name: 1})
    sender = await client.sender()
    batch = sender.batch()
    batch.append(timestamp=TIMESTAMP_MS, key=None, value=b"sent", headers=[])
    acknowledged = await bounded(sender.send(batch, Partition(name, 0)))
    acknowledged.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await acknowledged
    assert await client.send(name, ["next"], sender=sender) == 1
    assert await reader.take(2) == encoded(["sent", "next"])
