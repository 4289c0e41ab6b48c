"""The consumers in memory: one subscriber alone, and one member of a group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence, Set

from bus.errors import BusConnectionError
from bus.message import Partition
from bus.settings import Settings
from bus.transport.base import FetcherOptions
from bus.transport.memory.cluster import MemoryCluster
from bus.transport.memory.log import MemoryRecord
from bus.transport.memory.reading import Reading

_log = logging.getLogger(__name__)


class LoneFetcher:
    """Reads every partition of its topics for one subscriber; commits nothing."""

    def __init__(self, cluster: MemoryCluster, options: FetcherOptions, settings: Settings) -> None:
        self._cluster = cluster
        self._options = options
        self._timeout_s = settings.request_timeout_ms / 1000
        self._reading = Reading(cluster)
        self._placed = False
        self._closed = False

    async def set_topics(self, topics: Mapping[str, int]) -> None:
        """Reads these topics, and returns when each partition that is new has a position.

        That is the end for the topics of the first call (the beginning with `from_start`), and the beginning for
        those that come later. A partition that is read already keeps its position.

        Raises:
            BusConnectionError: It is closed, or an outage lasted `request_timeout_ms`.
        """
        await self._cluster.answer("set_topics", self._timeout_s)
        if self._closed:
            raise BusConnectionError("the fetcher is closed; make another")
        known = self._reading.positions
        positions: dict[Partition, int] = {}
        for topic, count in topics.items():
            for number in range(count):
                partition = Partition(topic, number)
                positions[partition] = known[partition] if partition in known else self._place(partition)
        if positions.keys() != known.keys() or not self._placed:
            self._options.on_assigned(frozenset(positions))
        self._placed = True
        self._reading.replace(positions)

    def _place(self, partition: Partition) -> int:
        log = self._cluster.log(partition)
        if log is None:
            return 0
        return log.start if self._placed or self._options.from_start else log.end

    async def fetch(self, records_max: int, timeout_ms: int) -> Mapping[Partition, Sequence[MemoryRecord]]:
        """The next records by partition, each in order of offset; empty when none came in time."""
        return await self._reading.fetch(records_max, timeout_ms)

    async def commit(self, offsets: Mapping[Partition, int], timeout_s: float) -> None:
        """Does nothing: a subscriber alone has no stored positions."""

    async def end_offsets(self, timeout_s: float) -> Mapping[Partition, int]:
        """The end of each partition that is read now.

        Raises:
            BusConnectionError: Not answered within the time given.
        """
        await self._cluster.answer("end_offsets", timeout_s)
        return self._reading.end_offsets()

    async def close(self, timeout_s: float) -> None:
        """Stops at once. Safe to call twice."""
        self._closed = True
        self._reading.close()


class GroupFetcher:
    """One member of a group. Between the begin of a revocation and the next assignment it fetches nothing."""

    def __init__(self, cluster: MemoryCluster, options: FetcherOptions, settings: Settings, group: str) -> None:
        self._cluster = cluster
        self._options = options
        self._revoke_timeout_s = settings.session_timeout_ms / 1000
        self._group_name = group
        self._group = cluster.group(group)
        self._wanted: Mapping[str, int] = {}
        self._joined = False
        self._held: frozenset[Partition] = frozenset()  # whose commits count
        self._reading = Reading(cluster)
        self._closed = False

    @property
    def wanted(self) -> Set[str]:
        """The Kafka topics that it asks for."""
        return self._wanted.keys()

    async def set_topics(self, topics: Mapping[str, int]) -> None:
        """Joins the group with these topics, or tells it that they changed; does not wait for partitions.

        How many partitions a topic has is the cluster's to know; one that does not exist yet is shared out
        once it is created.

        Raises:
            BusConnectionError: The fetcher is closed.
        """
        self._check_open()
        if not self._joined or dict(topics) != self._wanted:
            self._joined = True
            self._wanted = dict(topics)
            self._group.join(self)

    async def fetch(self, records_max: int, timeout_ms: int) -> Mapping[Partition, Sequence[MemoryRecord]]:
        """The next records by partition, each in order of offset; empty when none came in time."""
        return await self._reading.fetch(records_max, timeout_ms)

    async def commit(self, offsets: Mapping[Partition, int], timeout_s: float) -> None:
        """Stores the group's positions, all of them or none.

        Raises:
            BusConnectionError: Not answered in time, the fetcher is closed, or a partition is not its own any
                more.
        """
        await self._cluster.answer(f"commit of group {self._group_name}", timeout_s)
        self._check_open()
        lost = sorted(offsets.keys() - self._held)
        if lost:
            names = ", ".join(f"{topic}[{number}]" for topic, number in lost[:3])
            raise BusConnectionError(
                f"commit of group {self._group_name}: {len(lost)} partitions are another's by now ({names}); "
                "what was handled there comes again"
            )
        self._group.commit(offsets)

    async def end_offsets(self, timeout_s: float) -> Mapping[Partition, int]:
        """The end of each partition that is read now.

        Raises:
            BusConnectionError: Not answered within the time given.
        """
        await self._cluster.answer("end_offsets", timeout_s)
        return self._reading.end_offsets()

    async def close(self, timeout_s: float) -> None:
        """Leaves the group at once; `on_revoked` is not called. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._held = frozenset()
            self._reading.close()
            self._group.leave(self)

    async def revoke(self) -> None:
        """Fetches nothing more, awaits `on_revoked`, and has its commits refused from then on.

        A failing `on_revoked` is logged; one that takes longer than `session_timeout_ms` is cancelled.
        """
        if not self._held:
            return
        self._reading.replace({})
        try:
            async with asyncio.timeout(self._revoke_timeout_s):
                await self._options.on_revoked(self._held)
        except Exception:
            _log.exception("group %s: on_revoked failed", self._group_name)
        finally:
            self._held = frozenset()

    def assign(self, partitions: frozenset[Partition], committed: Mapping[Partition, int]) -> None:
        """Takes partitions, each from its committed position or else from the earliest."""
        self._held = partitions
        try:
            self._options.on_assigned(partitions)
        finally:
            self._reading.replace({partition: committed.get(partition, 0) for partition in sorted(partitions)})

    def _check_open(self) -> None:
        if self._closed:
            raise BusConnectionError(f"the fetcher of group {self._group_name} is closed; make another")
