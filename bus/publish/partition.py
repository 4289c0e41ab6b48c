"""One partition's batches: the one that fills, those that wait, those on their way."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

from bus.errors import BusConnectionError, DeliveryError, DeliveryTimeoutError, TierbusError
from bus.message import Partition
from bus.publish.receipt import PendingBatch, Receipt
from bus.publish.tier import Tier
from bus.transport.base import Headers, Sender

# One on the wire, and a full one behind it.
_ON_THE_WAY_MAX = 2
_RETRY_S = 0.2


class PartitionQueue:
    """Keeps the order in which messages were accepted, whatever happens to a batch's connection."""

    __slots__ = (
        "_filling",
        "_generation",
        "_loop",
        "_on_the_way",
        "_pump",
        "_tier",
        "_waiting",
        "_wake",
        "partition",
    )

    def __init__(self, partition: Partition, tier: Tier) -> None:
        self.partition = partition
        self._tier = tier
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[PendingBatch] = deque()
        self._on_the_way: deque[PendingBatch] = deque()
        self._filling = PendingBatch(partition, tier.batch(), self._nudge)
        self._generation = 0
        self._wake: asyncio.Future[None] | None = None
        self._pump: asyncio.Task[None] | None = None

    def append(self, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers, size: int) -> Receipt:
        """Adds a message for which room was taken."""
        batch = self._filling
        if batch.records.append(timestamp=timestamp_ms, key=key, value=value, headers=headers) is None:
            # Full. An empty batch takes any message, so the second try always fits.
            self._roll()
            batch = self._filling
            batch.records.append(timestamp=timestamp_ms, key=key, value=value, headers=headers)
        index = batch.count
        batch.count = index + 1
        batch.size_bytes += size
        if index == 0:
            self._begin(batch)
        return Receipt(batch, index)

    def _begin(self, batch: PendingBatch) -> None:
        batch.born_s = self._loop.time()
        if self._pump is None:
            self._pump = self._loop.create_task(self._run(), name=f"publish {self.partition}")
        else:
            self._nudge()

    def _roll(self) -> None:
        self._tier.count(self._filling.count, self._filling.size_bytes)
        self._filling.records.close()
        self._waiting.append(self._filling)
        self._filling = PendingBatch(self.partition, self._tier.batch(), self._nudge)
        self._nudge()

    def hurry(self) -> None:
        """Sends what is there without lingering."""
        if self._filling.count:
            self._filling.hurry()

    @property
    def filling(self) -> PendingBatch:
        """The batch that takes messages now; those in it are not counted by the tier yet."""
        return self._filling

    @property
    def outstanding(self) -> list[PendingBatch]:
        """Batches that are not settled yet, oldest first."""
        filling = [self._filling] if self._filling.count else []
        return [batch for batch in (*self._on_the_way, *self._waiting, *filling) if not batch.settled]

    def expire(self, before_s: float, delivery_timeout_ms: int) -> None:
        """Fails batches born before a time. Those not handed over yet are let go: they will never be sent."""
        error = DeliveryTimeoutError(
            f"{self.partition.topic}/{self.partition.partition} did not acknowledge within {delivery_timeout_ms} ms; "
            "Kafka may have the message all the same; publish it again if twice is better than never"
        )
        if self._filling.count and self._filling.born_s < before_s:
            self._roll()
        for batch in self._on_the_way:
            if batch.born_s < before_s and not batch.settled:
                self._fail(batch, error)
        while self._waiting and self._waiting[0].born_s < before_s:
            self._drop(self._waiting.popleft(), error)

    def abandon(self, error: Exception) -> None:
        """Fails all that is outstanding."""
        for batch in self._on_the_way:
            self._fail(batch, error)
        while self._waiting:
            self._drop(self._waiting.popleft(), error)
        if self._filling.count:
            self._roll()
            self._drop(self._waiting.pop(), error)
        if self._pump is not None:
            self._pump.cancel()

    def _fail(self, batch: PendingBatch, error: Exception) -> None:
        if not batch.settled:
            batch.fail(error)
            self._tier.note_failure(batch.count, error)

    def _drop(self, batch: PendingBatch, error: Exception) -> None:
        self._fail(batch, error)
        self._tier.account.give(batch.count, batch.size_bytes)

    def _nudge(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _sleep(self, timeout_s: float | None) -> None:
        """Until something changes, or the time is over."""
        self._wake = wake = self._loop.create_future()
        timer = None if timeout_s is None else self._loop.call_later(timeout_s, self._nudge)
        try:
            await wake
        finally:
            self._wake = None
            if timer is not None:
                timer.cancel()

    async def _run(self) -> None:
        """Hands batches over, one after the other, for as long as there are some."""
        try:
            while True:
                if len(self._on_the_way) >= (_ON_THE_WAY_MAX if self._waiting else 1):
                    # One that is not full gains nothing by going now: the engine sends a partition's one by one.
                    await self._sleep(None)
                    continue
                if not self._waiting:
                    if not self._filling.count:
                        return
                    linger_s = self._filling.born_s + self._tier.profile.linger_ms / 1000 - self._loop.time()
                    if linger_s > 0 and not self._filling.urgent:
                        await self._sleep(linger_s)
                        continue
                await self._hand_over()
        finally:
            self._pump = None

    async def _hand_over(self) -> None:
        try:
            sender = await self._settled_sender()
        except TierbusError as error:
            # An outage, or a setting that Kafka does not take: what waits stays in order, bounded, and expires.
            self._tier.note_outage(error)
            await self._sleep(_RETRY_S)
            return
        if not self._waiting:
            if not self._filling.count:
                return
            self._roll()
        batch = self._waiting.popleft()
        self._on_the_way.append(batch)
        try:
            sent = await sender.send(batch.records, self.partition)
        except BusConnectionError:
            # The producer broke before it took the batch, so the next one may have it.
            self._on_the_way.remove(batch)
            self._tier.renew(sender)
            if batch.settled:
                self._tier.account.give(batch.count, batch.size_bytes)
            else:
                self._waiting.appendleft(batch)
            await self._sleep(_RETRY_S)
            return
        except BaseException as error:
            self._on_the_way.remove(batch)
            self._drop(batch, DeliveryError(f"{self.partition.topic} could not take the message: {error!r}"))
            if not isinstance(error, Exception):
                raise
            return
        sent.add_done_callback(partial(self._on_sent, batch, sender))

    async def _settled_sender(self) -> Sender:
        """The tier's producer, once none of this partition's batches is with an older one."""
        while True:
            sender, generation = await self._tier.sender(), self._tier.generation
            if generation == self._generation or not self._on_the_way:
                self._generation = generation
                return sender
            await self._sleep(None)

    def _on_sent(self, batch: PendingBatch, sender: Sender, sent: asyncio.Future[int]) -> None:
        self._on_the_way.remove(batch)
        self._tier.account.give(batch.count, batch.size_bytes)
        batch.release()
        error = sent.exception()
        if error is None:
            if not batch.settled:
                self._tier.acknowledged += batch.count
                batch.deliver(sent.result())
        else:
            # The batch's sequence number is spent: on the same producer every later batch would be out of order.
            self._tier.renew(sender)
            self._fail(batch, error if isinstance(error, Exception) else DeliveryError(repr(error)))
        self._nudge()
