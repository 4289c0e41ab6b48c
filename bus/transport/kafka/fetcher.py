"""One tier's consumer over aiokafka: as a member of a group, or alone over all partitions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
)

from bus.errors import BusConnectionError
from bus.message import Partition, Record
from bus.settings import Settings
from bus.transport.base import FetcherOptions
from bus.transport.kafka.connection import connection_options
from bus.transport.kafka.lifetime import end, start

log = logging.getLogger("tierbus.transport")

# Beyond the drain a member needs time to commit before the group goes on without it.
_REBALANCE_SLACK_MS = 10_000
_RETRY_S = 0.1


class _Listener(ConsumerRebalanceListener):
    def __init__(self, fetcher: KafkaFetcher) -> None:
        self._fetcher = fetcher

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._fetcher._revoke()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._fetcher._assign(assigned)


class KafkaFetcher:
    """Never paused: aiokafka's prefetch is bounded by `fetch_max_bytes`, and what is not taken stays there."""

    def __init__(self, settings: Settings, options: FetcherOptions) -> None:
        connection = connection_options(settings)
        connection["client_id"] = f"{settings.client_id}-{options.tier.tier}"
        self._settings = settings
        self._options = options
        self._positions: dict[Partition, int] = {}
        self._from_start = options.from_start
        self._assigned: frozenset[Partition] = frozenset()
        self._topics: dict[str, int] = {}
        self._has_topics = asyncio.Event()
        self._revoking = asyncio.Lock()
        self._listener = _Listener(self)
        self._consumer = AIOKafkaConsumer(
            **connection,
            group_id=options.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=settings.tiers[options.tier].fetch_max_wait_ms,
            fetch_max_bytes=settings.fetch_max_bytes,
            max_partition_fetch_bytes=settings.max_partition_fetch_bytes,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=int(settings.drain_timeout_s * 1000) + _REBALANCE_SLACK_MS,
            # A handler may take as long as it likes; membership is kept by heartbeats, and we go on fetching.
            max_poll_interval_ms=2_147_483_647,
        )

    async def start(self, timeout_s: float) -> None:
        """Connects.

        Raises:
            BusConnectionError: Not within the time given.
        """
        try:
            await start(self._consumer, timeout_s)
        except (TimeoutError, KafkaError) as error:
            await self.close(1)
            reason = str(error) or f"no answer within {timeout_s:g} s"
            raise BusConnectionError(f"the consumer cannot start: {reason}; check that Kafka is up") from error
        except BaseException:
            await self.close(1)
            raise

    async def set_topics(self, topics: Mapping[str, int]) -> None:
        """Names the Kafka topics to read; see `Fetcher.set_topics`."""
        if self._options.group is None:
            await self._read_alone(topics)
        elif topics and topics.keys() != self._topics.keys():
            # aiokafka forgets the old assignment as soon as it is told of new topics, and a commit for it fails from
            # then on. So what was handled is drained and committed first, under the old assignment.
            await self._revoke()
            self._consumer.subscribe(topics=sorted(topics), listener=self._listener)
        self._topics = dict(topics)
        if topics:
            self._has_topics.set()

    async def _read_alone(self, topics: Mapping[str, int]) -> None:
        wanted = {Partition(topic, number) for topic, count in topics.items() for number in range(count)}
        if wanted == self._positions.keys():
            self._from_start = True
            return
        new = wanted - self._positions.keys()
        if self._from_start:
            starts = dict.fromkeys(new, 0)
        else:
            starts = await self._end_offsets(new, self._settings.request_timeout_ms / 1000)
        self._from_start = True
        # From here to the last seek nothing is awaited: a fetch in between would lose what it had taken.
        self._positions = {p: offset for p, offset in (self._positions | starts).items() if p in wanted}
        self._consumer.assign([TopicPartition(*partition) for partition in self._positions])
        for partition, offset in self._positions.items():
            self._consumer.seek(TopicPartition(*partition), offset)
        self._assign(self._positions)

    def _assign(self, partitions: Iterable[tuple[str, int]]) -> None:
        self._assigned = frozenset(Partition(*partition) for partition in partitions)
        self._options.on_assigned(self._assigned)

    async def _revoke(self) -> None:
        # A rebalance that starts while we drain for new topics has to wait for the same drain, not run past it.
        async with self._revoking:
            revoked, self._assigned = self._assigned, frozenset()
            if revoked:
                await self._options.on_revoked(revoked)

    async def fetch(self, records_max: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        """The next records by partition."""
        if not self._topics:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_ms / 1000):
                    await self._has_topics.wait()
            return {}
        if self._revoking.locked():
            # What is drained is read again by its next owner: reading on would only throw it away.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_ms / 1000), self._revoking:
                    pass
            return {}
        try:
            # aiokafka's TopicPartition is an equal tuple, and its records have all that `Record` asks for.
            records: Any = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=records_max)
        except ConsumerStoppedError:
            return {}
        except KafkaError as error:
            if error.retriable:
                log.warning("fetching %s waits: %s", self._options.tier.tier, error)
                await asyncio.sleep(_RETRY_S)
                return {}
            raise BusConnectionError(
                f"Kafka refuses to be read: {error!r}; check the group's and topics' access"
            ) from error
        if self._options.group is None:
            for partition, batch in records.items():
                self._positions[Partition(*partition)] = batch[-1].offset + 1
        fetched: Mapping[Partition, Sequence[Record]] = records
        return fetched

    async def commit(self, offsets: Mapping[Partition, int], timeout_s: float) -> None:
        """Stores the group's positions; aiokafka would retry for ever, so the wait is bounded here."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._consumer.commit({TopicPartition(*p): offset for p, offset in offsets.items()})
        except (TimeoutError, KafkaError, IllegalStateError) as error:
            reason = str(error) or f"no answer within {timeout_s:g} s"
            raise BusConnectionError(
                f"positions of group {self._options.group} were not stored: {reason}; their messages are handled again"
            ) from error

    async def end_offsets(self, timeout_s: float) -> Mapping[Partition, int]:
        """The end of each partition that is read now."""
        return await self._end_offsets(self._assigned, timeout_s)

    async def _end_offsets(self, partitions: Iterable[Partition], timeout_s: float) -> dict[Partition, int]:
        wanted = [TopicPartition(*partition) for partition in partitions]
        try:
            async with asyncio.timeout(timeout_s):
                ends = await self._consumer.end_offsets(wanted)
        except (TimeoutError, KafkaError) as error:
            reason = str(error) or f"no answer within {timeout_s:g} s"
            raise BusConnectionError(
                f"the ends of {len(wanted)} partitions are unknown: {reason}; try again"
            ) from error
        return {Partition(*partition): offset for partition, offset in ends.items()}

    async def close(self, timeout_s: float) -> None:
        """Leaves the group and stops."""
        self._assigned = frozenset()
        await end(self._consumer, timeout_s)
