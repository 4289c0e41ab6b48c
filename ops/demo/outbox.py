"""Publishes drafts: numbers and stamps each, enters it in the books, and follows its receipt."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import NamedTuple

from bus import BufferFullError, Message, MessageBus, MessagePriority, Receipt, TierbusError
from bus.routing.router import Router
from ops.demo.accounts import Accounts
from ops.demo.draft import Draft

HEADER = "demo"


class Stamp(NamedTuple):
    """What the header of a message says."""

    run: str
    number: int
    sent_ns: int


def read_stamp(message: Message) -> Stamp | None:
    """The stamp of a message; `None` when it is none of ours."""
    run, _, rest = message.headers.get(HEADER, "").partition(":")
    number, _, sent = rest.partition(":")
    return Stamp(run, int(number), int(sent)) if number.isdecimal() and sent.isdecimal() else None


class Outbox:
    """One way out for the market, the sources and the handlers, so that each stream is numbered by one."""

    def __init__(
        self, bus: MessageBus, accounts: Accounts, run: str, clock_ns: Callable[[], int] = perf_counter_ns
    ) -> None:
        self.refused = 0
        self.first_failure: TierbusError | None = None
        self._bus = bus
        self._accounts = accounts
        self._run = run
        self._clock_ns = clock_ns
        self._router = Router.from_settings(bus.settings)
        self._tiers: dict[str, MessagePriority] = {}
        # Handlers publish at the same time: the number that a message gets must be its place in the buffer. A lock a
        # tier, so that a full buffer of one does not hold up another.
        self._turn: dict[MessagePriority, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._receipts: dict[MessagePriority, deque[Receipt]] = defaultdict(deque)

    async def publish(self, draft: Draft) -> None:
        """Returns when the draft is in the bounded buffer, or was refused for want of room and counted as such.

        Raises:
            TierbusError: For any other reason that `MessageBus.publish` has.
        """
        topic, key, data = draft
        tier = self._tiers.get(topic)
        if tier is None:
            tier = self._tiers[topic] = self._router.route(topic).tier
        async with self._turn[tier]:
            number = self._accounts.next_number(topic, key)
            stamp = f"{self._run}:{number}:{self._clock_ns()}"
            try:
                receipt = await self._bus.publish(topic, data, key=key, headers={HEADER: stamp})
            except BufferFullError:
                self.refused += 1
                return
            self._accounts.publish(topic, key, tier)
            self._receipts[tier].append(receipt)

    async def sweep(self) -> None:
        """Enters the receipts that have come; as many wait as the tiers' buffers hold, no more."""
        for tier, receipts in self._receipts.items():
            while receipts and receipts[0].done:
                try:
                    await receipts.popleft().wait()
                except TierbusError as error:  # refused, timed out, or the bus was closed over it
                    self.first_failure = self.first_failure or error
                    self._accounts.fail(tier)
                else:
                    self._accounts.acknowledge(tier)

    @property
    def waiting(self) -> int:
        """Receipts that have not come yet."""
        return sum(map(len, self._receipts.values()))
