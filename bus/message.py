"""What users hold: the four priorities, a received message, and where a published one landed."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from bus.errors import PriorityError

TOPIC_HEADER = "bus-topic"
"""The record header that holds the exact dotted topic; always the first one we write."""

RESERVED_HEADER_PREFIX = "bus-"
"""Headers that begin so are the bus's own; users cannot set them."""

RESERVED_HEADERS = frozenset({"__value_schema_id"})
"""Other headers that are not the publisher's: Confluent's, that names a value's schema."""


class MessagePriority(enum.IntEnum):
    """A tier. Lower is more urgent, so `min` finds the most urgent one."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def tier(self) -> str:
        """The tier's name inside a Kafka topic: `critical`, `high`, `normal` or `low`."""
        return _TIER_NAMES[self]

    @classmethod
    def parse(cls, value: MessagePriority | str) -> MessagePriority:
        """Returns the priority for itself or for its name in any case.

        Raises:
            PriorityError: It is neither.
        """
        if type(value) is cls:
            return value
        if isinstance(value, str) and value.upper() in cls.__members__:
            return cls[value.upper()]
        raise PriorityError(f"priority {value!r} is unknown; use one of {', '.join(cls.__members__)}")


_TIER_NAMES = ("critical", "high", "normal", "low")
TIERS: tuple[MessagePriority, ...] = tuple(MessagePriority)


class Partition(NamedTuple):
    """A Kafka topic's partition."""

    topic: str
    partition: int


class Delivered(NamedTuple):
    """Where an acknowledged message landed."""

    kafka_topic: str
    partition: int
    offset: int

    @property
    def id(self) -> str:
        """The same text as `Message.id` of the message when it is received."""
        return f"{self.kafka_topic}/{self.partition}/{self.offset}"


class Record(Protocol):
    """A record as a transport hands it over; value and key are raw bytes."""

    @property
    def topic(self) -> str:
        """The Kafka topic."""
        ...

    @property
    def partition(self) -> int:
        """Its number."""
        ...

    @property
    def offset(self) -> int:
        """The record's place in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""
        ...

    @property
    def key(self) -> bytes | None:
        """The key."""
        ...

    @property
    def value(self) -> bytes | None:
        """The framed value; `None` is a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """The headers in order; names may repeat."""
        ...


class Message:
    """A received message.

    Attributes:
        topic: The dotted topic that it was published to.
        data: The decoded value: what the publisher gave (dict, str, bytes), or `None` for a tombstone.
        priority: Its tier.
    """

    __slots__ = ("_record", "_settle", "data", "priority", "topic")

    def __init__(
        self,
        topic: str,
        data: Any,
        priority: MessagePriority,
        record: Record,
        settle: Callable[[], None] | None = None,
    ) -> None:
        self.topic = topic
        self.data = data
        self.priority = priority
        self._record = record
        self._settle = settle

    @property
    def key(self) -> str | None:
        """The key as text; bytes that are no UTF-8 are kept by surrogate escapes."""
        key = self._record.key
        return None if key is None else key.decode("utf-8", "surrogateescape")

    @property
    def headers(self) -> dict[str, str]:
        """The publisher's headers, without the bus's own; bytes that are no UTF-8 keep by surrogate escapes."""
        return {
            name: (value or b"").decode("utf-8", "surrogateescape")
            for name, value in self._record.headers
            if not name.startswith(RESERVED_HEADER_PREFIX) and name not in RESERVED_HEADERS
        }

    @property
    def timestamp(self) -> datetime:
        """When it was published, in UTC, to the millisecond."""
        return datetime.fromtimestamp(self._record.timestamp / 1000, UTC)

    @property
    def timestamp_ms(self) -> int:
        """When it was published, in milliseconds since the epoch."""
        return self._record.timestamp

    @property
    def id(self) -> str:
        """Unique in the cluster and the same for every reader: `kafka topic/partition/offset`."""
        record = self._record
        return f"{record.topic}/{record.partition}/{record.offset}"

    @property
    def kafka_topic(self) -> str:
        """The Kafka topic that it came from."""
        return self._record.topic

    @property
    def partition(self) -> int:
        """The partition that it came from."""
        return self._record.partition

    @property
    def offset(self) -> int:
        """Its offset in the partition."""
        return self._record.offset

    @property
    def attempt(self) -> int:
        """Which handling of this message this is, counted from 1."""
        return 1

    @property
    def raw(self) -> bytes | None:
        """The value's bytes as they are in Kafka, framing included."""
        return self._record.value

    def ack(self) -> None:
        """Marks a pulled message as done, so that the next commit covers it. Safe to call twice.

        Pulling the next message of the subscription does the same; a handler's return does it for handlers.
        """
        settle, self._settle = self._settle, None
        if settle is not None:
            settle()

    def __repr__(self) -> str:
        """A window: where it came from, not what it holds."""
        return f"<Message {self.topic} {self.priority.tier} {self.id}>"
