"""The books of a run: every message that was published, acknowledged and received. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bus.message import TIERS, MessagePriority
from bus.routing.patterns import Pattern

Stream = tuple[str, str]
"""A topic and a key: what is published to it is numbered from 1 and must be received in that order."""

_NAMED_MAX = 5
_COUNTS = ("expected", "received", "missing", "doubled", "out_of_order", "unexpected")


@dataclass(frozen=True, slots=True)
class Sent:
    """One tier on the publishing side."""

    tier: MessagePriority
    published: int
    acknowledged: int
    failed: int

    @property
    def balanced(self) -> bool:
        """Whether all that was published was acknowledged."""
        return self.published == self.acknowledged and not self.failed


@dataclass(frozen=True, slots=True)
class Got:
    """One tier of one consumer.

    Attributes:
        expected: Messages that were published and match its pattern.
        received: How many of them came, each counted once.
        missing: How many never came.
        doubled: Messages that came again.
        out_of_order: Messages that came after a later one of their topic and key.
        unexpected: Messages that nobody published, or that its pattern does not match.
    """

    consumer: str
    tier: MessagePriority
    expected: int
    received: int
    missing: int
    doubled: int
    out_of_order: int
    unexpected: int

    @property
    def balanced(self) -> bool:
        """Whether exactly what was expected came, once and in order."""
        return not (self.missing or self.doubled or self.out_of_order or self.unexpected)


@dataclass(frozen=True, slots=True)
class Balance:
    """What the books say.

    Attributes:
        sent: By tier.
        got: By consumer, then tier; only tiers in which it expected or received anything.
        faults: One sentence for each thing that does not balance.
    """

    sent: tuple[Sent, ...]
    got: tuple[Got, ...]
    faults: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Whether published = acknowledged = received, for every tier and consumer, in order."""
        return not self.faults


class _Received:
    """One consumer's view of one stream, exact in memory of what is missing only."""

    __slots__ = ("doubled", "missing", "next", "out_of_order")

    def __init__(self) -> None:
        self.next = 1
        self.missing: set[int] = set()
        self.doubled = 0
        self.out_of_order = 0

    def take(self, number: int) -> bool:
        """One more message of the stream; false when it had come before."""
        if number == self.next:
            self.next += 1
        elif number > self.next:
            self.missing.update(range(self.next, number))
            self.next = number + 1
        elif number in self.missing:
            self.missing.remove(number)
            self.out_of_order += 1
        else:
            self.doubled += 1
            return False
        return True

    @property
    def count(self) -> int:
        """Different messages so far."""
        return self.next - 1 - len(self.missing)


class Accounts:
    """Books kept as things happen; `balance` may be asked at any time."""

    def __init__(self, consumers: Mapping[str, Pattern]) -> None:
        self.published = [0] * len(TIERS)
        self.acknowledged = [0] * len(TIERS)
        self.failed = [0] * len(TIERS)
        self.receptions = [0] * len(TIERS)
        self.outstanding = 0
        self._consumers = dict(consumers)
        self._numbers: dict[Stream, int] = {}
        self._tiers: dict[Stream, MessagePriority] = {}
        self._readers: dict[str, tuple[str, ...]] = {}
        self._received: dict[str, dict[Stream, _Received]] = {name: {} for name in consumers}

    def next_number(self, topic: str, key: str) -> int:
        """The number that the stream's next message is to carry."""
        return self._numbers.get((topic, key), 0) + 1

    def publish(self, topic: str, key: str, tier: MessagePriority) -> None:
        """The message with `next_number` was accepted."""
        stream = (topic, key)
        self._numbers[stream] = self._numbers.get(stream, 0) + 1
        self._tiers[stream] = tier
        self.published[tier] += 1
        if topic not in self._readers:
            self._readers[topic] = tuple(n for n, pattern in self._consumers.items() if pattern.matches(topic))
        self.outstanding += len(self._readers[topic])

    def acknowledge(self, tier: MessagePriority) -> None:
        """One message of the tier is with all in-sync replicas."""
        self.acknowledged[tier] += 1

    def fail(self, tier: MessagePriority) -> None:
        """One message of the tier was accepted and not delivered."""
        self.failed[tier] += 1

    def receive(self, consumer: str, topic: str, key: str, number: int, tier: MessagePriority) -> None:
        """A consumer got the stream's message of that number, in that tier."""
        stream = (topic, key)
        received = self._received[consumer].get(stream)
        if received is None:
            received = self._received[consumer][stream] = _Received()
        self._tiers.setdefault(stream, tier)
        self.receptions[tier] += 1
        if received.take(number):
            self.outstanding -= 1

    def balance(self) -> Balance:
        """Published against acknowledged against received, each as counted on its own."""
        sent = tuple(Sent(t, self.published[t], self.acknowledged[t], self.failed[t]) for t in TIERS)
        got = tuple(row for name in self._consumers for row in self._got(name))
        faults = [f"{row.tier.tier}: {_faults_sent(row)}" for row in sent if not row.balanced]
        faults += [f"{row.consumer}, {row.tier.tier}: {self._faults_got(row)}" for row in got if not row.balanced]
        return Balance(sent, got, tuple(faults))

    def _got(self, consumer: str) -> list[Got]:
        rows: dict[MessagePriority, dict[str, int]] = {}
        received = self._received[consumer]
        matches = self._consumers[consumer].matches
        for stream in sorted(self._numbers.keys() | received.keys()):
            wanted = self._numbers.get(stream, 0) if matches(stream[0]) else 0
            came = received.get(stream)
            if not wanted and came is None:
                continue
            row = rows.setdefault(self._tiers[stream], dict.fromkeys(_COUNTS, 0))
            row["expected"] += wanted
            if came is None:
                row["missing"] += wanted
                continue
            row["received"] += came.count
            row["doubled"] += came.doubled
            row["out_of_order"] += came.out_of_order
            highest = came.next - 1
            row["unexpected"] += max(0, highest - wanted) - sum(number > wanted for number in came.missing)
            row["missing"] += max(0, wanted - highest) + sum(number <= wanted for number in came.missing)
        return [Got(consumer, tier, **rows[tier]) for tier in TIERS if tier in rows]

    def _faults_got(self, row: Got) -> str:
        parts = [
            f"{count:,} {word}"
            for count, word in (
                (row.missing, "missing"),
                (row.doubled, "doubled"),
                (row.out_of_order, "out of order"),
                (row.unexpected, "unexpected"),
            )
            if count
        ]
        return f"{', '.join(parts)} of {row.expected:,} ({self._where(row)})"

    def _where(self, row: Got) -> str:
        """The first topics in which something is wrong."""
        matches = self._consumers[row.consumer].matches
        topics = set()
        for stream, tier in self._tiers.items():
            wanted = self._numbers.get(stream, 0) if matches(stream[0]) else 0
            came = self._received[row.consumer].get(stream, _Received())
            wrong = came.count != wanted or came.doubled or came.out_of_order
            if tier is row.tier and wrong:
                topics.add(stream[0])
        names = sorted(topics)
        return ", ".join(names[:_NAMED_MAX]) + (" and more" if len(names) > _NAMED_MAX else "")


def _faults_sent(row: Sent) -> str:
    return f"{row.published:,} published, {row.acknowledged:,} acknowledged, {row.failed:,} failed"


def as_json(balance: Balance) -> dict[str, Any]:
    """The balance as a JSON object."""
    return {
        "balanced": balance.balanced,
        "faults": list(balance.faults),
        "tiers": {
            row.tier.tier: {"published": row.published, "acknowledged": row.acknowledged, "failed": row.failed}
            for row in balance.sent
        },
        "consumers": [
            {
                "consumer": row.consumer,
                "tier": row.tier.tier,
                "expected": row.expected,
                "received": row.received,
                "missing": row.missing,
                "doubled": row.doubled,
                "out_of_order": row.out_of_order,
                "unexpected": row.unexpected,
            }
            for row in balance.got
        ],
    }
