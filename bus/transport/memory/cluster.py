"""The cluster that transports of one process share: topics, groups, and the switch for outages."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from bus.errors import BusConnectionError
from bus.message import Partition
from bus.transport.base import NewKafkaTopic
from bus.transport.memory.groups import MemoryGroup
from bus.transport.memory.log import Log, NewRecord

_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}\Z")
_BATCH_BYTES_MAX = 1_048_588  # Kafka's default for `max.message.bytes`


class MemoryCluster:
    """A Kafka cluster's behaviour inside one process and one event loop.

    Several buses that are given the same cluster see each other's messages and share the work of a group.

    `stop()` and `start()` play an outage: while stopped, sends are held and complete after `start()`,
    requests wait and fail with `BusConnectionError` at their timeouts, fetches find nothing, and groups do
    not rebalance. Nothing that was acknowledged is lost.

    Args:
        retention_records: How many records each partition keeps. The oldest beyond it are dropped, read or
            not, as Kafka's retention does; compacted topics keep the last record of each key instead.
    """

    def __init__(self, *, retention_records: int = 1_000_000) -> None:
        if retention_records < 1:
            raise ValueError(f"retention_records is {retention_records}; a partition keeps at least one record")
        self._retention_records = retention_records
        self._topics: dict[str, list[Log]] = {}
        self._unified: dict[str, str] = {}  # names as they are in Kafka's metrics, where `.` is `_`
        self._batch_bytes_max: dict[str, int] = {}
        self._groups: dict[str, MemoryGroup] = {}
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._on_start: dict[Callable[[], None], None] = {}
        self._up = asyncio.Event()
        self._up.set()

    # The switch

    @property
    def running(self) -> bool:
        """Whether the cluster answers."""
        return self._up.is_set()

    def stop(self) -> None:
        """Begins an outage. Safe to call twice."""
        self._up.clear()

    def start(self) -> None:
        """Ends an outage: what was held is done now, in order. Safe to call twice."""
        if self.running:
            return
        self._up.set()
        for resume in tuple(self._on_start):
            resume()
        for group in self._groups.values():
            group.resume()

    async def answer(self, what: str, timeout_s: float) -> None:
        """Returns when the cluster answers.

        Raises:
            BusConnectionError: Not within the time given.
        """
        if self.running:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            raise BusConnectionError(
                f"{what}: the memory cluster is stopped and did not answer within {timeout_s * 1000:.0f} ms; "
                "call its start()"
            ) from None

    def on_start(self, resume: Callable[[], None]) -> None:
        """Has a function called at each end of an outage, until `forget`."""
        self._on_start[resume] = None

    def forget(self, resume: Callable[[], None]) -> None:
        """Undoes `on_start`."""
        self._on_start.pop(resume, None)

    # Topics

    def partition_counts(self) -> Mapping[str, int]:
        """Partitions of every topic that exists."""
        return {topic: len(logs) for topic, logs in self._topics.items()}

    def create(self, topic: NewKafkaTopic) -> None:
        """Makes a topic; one that exists already is left as it is.

        Raises:
            BusConnectionError: Kafka would refuse its partition count or its name, which may not differ from an
                existing one in `.` and `_` only.
        """
        name = topic.name
        if name in self._topics:
            return
        if not _TOPIC_NAME.match(name) or name in (".", ".."):
            raise BusConnectionError(f"topic {name!r} refused: use 1 to 249 of the characters A-Z a-z 0-9 . _ -")
        if topic.partitions < 1:
            raise BusConnectionError(f"topic {name!r} refused: {topic.partitions} partitions, at least 1 is needed")
        unified = name.replace(".", "_")
        if unified in self._unified:
            raise BusConnectionError(
                f"topic {name!r} refused: it collides with the existing topic {self._unified[unified]!r}"
            )
        self._unified[unified] = name
        compacted = "compact" in topic.config.get("cleanup.policy", "delete")
        self._topics[name] = [
            Log(Partition(name, number), self._retention_records, compacted=compacted)
            for number in range(topic.partitions)
        ]
        self._batch_bytes_max[name] = int(topic.config.get("max.message.bytes", _BATCH_BYTES_MAX))
        for group in self._groups.values():
            group.topic_created(name)

    def log(self, partition: Partition) -> Log | None:
        """The partition's log; `None` when there is no such partition."""
        logs = self._topics.get(partition.topic, ())
        return logs[partition.partition] if 0 <= partition.partition < len(logs) else None

    def batch_bytes_max(self, topic: str) -> int:
        """The largest batch that the topic takes (`max.message.bytes`), counted before compression."""
        return self._batch_bytes_max.get(topic, _BATCH_BYTES_MAX)

    def append(self, partition: Partition, records: Iterable[NewRecord]) -> int:
        """Adds records to a partition, wakes who waits for them, and returns the offset of the first.

        Raises:
            LookupError: There is no such partition.
        """
        log = self.log(partition)
        if log is None:
            raise LookupError(f"{partition.topic}[{partition.partition}] does not exist")
        offset = log.append(records)
        for event in self._watchers.get(partition.topic, ()):
            event.set()
        return offset

    def watch(self, topics: Iterable[str], event: asyncio.Event) -> None:
        """Has the event set when one of these topics, existing or not, gets records; no others any more."""
        for watchers in self._watchers.values():
            watchers.discard(event)
        for topic in topics:
            self._watchers[topic].add(event)

    # Groups

    def group(self, name: str) -> MemoryGroup:
        """The consumer group of that name; made when missing, and kept for its committed positions."""
        if name not in self._groups:
            self._groups[name] = MemoryGroup(name, self)
        return self._groups[name]

    def __repr__(self) -> str:
        """A window: whether it runs, and how much it holds."""
        state = "running" if self.running else "stopped"
        return f"<MemoryCluster {state} | {len(self._topics)} topics, {len(self._groups)} groups>"
