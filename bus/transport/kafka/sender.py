"""One tier's producer over aiokafka: batches of our own, handed over one by one a partition."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    ProducerClosed,
    UnknownTopicOrPartitionError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from bus.errors import BusConnectionError, DeliveryError
from bus.message import MessagePriority, Partition
from bus.settings import Settings
from bus.transport.base import RecordBatch
from bus.transport.kafka.connection import connection_options
from bus.transport.kafka.lifetime import end, start

_OUTAGES = (KafkaTimeoutError, LeaderNotAvailableError, NodeNotReadyError, UnknownTopicOrPartitionError)
_NEVER_S = 1e9
_RETRY_S = 0.2


class KafkaBatch(BatchBuilder):
    """aiokafka's batch without its serializers, which cost more than the append itself."""

    def __init__(self, size_bytes: int, codec: int) -> None:
        super().__init__(size_bytes, codec)  # type: ignore[no-untyped-call]

    def append(self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: Any = ()) -> object | None:
        """Adds a record; `None` when it has no room."""
        if self._closed:
            return None
        offset = self._relative_offset
        added: object | None = self._builder.append(offset, timestamp, key, value, headers)
        if added is None:
            self._closed = True
        else:
            self._relative_offset = offset + 1
        return added


class KafkaSender:
    """Idempotent, acks from all in-sync replicas, in order per partition."""

    def __init__(self, settings: Settings, tier: MessagePriority) -> None:
        profile = settings.tiers[tier]
        options = connection_options(settings)
        options["client_id"] = f"{settings.client_id}-{tier.tier}"
        self._closed = False
        self._producer = AIOKafkaProducer(
            **options,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # lingering is decided by the publisher, who knows which messages are waited for
            max_batch_size=profile.batch_size_bytes,
            max_request_size=settings.max_request_size_bytes,
            compression_type=profile.compression_type,
        )
        # A batch whose partition has no leader for longer than the request timeout is failed by aiokafka after its
        # sequence number is spent, and every later batch of the partition with it. An outage is to be waited out;
        # how long a message may take is the publisher's decision.
        self._producer._message_accumulator._batch_ttl = _NEVER_S

    async def start(self, timeout_s: float) -> None:
        """Connects and gets a producer id.

        Raises:
            BusConnectionError: Not within the time given.
        """
        try:
            await start(self._producer, timeout_s)
        except (TimeoutError, KafkaError) as error:
            await self.close(0)
            reason = str(error) or f"no answer within {timeout_s:g} s"
            raise BusConnectionError(f"the producer cannot start: {reason}; check that Kafka is up") from error
        except BaseException:
            await self.close(0)
            raise

    def batch(self) -> RecordBatch:
        """An empty batch of the tier's size and codec."""
        accumulator = self._producer._message_accumulator
        return KafkaBatch(accumulator._batch_size, accumulator._compression_type)

    async def send(self, batch: RecordBatch, partition: Partition) -> asyncio.Future[int]:
        """Hands a batch over; waits while the partition's earlier batch is not on its way yet."""
        while True:
            if self._closed:
                raise BusConnectionError("the producer is closed")
            try:
                sent = await self._producer.send_batch(batch, partition.topic, partition=partition.partition)
                break
            except ProducerClosed as error:
                raise BusConnectionError("the producer is closed") from error
            except _OUTAGES:
                await asyncio.sleep(_RETRY_S)
            except KafkaError as error:
                raise BusConnectionError(f"the producer is broken: {error}; the next message gets a new one") from error
        offset: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def on_sent(done: asyncio.Future[Any]) -> None:
            if offset.done():
                return
            if done.cancelled():
                offset.set_exception(DeliveryError("the producer was closed before Kafka acknowledged the message"))
            elif (error := done.exception()) is not None:
                offset.set_exception(_delivery_error(partition, error))
            else:
                offset.set_result(done.result().offset)

        sent.add_done_callback(on_sent)
        return offset

    async def close(self, timeout_s: float) -> None:
        """Stops; an idempotent batch never expires in aiokafka, so what is left after the time given is let go."""
        self._closed = True
        if not await end(self._producer, timeout_s):
            self._producer._message_accumulator.fail_all(ProducerClosed())


def _delivery_error(partition: Partition, error: BaseException) -> DeliveryError:
    reason = str(error) or type(error).__name__
    return DeliveryError(f"{partition.topic}/{partition.partition} did not take the message: {reason}")
