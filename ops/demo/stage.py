"""One run on a broker that is there: connect, warm up, generate, settle, close."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic

from bus import BusConnectionError, MessageBus, Settings, TierbusError
from bus.message import TIERS
from bus.transport.kafka import KafkaTransport
from ops.demo.accounts import Accounts
from ops.demo.consumers import Consumers, patterns
from ops.demo.desk import NOTIONAL_MAX, Order, decide, spread
from ops.demo.draft import Draft
from ops.demo.latency import Histogram
from ops.demo.market import Market
from ops.demo.outbox import Outbox
from ops.demo.outcome import Outcome
from ops.demo.pace import Pace
from ops.demo.plan import Plan, kafka_topics
from ops.demo.sources import Source, endless, load
from ops.demo.table import Row, View, lag_of

_TICK_S = 0.01
_REFRESH_S = 0.5
_WINDOW = 4
_WARM_UP_S = 30.0
_SETTLE_S = 30.0
_STILL_S = 8.0


async def perform(plan: Plan, servers: str, broker: str, view: View) -> Outcome:
    """The whole run; SIGINT and SIGTERM end it early, and it settles and closes all the same.

    Raises:
        TierbusError: It could not begin.
    """
    loading = asyncio.create_task(load(offline=plan.offline), name="sources")
    run = secrets.token_hex(3)
    settings = plan.settings(servers, run)
    accounts = Accounts(patterns())
    bus, workers = MessageBus(settings), MessageBus(settings)
    outbox = Outbox(bus, accounts, run)
    consumers = Consumers(accounts, run, outbox)
    consumers.register(workers)
    stage = _Stage(plan, settings, bus, workers, accounts, outbox, consumers, view)
    await bus.connect()
    try:
        sources = await loading
        for source in sources:
            view.say(str(source))
        await stage.play(sources)
    finally:
        await stage.close()
    return Outcome(
        balance=accounts.balance(),
        latencies=consumers.latencies,
        sources=sources,
        elapsed_s=stage.elapsed_s,
        given_up=stage.given_up,
        refused=outbox.refused,
        interrupted=stage.interrupted,
        troubles=tuple(stage.troubles),
        namespace=settings.namespace,
        broker=broker,
    )


class _Stage:
    """The tasks of a run and the order in which they begin and end."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        bus: MessageBus,
        workers: MessageBus,
        accounts: Accounts,
        outbox: Outbox,
        consumers: Consumers,
        view: View,
    ) -> None:
        self.elapsed_s = 0.0
        self.given_up = 0
        self.interrupted = False
        self.troubles: list[str] = []
        self._plan = plan
        self._settings = settings
        self._bus = bus
        self._workers = workers
        self._accounts = accounts
        self._outbox = outbox
        self._consumers = consumers
        self._view = view
        self._stop = asyncio.Event()
        self._handling: asyncio.Task[None] | None = None
        self._lag: dict[str, int] = {}
        self._began_s = 0.0

    async def play(self, sources: tuple[Source, ...]) -> None:
        """From the first subscription to the last reception."""
        market = Market(self._plan.seed)
        records = endless(*sources)
        first = _one_of_each(market, records, sources)
        await self._make_topics(first)
        await self._consumers.subscribe(self._bus)
        await self._workers.connect()
        self._handling = asyncio.create_task(self._workers.run(), name="handlers")
        await asyncio.sleep(0)  # it takes the signals when it begins; they are to be ours
        with self._signals():
            await self._warm_up(first)
            watching = asyncio.create_task(self._watch(), name="watch")
            asking = asyncio.create_task(self._ask_lag(), name="lag")
            try:
                await self._until_over(asyncio.create_task(self._generate(market, records), name="generate"))
                await self._settle()
            finally:
                watching.cancel()
                asking.cancel()
                await asyncio.gather(watching, asking, return_exceptions=True)

    async def close(self) -> None:
        """Handlers drain, subscriptions end, what is buffered is sent; safe at any point."""
        await self._consumers.stop()
        self._workers.stop()
        if self._handling is not None:
            try:
                await self._handling
            except TierbusError as error:
                self.troubles.append(str(error))
        else:
            await self._workers.close()
        try:
            await self._bus.close()
        except TierbusError as error:
            self.troubles.append(str(error))
        await self._outbox.sweep()
        if self._outbox.first_failure is not None:
            self.troubles.append(f"the first message that was not delivered: {self._outbox.first_failure}")

    async def _make_topics(self, drafts: list[Draft]) -> None:
        transport = KafkaTransport(self._settings)
        await transport.connect()
        try:
            await transport.create_topics(kafka_topics(self._settings, drafts))
        finally:
            await transport.close(1.0)

    async def _warm_up(self, drafts: list[Draft]) -> None:
        """One message of each kind has come through: groups are joined, schemas are registered."""
        for draft in drafts:
            await self._outbox.publish(draft)
        try:
            async with asyncio.timeout(_WARM_UP_S):
                while self._accounts.outstanding and not self._stop.is_set() and not self._broken():
                    await asyncio.sleep(_TICK_S)
        except TimeoutError:
            self.troubles.append(f"{self._accounts.outstanding} first messages did not come within {_WARM_UP_S:g} s")
            self._stop.set()
        self._consumers.forget_latencies()

    async def _generate(self, market: Market, records: Iterator[Draft]) -> None:
        """Publishes what the clock asks for."""
        self._began_s = now_s = monotonic()
        pace = Pace(self._plan.rate, now_s)
        debt = 0.0
        while not self._stop.is_set() and now_s < self._began_s + self._plan.seconds:
            for _ in range(pace.due(now_s)):
                debt += self._plan.source_share
                if debt >= 1:
                    debt -= 1
                    await self._outbox.publish(next(records))
                else:
                    await self._outbox.publish(next(market))
            await asyncio.sleep(_TICK_S)
            now_s = monotonic()
            self.elapsed_s = now_s - self._began_s
        self.given_up = pace.given_up

    async def _until_over(self, generating: asyncio.Task[None]) -> None:
        """Returns when all is generated, or as soon as handlers or subscriptions have ended by themselves."""
        try:
            while not generating.done() and not self._broken():
                await asyncio.wait({generating, *self._ending()}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stop.set()
            await asyncio.gather(generating, return_exceptions=True)
        error = generating.exception() or self._consumers.broken
        if error is not None:
            self.troubles.append(str(error) or repr(error))

    async def _settle(self) -> None:
        """Waits until everything was acknowledged and received, for as long as it goes forward."""
        deadline_s = monotonic() + _SETTLE_S
        moved_s, before = monotonic(), -1
        while monotonic() < min(deadline_s, moved_s + _STILL_S):
            await self._outbox.sweep()
            left = self._accounts.outstanding + self._outbox.waiting
            if not left or self._broken():
                return
            if left != before:
                moved_s, before = monotonic(), left
            await asyncio.sleep(_TICK_S)

    async def _watch(self) -> None:
        """Twice a second: the receipts that came, and the view."""
        accounts, consumers = self._accounts, self._consumers
        past: deque[tuple[float, list[int], list[int], list[Histogram]]] = deque(maxlen=_WINDOW)
        while True:
            await self._outbox.sweep()
            now_s = monotonic()
            copies = [histogram.copy() for histogram in consumers.latencies]
            if past:
                then_s, published, received, latencies = past[0]
                rows = []
                tiers = self._bus.get_metrics()["tiers"]
                for tier in TIERS:
                    lately = copies[tier].since(latencies[tier])
                    rows.append(
                        Row(
                            tier=tier,
                            published=accounts.published[tier],
                            published_s=(accounts.published[tier] - published[tier]) / (now_s - then_s),
                            received_s=(accounts.receptions[tier] - received[tier]) / (now_s - then_s),
                            p50_ms=lately.percentile(50),
                            p99_ms=lately.percentile(99),
                            buffer=tiers[tier.tier]["buffer_utilization"],
                            lag=self._lag.get(tier.tier, 0),
                        )
                    )
                elapsed_s = now_s - self._began_s
                self._view.show(rows, elapsed_s, f"tierbus demo, {min(elapsed_s, self._plan.seconds):.0f} s")
            past.append((now_s, accounts.published.copy(), accounts.receptions.copy(), copies))
            await asyncio.sleep(_REFRESH_S)

    async def _ask_lag(self) -> None:
        """Once a second, on its own, for Kafka may take its time to answer."""
        while True:
            with contextlib.suppress(BusConnectionError):
                self._lag = lag_of(await self._bus.lag(), await self._workers.lag())
            await asyncio.sleep(1.0)

    def _ending(self) -> set[asyncio.Task[None]]:
        return set() if self._handling is None else {self._handling}

    def _broken(self) -> bool:
        """Whether somebody who should be reading is not."""
        return self._consumers.broken is not None or (self._handling is not None and self._handling.done())

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        yield

    def _interrupt(self) -> None:
        """The first time it settles; the second time whatever is going on is cancelled."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self._stop.set()


def _one_of_each(market: Market, records: Iterator[Draft], sources: tuple[Source, ...]) -> list[Draft]:
    """A first message for every Kafka topic of the run."""
    order, quote = market.order(), market.quote()
    seen = Order(**{name: order.data[name] for name in Order.__slots__})
    drafts = [order, quote, market.line(), spread(quote.data)]
    # What the desk would say of an order that is too large goes out with the others, so that its topic is there.
    drafts += decide(
        Order(seen.order_id, seen.venue, seen.symbol, seen.desk, NOTIONAL_MAX, NOTIONAL_MAX), datetime.now(UTC)
    )
    known = {draft.topic.rsplit(".", 1)[0] for draft in drafts}
    for _ in range(sum(len(source.drafts) for source in sources)):
        draft = next(records)
        family = ".".join(draft.topic.split(".")[:2])
        if family not in known:
            known.add(family)
            drafts.append(draft)
    return drafts
