"""A message's way out, one screen: target, encode, key, room, append."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from time import time
from typing import Any

from bus.avro.codec import Codec
from bus.errors import BufferFullError, ClosedError, DeliveryError, EncodeError, MessageTooLargeError, UndeliveredError
from bus.message import RESERVED_HEADER_PREFIX, TIERS, MessagePriority
from bus.publish.partition import PartitionQueue
from bus.publish.receipt import Receipt, Receipts
from bus.publish.target import Spread, Target
from bus.publish.tier import Tier
from bus.publish.topics import KafkaTopics
from bus.routing.router import Router
from bus.settings import Settings
from bus.transport.base import Transport

log = logging.getLogger("tierbus.publish")

Key = str | bytes | None
Headers = Mapping[str, str] | None

_TARGETS_MAX = 200_000
# A caller that publishes in a loop never waits for anything, so the loop's other work gets its turn by volume.
_TURN_BYTES = 65_536
# Kafka counts a batch's own header, and the lengths that it writes before a record's parts.
_BATCH_FRAME_BYTES = 96
_HEADER_FRAME_BYTES = 10


class Publisher:
    """Publishing of one client."""

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        router: Router,
        codec: Codec,
        on_new_topic: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._router = router
        self._codec = codec
        self._topics = KafkaTopics(settings, transport, on_new_topic)
        self._tiers = [Tier(tier, settings, transport) for tier in TIERS]
        self._targets: dict[tuple[str, MessagePriority | str | None], Target] = {}
        self._spreads: dict[str, Spread] = {}
        self._resolving = asyncio.Lock()
        self._size_max = settings.max_request_size_bytes - _BATCH_FRAME_BYTES
        self._buffer_wait_s = settings.buffer_wait_ms / 1000
        self._turn_bytes = 0
        self._watchdog: asyncio.Task[None] | None = None
        self._closed = False

    async def publish(
        self,
        topic: str,
        data: Any,
        priority: MessagePriority | str | None = None,
        key: Key = None,
        headers: Headers = None,
        confirm: bool = False,
    ) -> Receipt:
        """See `MessageBus.publish`."""
        extra = () if headers is None else _header_bytes(headers)
        target = self._known_target(topic, priority) or await self._resolve(topic, priority)
        value: bytes | None = None
        if data is not None:
            schema, value = self._codec.encode(target.contract, data)
            if not schema.registered:
                await self._codec.registry.register(schema)
        key_bytes, queue = target.place(key, data)
        size = target.overhead + len(key_bytes) + (0 if value is None else len(value))
        record_headers = target.headers
        if extra:
            record_headers = [*record_headers, *extra]
            size += sum(len(name) + len(text) + _HEADER_FRAME_BYTES for name, text in extra)
        if size > self._size_max:
            raise MessageTooLargeError(
                f"message for {topic} takes {size} bytes; at most {self._size_max} fit max_request_size_bytes "
                f"{self._settings.max_request_size_bytes}"
            )
        tier = target.tier
        if not tier.account.take(size):
            await self._wait_for_room(tier, size)
        receipt = Receipt(*queue.append(int(time() * 1000), key_bytes, value, record_headers, size))
        tier.published += 1
        tier.published_bytes += size
        if confirm:
            queue.hurry()
            await receipt.wait()
        self._turn_bytes += size
        if self._turn_bytes > _TURN_BYTES:
            self._turn_bytes = 0
            await asyncio.sleep(0)
        return receipt

    async def publish_many(
        self,
        topic: str,
        data: Iterable[Any] | AsyncIterable[Any],
        priority: MessagePriority | str | None = None,
        key: Callable[[Any], Key] | None = None,
        headers: Headers = None,
        confirm: bool = False,
    ) -> Receipts:
        """See `MessageBus.publish_many`."""
        receipts = Receipts()
        try:
            if isinstance(data, AsyncIterable):
                async for item in data:
                    receipts.add(
                        await self.publish(topic, item, priority, key(item) if key is not None else None, headers)
                    )
            else:
                for item in data:
                    receipts.add(
                        await self.publish(topic, item, priority, key(item) if key is not None else None, headers)
                    )
        except BufferFullError as error:
            error.accepted = receipts.count
            raise
        if confirm:
            for queue in self._all_queues():
                queue.hurry()
            await receipts.wait()
        return receipts

    async def _wait_for_room(self, tier: Tier, size: int) -> None:
        """Takes room, in the order of asking."""
        if not await tier.account.wait(size, self._buffer_wait_s):
            tier.refused += 1
            raise BufferFullError(
                f"the {tier.priority.tier} buffer is full ({tier.account.messages} messages, "
                f"{tier.account.size_bytes} bytes) and had no room within {self._settings.buffer_wait_ms} ms; "
                "the message was refused: slow down, or look whether Kafka is up"
            )
        if self._closed:
            tier.account.give(1, size)
            raise ClosedError("the bus is closed; connect it again before publishing")

    def _known_target(self, topic: str, priority: MessagePriority | str | None) -> Target | None:
        try:
            return self._targets.get((topic, priority))
        except TypeError:  # unhashable: no topic at all, which the router says better
            return None

    async def _resolve(self, topic: str, priority: MessagePriority | str | None) -> Target:
        """The slow way, once a topic: rules, contract, Kafka topic, partitions, producer."""
        if self._closed:
            raise ClosedError("the bus is closed; connect it again before publishing")
        route = self._router.route(topic, priority)
        contract = None if route.rule.contract is None else self._codec.contract(route.rule.contract)
        partitions = await self._topics.partitions(route)
        tier = self._tiers[route.tier]
        async with self._resolving:
            if route.kafka_topic not in self._spreads:
                await tier.sender()
                queues = [PartitionQueue(partition, tier) for partition in route.partitions(partitions)]
                self._spreads[route.kafka_topic] = Spread(queues)
            if self._watchdog is None:
                self._watchdog = asyncio.create_task(self._watch(), name="publish watchdog")
        target = Target(route, contract, tier, self._spreads[route.kafka_topic])
        if len(self._targets) >= _TARGETS_MAX:
            self._targets.clear()
        self._targets[topic, priority] = target
        return target

    async def _watch(self) -> None:
        """Expires what Kafka did not acknowledge in time."""
        timeout_s = self._settings.delivery_timeout_ms / 1000
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(0.5, timeout_s / 10))
            failed = sum(tier.failed for tier in self._tiers)
            for queue in self._all_queues():
                queue.expire(loop.time() - timeout_s, self._settings.delivery_timeout_ms)
            failed = sum(tier.failed for tier in self._tiers) - failed
            if failed:
                log.error("%d messages were not acknowledged within %g s", failed, timeout_s)

    def _all_queues(self) -> Iterable[PartitionQueue]:
        for spread in self._spreads.values():
            yield from spread.queues

    async def flush(self, timeout_s: float | None = None) -> None:
        """See `MessageBus.flush`."""
        outstanding = []
        for queue in self._all_queues():
            queue.hurry()
            outstanding += queue.outstanding
        try:
            async with asyncio.timeout(timeout_s):
                for batch in outstanding:
                    await asyncio.gather(batch.wait(), return_exceptions=True)
        except TimeoutError:
            left = sum(batch.count for batch in outstanding if not batch.settled)
            raise UndeliveredError(f"{left} messages are not acknowledged after {timeout_s:g} s", left) from None
        self._raise_undelivered()

    def _raise_undelivered(self) -> None:
        count = sum(tier.failed_since_flush for tier in self._tiers)
        first = next((tier.first_error for tier in self._tiers if tier.first_error is not None), None)
        for tier in self._tiers:
            tier.failed_since_flush, tier.first_error = 0, None
        if count:
            raise UndeliveredError(
                f"{count} messages were not delivered since the last flush; the first: {first}", count
            ) from first

    def renew_senders(self) -> None:
        """Whatever is published from now on takes new connections; what is on its way is finished on the old ones."""
        for tier in self._tiers:
            tier.renew()

    async def close(self, timeout_s: float) -> None:
        """Flushes within the time given, then closes the producers; raises what could not be delivered."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        try:
            await self.flush(timeout_s)
        finally:
            error = DeliveryError(f"the bus was closed before Kafka acknowledged, after {timeout_s:g} s")
            for queue in self._all_queues():
                queue.abandon(error)
            if self._watchdog is not None:
                self._watchdog.cancel()
            await asyncio.gather(*(tier.close(max(1.0, deadline_s - loop.time())) for tier in self._tiers))

    @property
    def tiers(self) -> list[Tier]:
        """The tiers with their counters, by priority."""
        return self._tiers


def _header_bytes(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    out = []
    for name, text in headers.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise EncodeError(f"header {name!r} must be text with a text value, not {type(text).__name__}")
        if name.startswith(RESERVED_HEADER_PREFIX):
            raise EncodeError(
                f"header {name!r} begins with {RESERVED_HEADER_PREFIX!r}, which is kept for the bus; rename it"
            )
        out.append((name, text.encode("utf-8", "surrogateescape")))
    return out
