"""The Kafka transport: the cluster's topics, and the makers of senders, fetchers and tables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from bus.errors import BusConnectionError, UndeclaredTopicError
from bus.message import MessagePriority
from bus.settings import Settings
from bus.transport.base import Fetcher, FetcherOptions, NewKafkaTopic, Sender, Table
from bus.transport.kafka.connection import connection_options, why_unreachable
from bus.transport.kafka.fetcher import KafkaFetcher
from bus.transport.kafka.lifetime import end_connections, start
from bus.transport.kafka.sender import KafkaSender
from bus.transport.kafka.table import KafkaTable

_RETRY_S = 0.1
_REPLICAS = 3
# For connections that carry nothing any more.
_PARTING_S = 1.0
_TABLE_CONFIG = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}


class KafkaTransport:
    """One connection for the cluster's metadata; each sender and fetcher has connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._options: dict[str, Any] = {}
        self._tables: dict[str, KafkaTable] = {}
        self._table_lock = asyncio.Lock()

    @property
    def settings(self) -> Settings:
        """The settings that it was made with."""
        return self._settings

    async def connect(self) -> None:
        """Reaches the cluster."""
        self._options = connection_options(self._settings)
        admin = AIOKafkaAdminClient(**self._options)
        try:
            await start(admin, self._settings.connect_timeout_ms / 1000)
            if not admin._client.cluster.brokers():
                raise KafkaConnectionError("it names no brokers")
        except (TimeoutError, KafkaError, OSError, ValueError) as error:
            await _close_admin(admin, 1)
            raise await why_unreachable(self._settings, self._options) from error
        except BaseException:
            await _close_admin(admin, 1)
            raise
        await self._replace(admin, _PARTING_S)

    async def close(self, timeout_s: float) -> None:
        """Closes the tables and the metadata connection."""
        await self._replace(None, timeout_s)

    async def _replace(self, admin: AIOKafkaAdminClient | None, timeout_s: float) -> None:
        """Whoever asks meanwhile asks the new connection."""
        old, self._admin = self._admin, admin
        tables, self._tables = self._tables, {}
        await asyncio.gather(*(table.close(timeout_s) for table in tables.values()))
        if old is not None:
            await _close_admin(old, timeout_s)

    async def topics(self) -> Mapping[str, int]:
        """Every Kafka topic of the namespace with its partition count."""
        described = await self._asked("the list of topics", lambda admin: admin.describe_topics())
        prefix = f"{self._settings.namespace}."
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in described
            if topic["topic"].startswith(prefix) and topic["error_code"] == 0
        }

    async def create_topics(self, topics: Sequence[NewKafkaTopic]) -> None:
        """Makes Kafka topics and waits until the cluster shows them with a leader for each partition."""
        usual = await self._usual_replication() if any(t.replication_factor is None for t in topics) else 1
        new = [
            NewTopic(t.name, t.partitions, t.replication_factor or usual, topic_configs=dict(t.config)) for t in topics
        ]
        response = await self._asked("the creation of topics", lambda admin: admin.create_topics(new))
        for name, code, message in response.topic_errors:
            error = for_code(code)
            if error not in (NoError, TopicAlreadyExistsError):
                hint = "; to Kafka '.' and '_' are one in names: rename a segment" if "collides" in str(message) else ""
                raise BusConnectionError(f"Kafka topic {name} cannot be made: {error.__name__} {message or ''}{hint}")
        wanted = {topic.name for topic in topics}
        try:
            async with asyncio.timeout(self._settings.request_timeout_ms / 1000):
                while not await self._have_leaders(wanted):
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise BusConnectionError(
                f"Kafka topics {sorted(wanted)} were made but have no leader; try again"
            ) from error

    async def _usual_replication(self) -> int:
        """Three where the cluster has them; aiokafka's oldest-known request cannot ask for the broker's default."""
        cluster = await self._asked("its brokers", lambda admin: admin.describe_cluster())
        return max(1, min(_REPLICAS, len(cluster["brokers"])))

    async def _have_leaders(self, names: set[str]) -> bool:
        described = await self._asked("the new topics", lambda admin: admin.describe_topics(sorted(names)))
        return all(
            topic["error_code"] == 0 and topic["partitions"] and all(p["leader"] >= 0 for p in topic["partitions"])
            for topic in described
        )

    async def sender(self, tier: MessagePriority) -> Sender:
        """A producer with the tier's profile."""
        sender = KafkaSender(self._settings, tier)
        await sender.start(self._settings.request_timeout_ms / 1000)
        return sender

    async def fetcher(self, options: FetcherOptions) -> Fetcher:
        """A consumer with the tier's profile."""
        fetcher = KafkaFetcher(self._settings, options)
        await fetcher.start(self._settings.request_timeout_ms / 1000)
        return fetcher

    async def table(self, name: str) -> Table:
        """The compacted topic `{namespace}.{name}`."""
        async with self._table_lock:
            if name not in self._tables:
                self._tables[name] = await self._open_table(f"{self._settings.namespace}.{name}")
            return self._tables[name]

    async def _open_table(self, topic: str) -> KafkaTable:
        if topic not in await self.topics():
            if self._settings.environment == "production":
                raise UndeclaredTopicError(
                    f"Kafka topic {topic} is not declared; production creates none by itself: "
                    "run `tierbus topics create --internal`"
                )
            await self.create_topics([NewKafkaTopic(topic, 1, self._settings.replication_factor, _TABLE_CONFIG)])
        table = KafkaTable(topic, self._options, self._settings.request_timeout_ms / 1000)
        try:
            await table.start()
        except BaseException:
            await table.close(1)
            raise
        return table

    async def _asked(self, what: str, ask: Any) -> Any:
        """Asks again while brokers come and go, until `request_timeout_ms` is over."""
        last: BaseException | None = None
        try:
            async with asyncio.timeout(self._settings.request_timeout_ms / 1000):
                while True:
                    if self._admin is None:
                        raise BusConnectionError("not connected; call connect() first")
                    try:
                        return await ask(self._admin)
                    except (KafkaError, AttributeError) as error:
                        # aiokafka 0.14 reads `.nodeId` of a controller that it does not know yet.
                        last = error
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError as error:
            reason = f": {last!r}" if last is not None else ""
            raise BusConnectionError(
                f"Kafka at {self._settings.bootstrap_servers} did not give {what} within "
                f"{self._settings.request_timeout_ms} ms{reason}; check that it is up"
            ) from error


async def _close_admin(admin: AIOKafkaAdminClient, timeout_s: float) -> None:
    await end_connections(admin._client, timeout_s)
    admin._closed = True
