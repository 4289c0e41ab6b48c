"""The records that wait for one subscription, by tier, bounded in messages and bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bus.consume.schedule import SHARES, charge, next_tier
from bus.consume.settle import Settled
from bus.errors import TierbusError
from bus.message import TIERS, TOPIC_HEADER, MessagePriority, Partition, Record
from bus.routing.patterns import Pattern
from bus.routing.topics import parse_kafka_topic
from bus.settings import Settings

# How many records are taken from a tier before the next choice of a tier.
_UNIT = 16
_TOPICS_MAX = 200_000


class PartitionState:
    """One subscription's progress in one partition, for as long as it is assigned.

    Attributes:
        abandoned: Given away with handlers still waiting or running; none is started any more.
        active: Messages that handlers have taken and not finished.
        begun: Records of it were offered, so its position is known.
        leaving: Being given away; what handlers took is finished, but what cannot be handled yet is let go.
    """

    __slots__ = ("_idle", "abandoned", "active", "begun", "leaving", "partition", "settled")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.settled = Settled()
        self.abandoned = False
        self.active = 0
        self.begun = False
        self.leaving = False
        self._idle: asyncio.Future[None] | None = None

    def leave(self) -> None:
        """A handler is done with a message."""
        self.active -= 1
        if self._idle is not None and self.active == 0 and not self._idle.done():
            self._idle.set_result(None)

    async def idle(self) -> None:
        """Returns when handlers have finished all that they took."""
        if self.active:
            if self._idle is None or self._idle.done():
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)


class Chunk:
    """Records of one fetch and partition, and how far they were taken."""

    __slots__ = ("next", "records", "size_bytes", "state")

    def __init__(self, state: PartitionState, records: Sequence[Record], size_bytes: int) -> None:
        self.state = state
        self.records = records
        self.size_bytes = size_bytes
        self.next = 0


@dataclass(slots=True)
class Taken:
    """A record that matches the subscription and is to be handled now."""

    topic: str
    tier: MessagePriority
    record: Record
    state: PartitionState


class Intake:
    """One subscription's waiting records.

    Attributes:
        pulled: Its messages are in the caller's hands when they are taken, and no handler's.
        waiting: Messages that wait, by tier; some may turn out not to match.
        on_offer: Called with the number of new records.
        on_drop: Called with the states of partitions that are given away.
    """

    def __init__(self, pattern: Pattern, settings: Settings) -> None:
        self.pattern = pattern
        self.pulled = False
        self.waiting = [0] * len(TIERS)
        self.on_offer: Callable[[int], None] = _nothing
        self.on_drop: Callable[[set[PartitionState]], None] = _nothing
        self.error: TierbusError | None = None
        self._namespace = settings.namespace
        self._messages_max = settings.intake_messages_max
        self._bytes_max = settings.intake_memory_bytes
        self._bytes = [0] * len(TIERS)
        self._chunks: list[deque[Chunk]] = [deque() for _ in TIERS]
        self._room = [asyncio.Event() for _ in TIERS]
        for room in self._room:
            room.set()
        self._credits = list(SHARES)
        self._unit_tier = 0
        self._unit_left = 0
        self._held: set[int] = set()
        self._topics: dict[bytes, str | None] = {}

    def offer(self, tier: MessagePriority, state: PartitionState, records: Sequence[Record], size_bytes: int) -> None:
        """New records of one partition, in order."""
        self._chunks[tier].append(Chunk(state, records, size_bytes))
        self.waiting[tier] += len(records)
        self._bytes[tier] += size_bytes
        if self.waiting[tier] >= self._messages_max or self._bytes[tier] >= self._bytes_max:
            self._room[tier].clear()
        if tier < self._unit_tier:
            self._unit_left = 0  # the running unit of a less urgent tier gives way
        self.on_offer(len(records))

    async def room(self, tier: MessagePriority) -> None:
        """Returns when the tier may offer more."""
        await self._room[tier].wait()

    def fail(self, error: TierbusError) -> None:
        """Nothing more will come; whoever waits is told why."""
        self.error = error
        self.on_offer(1)

    def hold(self, tier: MessagePriority) -> None:
        """Nothing of the tier is taken until `let`; it fills up, and its feed stops."""
        self._held.add(tier)
        self._unit_left = 0

    def let(self, tier: MessagePriority) -> None:
        """The tier is taken from again."""
        self._held.discard(tier)

    def take(self) -> Taken | None:
        """The next record that matches, by the tiers' shares; `None` when nothing waits in a tier that is not held.

        Its offset is open in `state.settled` until someone says `done`.
        """
        while True:
            tier = self._unit_tier
            if not self._unit_left or not self.waiting[tier]:
                waiting = self._waiting_and_not_held() if self._held else self.waiting
                chosen = next_tier(waiting, self._credits)
                if chosen is None:
                    return None
                tier = self._unit_tier = chosen
                self._unit_left = _UNIT
                charge(self._credits, tier)
            self._unit_left -= 1
            state, record = self._pop(tier)
            topic = self._topic(record)
            if topic is not None:
                state.settled.take(record.offset)
                return Taken(topic, TIERS[tier], record, state)
            state.settled.skip(record.offset)

    def _waiting_and_not_held(self) -> list[int]:
        return [0 if tier in self._held else count for tier, count in enumerate(self.waiting)]

    def _pop(self, tier: int) -> tuple[PartitionState, Record]:
        chunks = self._chunks[tier]
        chunk = chunks[0]
        record = chunk.records[chunk.next]
        chunk.next += 1
        self.waiting[tier] -= 1
        if chunk.next == len(chunk.records):
            chunks.popleft()
            self._bytes[tier] -= chunk.size_bytes
            if not self._room[tier].is_set() and self._has_room(tier):
                self._room[tier].set()
        return chunk.state, record

    def _has_room(self, tier: int) -> bool:
        """Half empty: a feed that starts and stops at every record would only cost."""
        return self.waiting[tier] * 2 <= self._messages_max and self._bytes[tier] * 2 <= self._bytes_max

    def _topic(self, record: Record) -> str | None:
        """The record's topic when the subscription wants it; decided before anything is decoded."""
        headers = record.headers
        if headers and headers[0][0] == TOPIC_HEADER:
            raw = headers[0][1]
        else:
            raw = next((value for name, value in headers if name == TOPIC_HEADER), b"")
        try:
            return self._topics[raw]
        except KeyError:
            return self._match(raw, record)

    def _match(self, raw: bytes, record: Record) -> str | None:
        if raw:
            topic = raw.decode("utf-8", "replace")
        else:
            # Written by someone else's producer: the family is all that is known of its topic.
            parsed = parse_kafka_topic(self._namespace, record.topic)
            topic = parsed[0] if parsed else record.topic
        matched = topic if self.pattern.matches(topic) else None
        if raw:
            if len(self._topics) >= _TOPICS_MAX:
                self._topics.clear()
            self._topics[raw] = matched
        return matched

    def drop(self, states: set[PartitionState]) -> None:
        """Forgets what waits of partitions that are given away."""
        for tier, chunks in enumerate(self._chunks):
            kept = deque(chunk for chunk in chunks if chunk.state not in states)
            if len(kept) != len(chunks):
                self._chunks[tier] = kept
                self.waiting[tier] = sum(len(chunk.records) - chunk.next for chunk in kept)
                self._bytes[tier] = sum(chunk.size_bytes for chunk in kept)
                if self._has_room(tier):
                    self._room[tier].set()
        for state in states:
            state.leaving = True
        self.on_drop(states)


def _nothing(_: object) -> None:
    """Nobody listens yet."""
