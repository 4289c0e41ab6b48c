"""One tier's way out: its producer, made on first use and replaced when it breaks, and its bound."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bus.message import MessagePriority
from bus.publish.account import Account
from bus.settings import Settings, TierProfile

if TYPE_CHECKING:
    from bus.publish.partition import PartitionQueue
from bus.transport.base import RecordBatch, Sender, Transport

log = logging.getLogger("tierbus.publish")


class Tier:
    """Shared by the partitions of the tier.

    Attributes:
        generation: Counts the producers; a partition never has batches on two of them at once.
    """

    def __init__(self, tier: MessagePriority, settings: Settings, transport: Transport) -> None:
        self.priority = tier
        self.profile: TierProfile = settings.tiers[tier]
        self.account = Account(settings.buffer_messages_max, settings.buffer_memory_bytes)
        self.generation = 0
        self._transport = transport
        self._sender: Sender | None = None
        self._batches: Callable[[], RecordBatch] | None = None
        self._parting: dict[asyncio.Task[None], Sender] = {}
        self._delivery_timeout_s = settings.delivery_timeout_ms / 1000
        self._making = asyncio.Lock()
        # Plain counters: nothing is paid for metrics but an addition.
        self._published = 0
        self._published_bytes = 0
        self.queues: list[PartitionQueue] = []
        self.acknowledged = 0
        self.failed = 0
        self.refused = 0
        self.first_error: Exception | None = None
        self._outage = ""
        self.failed_since_flush = 0

    async def sender(self) -> Sender:
        """The producer of this tier.

        Raises:
            BusConnectionError: Kafka is not reachable within `request_timeout_ms`.
        """
        if self._sender is None:
            async with self._making:
                if self._sender is None:
                    self._sender = await self._transport.sender(self.priority)
                    self._batches = self._sender.batch
                    self._outage = ""
                    self.generation += 1
        return self._sender

    def batch(self) -> RecordBatch:
        """An empty batch; any producer of the tier may send it."""
        assert self._batches is not None, "a producer was made before the first partition"
        return self._batches()

    def renew(self, broken: Sender | None = None) -> None:
        """The next batch gets a new producer; with `broken`, only when that is still the one in use."""
        if self._sender is not None and broken in (None, self._sender):
            # It finishes what it was given; for how long, is bounded as every delivery is.
            self._part_with(self._sender, self._delivery_timeout_s)
            self._sender = None

    def _part_with(self, old: Sender, timeout_s: float) -> None:
        name = f"close a producer of {self.priority.tier}"
        parting = asyncio.get_running_loop().create_task(old.close(timeout_s), name=name)
        self._parting[parting] = old
        parting.add_done_callback(self._part)

    def _part(self, parting: asyncio.Task[None]) -> None:
        self._parting.pop(parting, None)
        if not parting.cancelled() and (error := parting.exception()) is not None:
            log.warning("a producer of %s did not close: %r", self.priority.tier, error)

    def count(self, messages: int, size: int) -> None:
        """A batch is full: its messages are counted once, not one by one."""
        self._published += messages
        self._published_bytes += size

    @property
    def published(self) -> int:
        """Messages accepted so far."""
        return self._published + sum(queue.filling.count for queue in self.queues)

    @property
    def published_bytes(self) -> int:
        """What they took of the buffer."""
        return self._published_bytes + sum(queue.filling.size_bytes for queue in self.queues)

    def note_failure(self, count: int, error: Exception) -> None:
        """Counts messages that were accepted and not delivered."""
        self.failed += count
        self.failed_since_flush += count
        if self.first_error is None:
            # The first since the last flush; the others are in the count that `flush` tells.
            log.error("%d messages of tier %s were not delivered: %s", count, self.priority.tier, error)
            self.first_error = error

    def note_outage(self, error: Exception) -> None:
        """Tells once what keeps batches from being handed over."""
        if str(error) != self._outage:
            self._outage = str(error)
            log.warning("tier %s waits: %s", self.priority.tier, error)

    async def close(self, timeout_s: float) -> None:
        """Closes the producers that it ever had."""
        if self._sender is not None:
            self._part_with(self._sender, timeout_s)
            self._sender = None
        parting = dict(self._parting)
        if not parting:
            return
        _, late = await asyncio.wait(parting, timeout=timeout_s + 1)
        for task in late:
            task.cancel()
        await asyncio.gather(*(parting[task].close(0) for task in late), return_exceptions=True)
