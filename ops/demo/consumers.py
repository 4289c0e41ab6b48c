"""Who reads: two groups of handlers with workers, a wildcard subscription, and one that hears everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any

from bus import Message, MessageBus, Subscription
from bus.message import TIERS
from bus.routing.patterns import Pattern, compile_pattern
from ops.demo.accounts import Accounts
from ops.demo.desk import Order, decide, spread
from ops.demo.latency import Histogram
from ops.demo.outbox import Outbox, read_stamp

RISK, DATASETS, SERIES = "risk: orders", "catalogue: datagov", "catalogue: dbnomics"
BITCOIN, AUDIT = "wildcard: BTC-USD", "lone subscriber"

PATTERNS = {
    RISK: "trading.orders.**",
    DATASETS: "datagov.datasets.*",
    SERIES: "dbnomics.**",
    BITCOIN: "market-data.quotes.*.BTC-USD",
    AUDIT: "**",
}
_METRIC_EVERY = 4


def patterns() -> dict[str, Pattern]:
    """The consumers, and what each of them is to receive."""
    return {name: compile_pattern(pattern) for name, pattern in PATTERNS.items()}


class Consumers:
    """Enters every reception in the books, with its latency by tier.

    Attributes:
        latencies: From just before `publish` to the handler, all consumers together, by tier.
    """

    def __init__(
        self, accounts: Accounts, run: str, outbox: Outbox, clock_ns: Callable[[], int] = perf_counter_ns
    ) -> None:
        self.latencies = [Histogram() for _ in TIERS]
        self._accounts = accounts
        self._run = run
        self._outbox = outbox
        self._clock_ns = clock_ns
        self._pulls: list[asyncio.Task[None]] = []
        self._handler_error: Exception | None = None

    def forget_latencies(self) -> None:
        """Latencies count from here: joining groups and first connections are behind us."""
        self.latencies = [Histogram() for _ in TIERS]

    def register(self, workers: MessageBus) -> None:
        """The handlers of both groups."""

        @workers.on(PATTERNS[RISK], group=f"risk-{self._run}", workers=8)
        async def check(order: Order, message: Message) -> None:
            try:
                if self._take(RISK, message):
                    for draft in decide(order, datetime.now(UTC)):
                        await self._outbox.publish(draft)
            except Exception as error:
                self._handler_error = error  # known at once; `run` raises it when all else is drained
                raise

        @workers.on(PATTERNS[DATASETS], group=f"catalogue-{self._run}", workers=4)
        async def index(dataset: dict[str, Any], message: Message) -> None:
            self._take(DATASETS, message)

        @workers.on(PATTERNS[SERIES], group=f"catalogue-{self._run}", workers=4)
        async def store(observation: dict[str, Any], message: Message) -> None:
            self._take(SERIES, message)

    async def subscribe(self, bus: MessageBus) -> None:
        """The subscriptions that are pulled; returns when both hold their positions."""
        bitcoin = await bus.subscribe(PATTERNS[BITCOIN])
        audit = await bus.subscribe(PATTERNS[AUDIT])
        self._pulls += [
            asyncio.create_task(self._measure(bitcoin), name=BITCOIN),
            asyncio.create_task(self._audit(audit), name=AUDIT),
        ]

    @property
    def broken(self) -> BaseException | None:
        """Why a handler failed or a subscription ended by itself, if one did."""
        if self._handler_error is not None:
            return self._handler_error
        ended = [task for task in self._pulls if task.done() and not task.cancelled()]
        return next((task.exception() for task in ended if task.exception() is not None), None)

    async def stop(self) -> None:
        """Pulls nothing more."""
        for task in self._pulls:
            task.cancel()
        await asyncio.gather(*self._pulls, return_exceptions=True)

    async def _measure(self, quotes: Subscription) -> None:
        seen = 0
        async for message in quotes:
            if self._take(BITCOIN, message):
                seen += 1
                if seen % _METRIC_EVERY == 0:
                    await self._outbox.publish(spread(message.data))

    async def _audit(self, everything: Subscription) -> None:
        async for message in everything:
            self._take(AUDIT, message)

    def _take(self, consumer: str, message: Message) -> bool:
        """Enters a reception; false when the message is of another run."""
        stamp = read_stamp(message)
        if stamp is None or stamp.run != self._run:
            return False
        tier = message.priority
        self.latencies[tier].record((self._clock_ns() - stamp.sent_ns) / 1e6)
        self._accounts.receive(consumer, message.topic, message.key or "", stamp.number, tier)
        return True
