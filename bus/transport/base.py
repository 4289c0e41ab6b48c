"""What the bus needs of an engine: five small protocols that Kafka and the memory transport both keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bus.message import MessagePriority, Partition, Record
from bus.settings import Settings

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class NewKafkaTopic:
    """A Kafka topic to be made.

    Attributes:
        name: Its full name.
        partitions: How many partitions.
        replication_factor: Replicas of each; none means 3, or as many as there are brokers.
        config: Topic settings in Kafka's names, such as `retention.ms`.
    """

    name: str
    partitions: int
    replication_factor: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)


class RecordBatch(Protocol):
    """A batch that is being filled; it is sent as one."""

    def append(self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers) -> object | None:
        """Adds a record (time in ms since the epoch); `None` when it has no room. The first always fits."""
        ...

    def record_count(self) -> int:
        """Records in the batch."""
        ...

    def close(self) -> None:
        """Nothing can be added any more."""
        ...


class Sender(Protocol):
    """One tier's producer: acks from all in-sync replicas, idempotent, in order per partition."""

    def batch(self) -> RecordBatch:
        """An empty batch."""
        ...

    async def send(self, batch: RecordBatch, partition: Partition) -> asyncio.Future[int]:
        """Hands a batch over; returns when the engine has queued it.

        The future gives the offset of the batch's first record once all in-sync replicas have it. It has no time
        limit of its own: a batch that was handed over may be delivered as long as the sender lives.

        Raises:
            BusConnectionError: The sender is closed or broken.
            DeliveryError: From the future: Kafka refused the batch.
        """
        ...

    async def close(self, timeout_s: float) -> None:
        """Stops within the time given; what is not acknowledged by then fails. Safe to call twice."""
        ...


class Fetcher(Protocol):
    """One tier's consumer, for a group or for one subscriber alone."""

    async def set_topics(self, topics: Mapping[str, int]) -> None:
        """Names the Kafka topics to read, each with its partition count; replaces the earlier ones.

        For a group this joins it and returns without waiting for partitions. Alone, it returns when every partition
        that is new has a position: the end for the topics of the first call, the beginning for those that come later.
        """
        ...

    async def fetch(self, records_max: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        """The next records by partition, each in order of offset; empty when none came in time.

        Raises:
            BusConnectionError: Kafka refuses us (authorisation); not for an outage, which is waited out.
        """
        ...

    async def commit(self, offsets: Mapping[Partition, int], timeout_s: float) -> None:
        """Stores the group's positions (the offset to read next).

        Raises:
            BusConnectionError: Not stored in time, or the partitions are another member's by now.
        """
        ...

    async def end_offsets(self, timeout_s: float) -> Mapping[Partition, int]:
        """The end of each partition that is read now (the offset that the next record will get)."""
        ...

    async def close(self, timeout_s: float) -> None:
        """Leaves the group and stops within the time given. `on_revoked` is not called. Safe to call twice."""
        ...


Assigned = Callable[[frozenset[Partition]], None]
Revoked = Callable[[frozenset[Partition]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FetcherOptions:
    """What a fetcher is made for.

    Attributes:
        tier: The tier that it reads.
        group: The group's name in the engine (`{group}.{tier}`); `None` reads alone and commits nothing.
        from_start: Alone, whether the topics of the first call are read from the beginning as well.
        on_assigned: Called with all partitions of a new assignment before their records come.
        on_revoked: Awaited before a group's partitions are given away; commits made in it still count.
    """

    tier: MessagePriority
    group: str | None
    on_assigned: Assigned
    on_revoked: Revoked
    from_start: bool = False


class Table(Protocol):
    """A compacted Kafka topic of one partition, kept in memory: the last value of each key."""

    def get(self, key: str) -> bytes | None:
        """The last known value; `refresh` first when it may be newer than this process knows."""
        ...

    def items(self) -> Mapping[str, bytes]:
        """All that is known, in the order in which each key was first written."""
        ...

    async def put(self, key: str, value: bytes | None) -> None:
        """Writes a value (`None` removes the key) and returns when it is acknowledged and read back.

        Raises:
            BusConnectionError: Not possible within `request_timeout_ms`.
        """
        ...

    async def refresh(self) -> None:
        """Reads to the end that the topic has now.

        Raises:
            BusConnectionError: Not possible within `request_timeout_ms`.
        """
        ...


class Transport(Protocol):
    """The engine as the bus sees it."""

    @property
    def settings(self) -> Settings:
        """The settings that it was made with."""
        ...

    async def connect(self) -> None:
        """Reaches the cluster. When connected, takes a new connection in place of the old one, which is closed.

        Raises:
            BusConnectionError: Not reachable within `connect_timeout_ms`, or it refuses us; says which and what next.
                An old connection is left as it was.
        """
        ...

    async def close(self, timeout_s: float) -> None:
        """Closes its own connections; senders and fetchers are closed by their owners. Safe to call twice."""
        ...

    async def topics(self) -> Mapping[str, int]:
        """Every Kafka topic of the namespace with its partition count, as the cluster knows it now.

        Raises:
            BusConnectionError: Not answered within `request_timeout_ms`.
        """
        ...

    async def create_topics(self, topics: Sequence[NewKafkaTopic]) -> None:
        """Makes Kafka topics; one that exists already is left as it is. Returns when they can be written to.

        Raises:
            BusConnectionError: Not done within `request_timeout_ms`, or refused.
        """
        ...

    async def sender(self, tier: MessagePriority) -> Sender:
        """A producer with the tier's profile.

        Raises:
            BusConnectionError: Not started within `request_timeout_ms`.
        """
        ...

    async def fetcher(self, options: FetcherOptions) -> Fetcher:
        """A consumer with the tier's profile.

        Raises:
            BusConnectionError: Not started within `request_timeout_ms`.
        """
        ...

    async def table(self, name: str) -> Table:
        """The compacted topic `{namespace}.{name}`, read to its end; made when missing (never in production).

        Raises:
            BusConnectionError: Not reachable within `request_timeout_ms`.
            UndeclaredTopicError: Missing in production.
        """
        ...
