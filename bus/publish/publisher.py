"""A message's way out, one screen: target, encode, key, room, append."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from time import time
from typing import Any

from bus.avro.codec import Codec
from bus.avro.contract import Contract
from bus.errors import (
    AccessError,
    BufferFullError,
    BusConnectionError,
    ClosedError,
    DeliveryError,
    MessageTooLargeError,
    UndeliveredError,
)
from bus.message import TIERS, MessagePriority
from bus.publish.headers import Headers, header_bytes
from bus.publish.partition import PartitionQueue
from bus.publish.receipt import Receipt, Receipts
from bus.publish.target import Spread, Target
from bus.publish.tier import Tier
from bus.publish.topics import KafkaTopics
from bus.routing.router import Router
from bus.settings import Settings
from bus.transport.base import Headers as RecordHeaders
from bus.transport.base import Transport

Key = str | bytes | None
_NONE: tuple[tuple[str, bytes], ...] = ()
_TARGETS_MAX = 200_000
_RETRY_S = 0.2
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
        # Of those who look for topics during an outage each would else wait for all before it.
        self._resolve_wait_s = 2 * settings.request_timeout_ms / 1000
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
        receipt = self._put_at_once(topic, data, priority, key, headers)
        if receipt is None:
            receipt = await self._put(topic, data, priority, key, headers)
        if confirm:
            receipt.hurry()
            await receipt.wait()
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
                    item_key = None if key is None else key(item)
                    receipts.add(await self.publish(topic, item, priority, item_key, headers))
            else:
                put, add = self._put_at_once, receipts.add
                for item in data:
                    item_key = None if key is None else key(item)
                    add(
                        put(topic, item, priority, item_key, headers)
                        or await self._put(topic, item, priority, item_key, headers)
                    )
                    if self._turn_bytes > _TURN_BYTES:
                        self._turn_bytes = 0
                        await asyncio.sleep(0)
        except BufferFullError as error:
            error.accepted = receipts.count
            raise
        if confirm:
            receipts.hurry()
            await receipts.wait()
        return receipts

    def _put_at_once(
        self, topic: str, data: Any, priority: MessagePriority | str | None, key: Key, headers: Headers
    ) -> Receipt | None:
        """The way of nearly every message; `None`, and nothing done, when something has to be waited for."""
        try:
            target = self._targets[topic, priority]
        except (KeyError, TypeError):  # not met yet, or no topic at all, which the router says better
            return None
        contract = target.contract
        value: bytes | None = None
        own = _NONE
        if data is not None:
            if contract is None:
                contract = self._codec.plain.contract_for(data)
            if not contract.registered:
                return None
            value = contract.encode(data)
            own = contract.headers
        key_bytes, queue = target.place(key, data)
        if headers is None and not own:
            record_headers = target.headers
            size = target.overhead + len(key_bytes) + (0 if value is None else len(value))
        else:
            record_headers = [*target.headers, *own, *header_bytes(headers)]
            size = _size(target, key_bytes, value, record_headers)
        if size > self._size_max:
            raise self._too_large(topic, size)
        if not target.account.take(size):
            return None
        self._turn_bytes += size
        return queue.append(int(time() * 1000), key_bytes, value, record_headers, size)

    async def _put(
        self, topic: str, data: Any, priority: MessagePriority | str | None, key: Key, headers: Headers
    ) -> Receipt:
        """The same, waiting for what is missing: the topic, the schema's registration, or room in the buffer."""
        record_headers = header_bytes(headers)
        target, contract = await self._found(topic, priority, data)
        value: bytes | None = None
        if contract is not None:
            value = contract.encode(data)
            record_headers = [*contract.headers, *record_headers]
        key_bytes, queue = target.place(key, data)
        record_headers = [*target.headers, *record_headers]
        size = _size(target, key_bytes, value, record_headers)
        if size > self._size_max:
            raise self._too_large(topic, size)
        await self._take_room(target.tier, size)
        return queue.append(int(time() * 1000), key_bytes, value, record_headers, size)

    async def _found(
        self, topic: str, priority: MessagePriority | str | None, data: Any
    ) -> tuple[Target, Contract | None]:
        """Where a message goes and the contract that writes it, registered; tries again while a registry is away."""
        reason = "check that Kafka is up"
        try:
            async with asyncio.timeout(self._resolve_wait_s):
                target = await self._resolve(topic, priority)
                if data is None:
                    return target, None
                contract = target.contract or self._codec.plain.contract_for(data)
                while not contract.registered:
                    try:
                        await self._codec.register(contract)
                    except AccessError:
                        raise
                    except BusConnectionError as error:
                        reason = str(error)
                        await asyncio.sleep(_RETRY_S)
                return target, contract
        except TimeoutError as error:
            raise BusConnectionError(
                f"{topic} could not be looked up within {self._resolve_wait_s:g} s: {reason}"
            ) from error

    def _too_large(self, topic: str, size: int) -> MessageTooLargeError:
        return MessageTooLargeError(
            f"message for {topic} takes {size} bytes; at most {self._size_max} fit max_request_size_bytes "
            f"{self._settings.max_request_size_bytes}"
        )

    async def _take_room(self, tier: Tier, size: int) -> None:
        """Takes room, in the order of asking."""
        if not tier.account.take(size) and not await tier.account.wait(size, self._buffer_wait_s):
            tier.refused += 1
            raise BufferFullError(
                f"the {tier.priority.tier} buffer is full ({tier.account.messages} messages, "
                f"{tier.account.size_bytes} bytes) and had no room within {self._settings.buffer_wait_ms} ms; "
                "the message was refused: slow down, or look whether Kafka is up"
            )
        if self._closed:
            tier.account.give(1, size)
            raise ClosedError("the bus is closed; connect it again before publishing")

    async def _resolve(self, topic: str, priority: MessagePriority | str | None) -> Target:
        """Once a topic: rules, contract, Kafka topic, partitions, producer."""
        if self._closed:
            raise ClosedError("the bus is closed; connect it again before publishing")
        try:
            known = self._targets.get((topic, priority))
        except TypeError:
            known = None
        if known is not None:
            return known
        route = self._router.route(topic, priority)
        partitions = await self._topics.partitions(route)
        tier = self._tiers[route.tier]
        async with self._resolving:
            if self._closed:
                raise ClosedError("the bus is closed; connect it again before publishing")
            if route.kafka_topic not in self._spreads:
                await tier.sender()
                queues = [PartitionQueue(partition, tier) for partition in route.partitions(partitions)]
                self._spreads[route.kafka_topic] = Spread(queues)
                tier.queues += queues
            if self._watchdog is None:
                self._watchdog = asyncio.create_task(self._watch(), name="publish watchdog")
        # After all that is waited for: topics may be bound to a contract meanwhile.
        target = Target(route, self._codec.contract_of(topic), tier, self._spreads[route.kafka_topic])
        if self._closed:
            raise ClosedError("the bus is closed; connect it again before publishing")
        if len(self._targets) >= _TARGETS_MAX:
            self._targets.clear()
        self._targets[topic, priority] = target
        return target

    def forget_targets(self) -> None:
        """What was decided once a topic is decided anew."""
        self._targets.clear()

    async def _watch(self) -> None:
        """Expires what Kafka did not acknowledge in time."""
        timeout_s = self._settings.delivery_timeout_ms / 1000
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(0.5, timeout_s / 10))
            for queue in self._all_queues():
                queue.expire(loop.time() - timeout_s, self._settings.delivery_timeout_ms)

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
        self._targets.clear()  # whoever still publishes has to resolve anew, and is refused
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


def _size(target: Target, key: bytes, value: bytes | None, headers: RecordHeaders) -> int:
    """What a message takes of the buffer: nearly what it takes in Kafka."""
    size = target.overhead + len(key) + (0 if value is None else len(value))
    return size + sum(len(name) + len(text) + _HEADER_FRAME_BYTES for name, text in headers[1:])
