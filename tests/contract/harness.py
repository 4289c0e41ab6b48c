"""What the contract suites hold in their hands: clients of one engine, each closed when its test ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol, TypeVar

from bus import Message, Subscription
from bus.message import MessagePriority, Partition, Record
from bus.settings import Settings
from bus.transport.base import Fetcher, FetcherOptions, NewKafkaTopic, Sender, Table, Transport
from bus.transport.memory import MemoryCluster, MemoryTransport

BOUND_S = 30.0
"""Nothing that a test awaits takes longer, or the test fails."""

TIMESTAMP_MS = 1_700_000_000_123
T = TypeVar("T")
Revoke = Callable[["Reader", frozenset[Partition]], Awaitable[None]]


class Engine(Protocol):
    """One of the two engines, for the time of one test."""

    name: str
    namespace: str

    def settings(self, **values: Any) -> Settings:
        """Settings of a client of this engine with short waits."""
        ...

    def transport(self, settings: Settings) -> Transport:
        """A transport that is not connected yet."""
        ...

    def unreachable(self, **values: Any) -> Transport:
        """A transport whose cluster does not answer."""
        ...


class _Common:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def settings(self, **values: Any) -> Settings:
        short: dict[str, Any] = {
            "namespace": self.namespace,
            "discovery_interval_ms": 200,
            "commit_interval_ms": 50,
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 200,
            "drain_timeout_s": 5.0,
        }
        return Settings(**(short | values))


class MemoryEngine(_Common):
    """Clients of one memory cluster."""

    name = "memory"

    def __init__(self) -> None:
        super().__init__("test")
        self.cluster = MemoryCluster()

    def transport(self, settings: Settings) -> Transport:
        return MemoryTransport(settings, self.cluster)

    def unreachable(self, **values: Any) -> Transport:
        cluster = MemoryCluster()
        cluster.stop()
        return MemoryTransport(self.settings(**values), cluster)


class KafkaEngine(_Common):
    """Clients of a real broker, in a namespace that no other test uses."""

    name = "kafka"

    def __init__(self, bootstrap_servers: str, namespace: str) -> None:
        super().__init__(namespace)
        self._bootstrap_servers = bootstrap_servers

    def settings(self, **values: Any) -> Settings:
        return super().settings(**({"bootstrap_servers": self._bootstrap_servers} | values))

    def transport(self, settings: Settings) -> Transport:
        from bus.transport.kafka import KafkaTransport

        return KafkaTransport(settings)

    def unreachable(self, **values: Any) -> Transport:
        return self.transport(self.settings(bootstrap_servers="127.0.0.1:1", **values))


class Reader:
    """A fetcher that remembers what it was given and what it was told."""

    def __init__(self, on_revoked: Revoke | None) -> None:
        self.fetcher: Fetcher = NotImplemented
        self.records: list[Record] = []
        self.assigned: list[frozenset[Partition]] = []
        self.revoked: list[frozenset[Partition]] = []
        self._on_revoked = on_revoked

    def was_assigned(self, partitions: frozenset[Partition]) -> None:
        self.assigned.append(partitions)

    async def was_revoked(self, partitions: frozenset[Partition]) -> None:
        self.revoked.append(partitions)
        if self._on_revoked is not None:
            await self._on_revoked(self, partitions)

    @property
    def held(self) -> frozenset[Partition]:
        """The last assignment."""
        return self.assigned[-1] if self.assigned else frozenset()

    @property
    def values(self) -> list[bytes | None]:
        """The values of all records so far, in the order in which they came."""
        return [record.value for record in self.records]

    def values_of(self, partition: int, topic: str | None = None) -> list[bytes | None]:
        """The values of one partition, in the order in which they came."""
        return [r.value for r in self.records if r.partition == partition and topic in (None, r.topic)]

    async def fetch(self, records_max: int = 1_000, timeout_ms: int = 100) -> None:
        """Takes what comes."""
        for partition, records in (await self.fetcher.fetch(records_max, timeout_ms)).items():
            assert [Partition(record.topic, record.partition) for record in records] == [partition] * len(records)
            assert list(records) == sorted(records, key=lambda record: record.offset)
            self.records.extend(records)

    async def until(self, done: Callable[[Reader], bool]) -> Reader:
        """Takes what comes until the condition holds."""
        try:
            async with asyncio.timeout(BOUND_S):
                while not done(self):
                    await self.fetch()
        except TimeoutError:
            raise AssertionError(f"not reached: {len(self.records)} records, assigned {self.assigned}") from None
        return self

    async def take(self, count: int) -> list[bytes | None]:
        """Takes records until that many have come in all; gives the values of all."""
        return (await self.until(lambda reader: len(reader.records) >= count)).values

    def next_offsets(self) -> dict[Partition, int]:
        """What to commit when everything that came is done."""
        return {Partition(record.topic, record.partition): record.offset + 1 for record in self.records}


class Client:
    """A connected transport with shorthands; all it makes is closed with it."""

    def __init__(self, transport: Transport, stack: AsyncExitStack) -> None:
        self.transport = transport
        self._stack = stack
        self._senders: dict[MessagePriority, Sender] = {}

    def name(self, topic: str) -> str:
        """A topic's name in this client's namespace."""
        return f"{self.transport.settings.namespace}.{topic}"

    async def create(self, topic: str, partitions: int = 1, **config: str) -> str:
        """Makes a topic of the namespace and gives its name."""
        name = self.name(topic)
        await self.transport.create_topics([NewKafkaTopic(name, partitions, config=config)])
        return name

    async def sender(self, tier: MessagePriority = MessagePriority.NORMAL) -> Sender:
        sender = await self.transport.sender(tier)
        self._stack.push_async_callback(sender.close, 5.0)
        return sender

    async def reader(
        self,
        topics: Mapping[str, int],
        group: str | None = None,
        *,
        tier: MessagePriority = MessagePriority.NORMAL,
        on_revoked: Revoke | None = None,
        from_start: bool = False,
    ) -> Reader:
        """A fetcher that has been given its topics; group names are made unique by the namespace."""
        reader = Reader(on_revoked)
        name = None if group is None else f"{self.transport.settings.namespace}-{group}"
        options = FetcherOptions(tier, name, reader.was_assigned, reader.was_revoked, from_start)
        reader.fetcher = await self.transport.fetcher(options)
        self._stack.push_async_callback(reader.fetcher.close, 5.0)
        await reader.fetcher.set_topics(topics)
        return reader

    async def send(self, topic: str, values: Iterable[str], partition: int = 0, *, sender: Sender | None = None) -> int:
        """Sends values in one batch, waits for the acknowledgement and gives the first offset."""
        if sender is None:
            if MessagePriority.NORMAL not in self._senders:
                self._senders[MessagePriority.NORMAL] = await self.sender()
            sender = self._senders[MessagePriority.NORMAL]
        batch = sender.batch()
        for value in values:
            assert batch.append(timestamp=TIMESTAMP_MS, key=None, value=value.encode(), headers=[]) is not None
        return await bounded(await sender.send(batch, Partition(topic, partition)))

    async def table(self, name: str) -> Table:
        return await self.transport.table(name)


async def bounded(awaited: Awaitable[T]) -> T:
    """Awaits it, but not for ever."""
    async with asyncio.timeout(BOUND_S):
        return await awaited


def numbered(prefix: str, count: int) -> list[str]:
    """`prefix-0`, `prefix-1` and so on."""
    return [f"{prefix}-{number}" for number in range(count)]


def encoded(values: Sequence[str]) -> list[bytes]:
    """The values as they are on the wire."""
    return [value.encode() for value in values]


async def pulled(subscription: Subscription, count: int) -> list[Message]:
    """The next messages of a subscription, exactly that many."""
    messages: list[Message] = []
    for _ in range(count):
        message = await subscription.receive(BOUND_S)
        assert message is not None, f"{len(messages)} of {count} messages came: {messages}"
        messages.append(message)
    return messages
