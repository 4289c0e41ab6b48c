"""What `publish` returns: a way to learn where a message landed, shared by all messages of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from bus.message import Delivered, Partition
from bus.transport.base import RecordBatch

# Of one `publish_many`, before those that are delivered are forgotten.
_BATCHES_KEPT = 64


class PendingBatch:
    """A batch from its first message to its acknowledgement.

    Attributes:
        records: The transport's batch.
        count: Messages in it.
        size_bytes: What they take of the buffer.
        born_s: When the first message came, on the loop's clock.
        offset: Offset of the first message once it is acknowledged.
        error: Why it was not delivered.
        urgent: Somebody waits for it: it does not linger.
    """

    __slots__ = (
        "_nudge",
        "_waiter",
        "born_s",
        "count",
        "error",
        "offset",
        "partition",
        "records",
        "size_bytes",
        "urgent",
    )

    def __init__(self, partition: Partition, records: RecordBatch, nudge: Callable[[], None]) -> None:
        self.partition = partition
        self.records = records
        self.count = 0
        self.size_bytes = 0
        self.born_s = 0.0
        self.urgent = False
        self._nudge = nudge
        self.offset: int | None = None
        self.error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def hurry(self) -> None:
        """Somebody waits for it."""
        self.urgent = True
        self._nudge()

    def release(self) -> None:
        """Its bytes are with Kafka, or never will be: a kept receipt must not keep them."""
        self.records = cast("RecordBatch", None)

    @property
    def settled(self) -> bool:
        """Whether its fate is known."""
        return self.offset is not None or self.error is not None

    def deliver(self, offset: int) -> None:
        """It landed."""
        self.offset = offset
        self._wake()

    def fail(self, error: Exception) -> None:
        """It did not land, or not in time; the first word stands."""
        if not self.settled:
            self.error = error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> int:
        """The first message's offset; raises why it was not delivered."""
        if not self.settled:
            if self._waiter is None:
                self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiter)
        if self.error is not None:
            raise self.error
        assert self.offset is not None
        return self.offset


class Receipt:
    """The acknowledgement of one published message, now or to come."""

    __slots__ = ("_batch", "_index")

    def __init__(self, batch: PendingBatch, index: int) -> None:
        self._batch = batch
        self._index = index

    async def wait(self) -> Delivered:
        """Returns once all in-sync replicas have the message. Cancelling the wait does not unsend it.

        Raises:
            DeliveryTimeoutError: Not acknowledged within `delivery_timeout_ms`.
            DeliveryError: Kafka refused it.
        """
        offset = await self._batch.wait()
        return Delivered(*self._batch.partition, offset + self._index)

    def hurry(self) -> None:
        """Its batch does not linger."""
        self._batch.hurry()

    @property
    def done(self) -> bool:
        """Whether `wait` would return or raise at once."""
        return self._batch.settled

    def __repr__(self) -> str:
        """Where it stands."""
        batch = self._batch
        state = "failed" if batch.error is not None else "waiting" if batch.offset is None else "delivered"
        return f"<Receipt {state} {batch.partition.topic}/{batch.partition.partition}>"


class Receipts:
    """The acknowledgements of one `publish_many`.

    Attributes:
        count: How many messages were accepted.
    """

    __slots__ = ("_batches", "count")

    def __init__(self) -> None:
        self.count = 0
        self._batches: dict[PendingBatch, None] = {}

    def add(self, receipt: Receipt) -> None:
        """One more accepted message."""
        self.count += 1
        self._batches[receipt._batch] = None
        if len(self._batches) > _BATCHES_KEPT:
            self._batches = {b: None for b in self._batches if b.error is not None or not b.settled}

    def hurry(self) -> None:
        """None of their batches lingers."""
        for batch in self._batches:
            batch.hurry()

    async def wait(self) -> int:
        """Returns how many were delivered (all of them) once all in-sync replicas have them.

        Raises:
            DeliveryTimeoutError: One was not acknowledged within `delivery_timeout_ms`.
            DeliveryError: Kafka refused one.
        """
        for batch in self._batches:
            await batch.wait()
        return self.count
