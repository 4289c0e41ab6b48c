"""The transport over a memory cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bus.errors import BusConnectionError, UndeclaredTopicError
from bus.message import MessagePriority
from bus.settings import Settings
from bus.transport.base import Fetcher, FetcherOptions, NewKafkaTopic
from bus.transport.memory.cluster import MemoryCluster
from bus.transport.memory.fetchers import GroupFetcher, LoneFetcher
from bus.transport.memory.sender import MemorySender
from bus.transport.memory.table import MemoryTable


class MemoryTransport:
    """One client of a memory cluster; clients that share the cluster see each other's records.

    It can be connected again after `close`; the cluster keeps what it holds.

    Args:
        settings: The client's settings; `bootstrap_servers` and everything of security are not used.
        cluster: The cluster to join; none makes one that this client has to itself.
    """

    def __init__(self, settings: Settings, cluster: MemoryCluster | None = None) -> None:
        self._settings = settings
        self._cluster = MemoryCluster() if cluster is None else cluster
        self._connected = False

    @property
    def settings(self) -> Settings:
        """The settings that it was made with."""
        return self._settings

    @property
    def cluster(self) -> MemoryCluster:
        """The cluster that it is a client of."""
        return self._cluster

    async def connect(self) -> None:
        """Reaches the cluster.

        Raises:
            BusConnectionError: It is stopped for longer than `connect_timeout_ms`.
        """
        await self._cluster.answer("connect", self._settings.connect_timeout_ms / 1000)
        self._connected = True

    async def close(self, timeout_s: float) -> None:
        """Disconnects at once; senders and fetchers are closed by their owners. Safe to call twice."""
        self._connected = False

    async def topics(self) -> Mapping[str, int]:
        """Every topic of the namespace with its partition count.

        Raises:
            BusConnectionError: Not connected, or an outage lasted `request_timeout_ms`.
        """
        await self._answer("topics")
        prefix = f"{self._settings.namespace}."
        return {name: n for name, n in self._cluster.partition_counts().items() if name.startswith(prefix)}

    async def create_topics(self, topics: Sequence[NewKafkaTopic]) -> None:
        """Makes topics; one that exists already is left as it is. They can be written to at once.

        Raises:
            BusConnectionError: Not connected, an outage lasted `request_timeout_ms`, or a topic was refused;
                those before it are made.
        """
        await self._answer("create_topics")
        for topic in topics:
            self._cluster.create(topic)

    async def sender(self, tier: MessagePriority) -> MemorySender:
        """A producer with the tier's batch size.

        Raises:
            BusConnectionError: Not connected, or an outage lasted `request_timeout_ms`.
        """
        await self._answer("sender")
        return MemorySender(self._cluster, tier, self._settings.tiers[tier].batch_size_bytes)

    async def fetcher(self, options: FetcherOptions) -> Fetcher:
        """A consumer, alone or as a member of a group.

        Raises:
            BusConnectionError: Not connected, or an outage lasted `request_timeout_ms`.
        """
        await self._answer("fetcher")
        if options.group is None:
            return LoneFetcher(self._cluster, options, self._settings)
        return GroupFetcher(self._cluster, options, self._settings, options.group)

    async def table(self, name: str) -> MemoryTable:
        """The compacted topic `{namespace}.{name}`, read to its end; made when missing (never in production).

        Raises:
            BusConnectionError: Not connected, or an outage lasted `request_timeout_ms`.
            UndeclaredTopicError: Missing in production.
        """
        await self._answer("table")
        kafka_topic = f"{self._settings.namespace}.{name}"
        if kafka_topic not in self._cluster.partition_counts():
            if self._settings.environment == "production":
                raise UndeclaredTopicError(
                    f"Kafka topic {kafka_topic} is not declared and production creates none; "
                    "make it with `tierbus topics create`"
                )
            self._cluster.create(NewKafkaTopic(kafka_topic, 1, config={"cleanup.policy": "compact"}))
        table = MemoryTable(self._cluster, kafka_topic, self._settings.request_timeout_ms / 1000)
        await table.refresh()
        return table

    async def _answer(self, what: str) -> None:
        if not self._connected:
            raise BusConnectionError(f"{what}: the memory transport is not connected; call connect() first")
        await self._cluster.answer(what, self._settings.request_timeout_ms / 1000)

    def __repr__(self) -> str:
        """A window: whether it is connected, and to what."""
        return f"<MemoryTransport {'connected' if self._connected else 'closed'} | {self._cluster!r}>"
