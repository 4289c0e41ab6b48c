"""FastStream's Kafka broker (on aiokafka): `publish`, `publish_batch`, and subscribers of one and of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.partitioner import DefaultPartitioner
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaPublishMessage

from perf.contenders.of_aiokafka import Unconfirmed
from perf.event import Event, decode, encode, events
from perf.work import Stopwatch, Tally, Work

# FastStream puts a content type and a correlation id of about 90 bytes into each record's headers.
BYTES_A_RECORD = 320


def _broker(work: Work, **settings: Any) -> KafkaBroker:
    return KafkaBroker(
        work.servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=work.linger_ms,
        max_batch_size=work.batch_size_bytes,
        **settings,
    )


def _tuned(work: Work) -> KafkaBroker:
    """No logger (it writes two lines a message) and no casting to types: its fastest documented way."""
    return _broker(work, logger=None, apply_types=False)


async def publish(work: Work, clock: Stopwatch) -> int:
    """A `publish(no_confirm=True)` for each event; the futures it returns are collected and waited for."""
    sent = Unconfirmed(work.unconfirmed_max)

    async def run(source: Iterator[Event]) -> None:
        for event in source:
            key = event["symbol"].encode()
            await sent.add(await broker.publish(encode(event), work.topic, key=key, no_confirm=True))
        await sent.settle()

    async with _tuned(work) as broker:
        await run(events(work.warmup))
        source = events(work.events)
        clock.start()
        await run(source)
        clock.stop()
    return sent.acknowledged


async def publish_batch(work: Work, clock: Stopwatch) -> int:
    """A `publish_batch(no_confirm=True)` of a list a partition: the caller partitions and counts bytes."""
    sent = Unconfirmed(work.unconfirmed_max)
    partitioner, numbers = DefaultPartitioner(), list(range(work.partitions))
    partition_of: dict[str, int] = {}
    most = max(1, work.batch_size_bytes // BYTES_A_RECORD)

    async def run(source: Iterator[Event]) -> None:
        lists: dict[int, list[KafkaPublishMessage]] = {number: [] for number in numbers}
        for event in source:
            symbol = event["symbol"]
            key = symbol.encode()
            number = partition_of.get(symbol)
            if number is None:
                number = partition_of[symbol] = partitioner(key, numbers, numbers)
            lists[number].append(KafkaPublishMessage(encode(event), key=key))
            if len(lists[number]) == most:
                await post(lists[number], number)
                lists[number] = []
        for number, messages in lists.items():
            if messages:
                await post(messages, number)
        await sent.settle()

    async def post(messages: list[KafkaPublishMessage], number: int) -> None:
        future = await broker.publish_batch(*messages, topic=work.topic, partition=number, no_confirm=True)
        await sent.add(future, len(messages))

    async with _tuned(work) as broker:
        await run(events(work.warmup))
        source = events(work.events)
        clock.start()
        await run(source)
        clock.stop()
    return sent.acknowledged


async def subscriber(work: Work, tally: Tally) -> None:
    """As its documentation writes it: types applied, messages logged, what was delivered committed."""
    broker = _broker(work)

    async def handler(event: dict[str, Any]) -> None:
        await tally.handle(event)

    _subscriber(broker, work, tally)(handler)
    await _until_done(broker, tally)


async def tuned_subscriber(work: Work, tally: Tally) -> None:
    """The same with no logger and no types."""
    await _tuned_subscriber(work, tally, AckPolicy.ACK_FIRST)


async def acking_subscriber(work: Work, tally: Tally) -> None:
    """Tuned, with the promise that the others give: a commit after each message is handled (`ACK`)."""
    await _tuned_subscriber(work, tally, AckPolicy.ACK)


async def _tuned_subscriber(work: Work, tally: Tally, ack_policy: AckPolicy) -> None:
    broker = _tuned(work)

    async def handler(event: Any) -> None:
        await tally.handle(event)

    _subscriber(broker, work, tally, ack_policy)(handler)
    await _until_done(broker, tally)


def _subscriber(broker: KafkaBroker, work: Work, tally: Tally, ack_policy: AckPolicy = AckPolicy.ACK_FIRST) -> Any:
    async def decoder(message: Any) -> Event:
        tally.begin()
        return decode(message.body)

    return broker.subscriber(
        work.topic,
        decoder=decoder,
        ack_policy=ack_policy,
        auto_commit_interval_ms=work.commit_interval_ms,
        **_fetching(work),
    )


async def batch_subscriber(work: Work, tally: Tally) -> None:
    """Tuned, with `batch=True`: the handler gets a list and calls ours for each."""

    async def decoder(message: Any) -> list[Event]:
        tally.begin()
        return [decode(body) for body in message.body]

    broker = _tuned(work)
    subscribed: Any = broker.subscriber(
        work.topic,
        batch=True,
        decoder=decoder,
        auto_commit_interval_ms=work.commit_interval_ms,
        **_fetching(work),
    )

    async def handler(batch: Any) -> None:
        for event in batch:
            await tally.handle(event)

    subscribed(handler)
    await _until_done(broker, tally)


def _fetching(work: Work) -> dict[str, Any]:
    return {
        "group_id": work.group,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": work.fetch_max_wait_ms,
        "max_partition_fetch_bytes": work.max_partition_fetch_bytes,
    }


async def _until_done(broker: KafkaBroker, tally: Tally) -> None:
    await broker.start()
    try:
        await tally.done.wait()
    finally:
        await broker.stop()
