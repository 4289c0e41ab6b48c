"""MessageBus: builds the parts from settings and owns their lifetimes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from bus.avro.codec import Codec
from bus.avro.registry import SCHEMAS_TABLE, SchemaRegistry
from bus.consume.discovery import Discovery
from bus.consume.handler import prepare
from bus.consume.intake import Intake
from bus.consume.lanes import Lanes
from bus.consume.reader import Reader
from bus.consume.subscription import Subscription, receive_any
from bus.errors import BusConnectionError, ClosedError
from bus.message import TIERS, Message, MessagePriority
from bus.publish.publisher import Publisher
from bus.publish.receipt import Receipt, Receipts
from bus.routing.patterns import compile_pattern
from bus.routing.router import Router
from bus.settings import Settings
from bus.transport.base import Transport
from bus.transport.kafka import KafkaTransport

H = TypeVar("H", bound=Callable[..., Any])
Topics = str | re.Pattern[str]

WORKERS_MAX = 50


@dataclass(slots=True)
class _Registered:
    """A handler given by `on`, and what runs it once `run` has begun."""

    handler: Callable[..., Any]
    pattern: Topics
    group: str | None
    workers: int
    lanes: Lanes | None = None


class MessageBus:
    """A client of the bus: publishes, subscribes, and runs handlers. Use it from one event loop."""

    def __init__(self, settings: Settings | None = None, *, transport: Transport | None = None) -> None:
        """Nothing is connected yet.

        Raises:
            SettingsError: The environment's settings are wrong (when none are given).
            PatternError: A route's pattern is not valid.
            ContractError: A contract is not admitted, or a route names one that is unknown.
        """
        self.settings = settings if settings is not None else Settings()
        self._transport: Transport = transport if transport is not None else KafkaTransport(self.settings)
        self._router = Router.from_settings(self.settings)
        self._registry = SchemaRegistry(lambda: self._transport.table(SCHEMAS_TABLE))
        self._codec = Codec(self.settings.contracts_dir, self._registry)
        for rule in self.settings.routes:
            if rule.contract is not None:
                self._codec.contract(rule.contract)
        self._handlers: list[_Registered] = []
        self._publisher: Publisher | None = None
        self._discovery: Discovery | None = None
        self._groups: dict[str, Reader] = {}
        self._readers: dict[Subscription | Lanes, Reader] = {}
        self._subscriptions: list[Subscription] = []
        self._stopping = asyncio.Event()
        self._rate: tuple[float, float] = (time.monotonic(), 0)

    # Lifetime

    async def connect(self) -> None:
        """Reaches the cluster. Calling it when connected does nothing.

        Raises:
            BusConnectionError: Not reachable within `connect_timeout_ms`, or it refuses us; says why and what next.
        """
        if self._publisher is not None:
            return
        await self._transport.connect()
        self._publisher = Publisher(self.settings, self._transport, self._router, self._codec, self._poke)
        self._discovery = Discovery(self._transport, self.settings.discovery_interval_ms, self._on_topics)
        self._discovery.start()

    async def close(self) -> None:
        """Drains handlers and commits, then sends what is buffered; each takes up to `drain_timeout_s`.

        Safe to call twice; `connect` may be called again.

        Raises:
            UndeliveredError: Accepted messages could not be delivered.
        """
        publisher, self._publisher = self._publisher, None
        if publisher is None:
            return
        self.stop()
        assert self._discovery is not None
        await self._discovery.close()
        for subscription in self._subscriptions:
            subscription.end()
        readers = {id(reader): reader for reader in self._readers.values()}.values()
        await asyncio.gather(*(reader.close() for reader in readers))
        self._subscriptions.clear()
        self._readers.clear()
        self._groups.clear()
        try:
            await publisher.close(self.settings.drain_timeout_s)
        finally:
            await self._transport.close(self.settings.request_timeout_ms / 1000)

    async def reconnect(self) -> None:
        """New connections for everything: subscriptions go on, what is buffered is sent.

        Raises:
            BusConnectionError: The cluster is not reachable within `connect_timeout_ms`; the buffer is kept.
        """
        if self._publisher is None:
            await self.connect()
            return
        await self._transport.close(1.0)
        await self._transport.connect()
        self._registry.forget_store()
        self._publisher.renew_senders()
        topics = await self._transport.topics()
        readers = {id(reader): reader for reader in self._readers.values()}.values()
        await asyncio.gather(*(reader.restart(topics) for reader in readers))

    def is_connected(self) -> bool:
        """Whether the cluster answered the last question, which is asked every `discovery_interval_ms`."""
        return self._publisher is not None and self._discovery is not None and self._discovery.answering

    async def __aenter__(self) -> Self:
        """Connects."""
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes."""
        await self.close()

    # Publishing

    async def publish(
        self,
        topic: str,
        data: Any,
        *,
        priority: MessagePriority | str | None = None,
        key: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        confirm: bool = False,
    ) -> Receipt:
        """Returns when the message is in its tier's bounded buffer; with `confirm`, when all in-sync replicas have it.

        At least once, in order per key (the topic itself when none is given). `None` is a tombstone. Cancelling does
        not unsend.

        Raises:
            TopicError, PriorityError: Wrong names.
            EncodeError: The data does not fit its contract, or is too large (`MessageTooLargeError`).
            BufferFullError: No room within `buffer_wait_ms`; the message was refused whole.
            UndeclaredTopicError: Production, and the Kafka topic was not declared.
            BusConnectionError: The topic is used for the first time and Kafka does not answer.
            DeliveryError: With `confirm`, Kafka refused it or did not acknowledge within `delivery_timeout_ms`.
            ClosedError: Not connected.
        """
        return await self._open_publisher().publish(topic, data, priority, key, headers, confirm)

    async def publish_many(
        self,
        topic: str,
        data: Iterable[Any] | AsyncIterable[Any],
        *,
        priority: MessagePriority | str | None = None,
        key: Callable[[Any], str | bytes | None] | None = None,
        headers: Mapping[str, str] | None = None,
        confirm: bool = False,
    ) -> Receipts:
        """Publishes each item to the topic, keyed by `key(item)`; promises and errors as `publish`.

        When an item is refused, those before it stay accepted; `BufferFullError.accepted` says how many.
        """
        return await self._open_publisher().publish_many(topic, data, priority, key, headers, confirm)

    async def flush(self) -> None:
        """Returns when everything accepted so far is acknowledged; bounded by `delivery_timeout_ms`.

        Raises:
            UndeliveredError: Messages accepted since the last flush were not delivered: how many, and the first cause.
        """
        await self._open_publisher().flush()

    # Receiving

    async def subscribe(self, pattern: Topics, *, group: str | None = None) -> Subscription:
        """Returns when the subscription holds its position: what is published from then on is received.

        With a group, members share the work and go on from the committed position, else from the earliest message;
        subscribe all members to the same patterns. Without one, the subscriber gets everything from now on. Each
        subscription of a client gets its own copy.

        Raises:
            PatternError: The pattern is not valid.
            BusConnectionError: Kafka does not answer within `request_timeout_ms`.
            ClosedError: Not connected.
        """
        intake = Intake(compile_pattern(pattern), self.settings)
        subscription = Subscription(intake, group, self._codec, self._leave)
        publisher = self._open_publisher()
        await self._read(subscription, intake, group)
        if publisher is not self._publisher:
            subscription.end()
            await self._leave(subscription)
            raise ClosedError("the bus was closed while it subscribed")
        self._subscriptions.append(subscription)
        return subscription

    async def receive(self, timeout: float | None = None) -> Message | None:
        """The next message of any subscription, the most urgent first; `None` when none came in `timeout` seconds.

        Raises:
            DecodeError: The message cannot be read; carries the raw bytes. Receiving again gives the next one.
            ClosedError: Not connected, or there is no subscription to wait for.
        """
        self._open_publisher()
        if not self._subscriptions:
            raise ClosedError("nothing is subscribed to; call subscribe() before receive()")
        return await receive_any(self._subscriptions, timeout)

    def on(self, pattern: Topics, *, group: str | None = None, workers: int = 1) -> Callable[[H], H]:
        """Registers a handler for `run`: `async def handler(data)` or `(data, message)`; a plain function works too.

        A message is committed after its handler returned. At most `workers` (1 to 50) handlers run at once; those of
        one key one after the other, in order. When a handler raises, its message stays uncommitted and `run` raises.

        Raises:
            PatternError: The pattern is not valid.
            ValueError: `workers` is not from 1 to 50.
            TypeError: The handler takes other arguments.
        """
        compile_pattern(pattern)
        if not 1 <= workers <= WORKERS_MAX:
            raise ValueError(f"workers must be from 1 to {WORKERS_MAX}, not {workers}")

        def register(handler: H) -> H:
            prepare(handler)
            self._handlers.append(_Registered(handler, pattern, group, workers))
            return handler

        return register

    async def run(self) -> None:
        """Runs the handlers until `stop`, SIGTERM or SIGINT; then drains them up to `drain_timeout_s` and closes.

        Connects when that was not done.

        Raises:
            HandlerError: A handler raised; the others were drained first.
            ClosedError: No handler is registered.
            BusConnectionError, UndeliveredError: As `connect` and `close`.
        """
        if not self._handlers:
            raise ClosedError("no handler is registered; decorate one with @bus.on(pattern, group=...) before run()")
        await self.connect()
        self._stopping.clear()
        running: list[asyncio.Task[Any]] = []
        try:
            with _signals(self.stop):
                for registered in self._handlers:
                    await self._start(registered, running)
                running.append(asyncio.create_task(self._stopping.wait(), name="stop"))
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            try:
                await self.close()
            finally:
                for task in running:
                    task.cancel()
                outcomes = await asyncio.gather(*running, return_exceptions=True)
                # Worth more than what closing may have raised, which is then its context.
                for outcome in outcomes:
                    if isinstance(outcome, Exception):
                        raise outcome

    async def _start(self, registered: _Registered, running: list[asyncio.Task[Any]]) -> None:
        """Reads for a handler and runs its lanes."""
        intake = Intake(compile_pattern(registered.pattern), self.settings)
        lanes = Lanes(registered.handler, registered.workers, intake, self._codec)
        registered.lanes = lanes
        await self._read(lanes, intake, registered.group)
        work = lanes.run(self.settings.drain_timeout_s)
        running.append(asyncio.create_task(work, name=f"handler {registered.pattern}"))

    def stop(self) -> None:
        """Makes `run` drain and return. Safe from a signal handler."""
        self._stopping.set()

    # Looking in

    def get_metrics(self) -> dict[str, Any]:
        """Counters since connect, and rates since the last call.

        Keys: `messages_per_second`, `buffer_utilization` (0 to 1, the fullest tier), `error_rate` (share of accepted
        messages that were not delivered), `published`, `acknowledged`, `failed`, `refused`, `received`, and `tiers`
        with the same by tier.
        """
        tiers = (
            {}
            if self._publisher is None
            else {
                tier.priority.tier: {
                    "published": tier.published,
                    "published_bytes": tier.published_bytes,
                    "acknowledged": tier.acknowledged,
                    "failed": tier.failed,
                    "refused": tier.refused,
                    "buffered": tier.account.messages,
                    "buffer_utilization": tier.account.utilization,
                }
                for tier in self._publisher.tiers
            }
        )
        totals = {
            name: sum(tier[name] for tier in tiers.values())
            for name in ("published", "acknowledged", "failed", "refused")
        }
        received = sum(s.received for s in self._subscriptions) + sum(
            h.lanes.handled for h in self._handlers if h.lanes
        )
        now, moved = time.monotonic(), totals["published"] + received
        (then, before), self._rate = self._rate, (now, moved)
        return {
            "messages_per_second": (moved - before) / (now - then) if now > then else 0.0,
            "buffer_utilization": max((tier["buffer_utilization"] for tier in tiers.values()), default=0.0),
            "error_rate": totals["failed"] / totals["published"] if totals["published"] else 0.0,
            **totals,
            "received": received,
            "tiers": tiers,
        }

    async def lag(self) -> dict[str, int]:
        """Messages that this client's readers are behind, by tier.

        Raises:
            BusConnectionError: Kafka did not answer in time.
        """
        lag = dict.fromkeys((tier.tier for tier in TIERS), 0)
        for reader in {id(reader): reader for reader in self._readers.values()}.values():
            for tier, feed in reader.feeds.items():
                lag[tier.tier] += await feed.lag()
        return lag

    def __repr__(self) -> str:
        """A window: connected or not, and what is buffered."""
        if self._publisher is None:
            return "<MessageBus closed>"
        state = "connected" if self.is_connected() else "Kafka does not answer"
        buffered = " | ".join(f"{t.priority.tier} {t.account.messages} buffered" for t in self._publisher.tiers)
        return f"<MessageBus {state} | {buffered}>"

    # Parts

    def _open_publisher(self) -> Publisher:
        if self._publisher is None:
            raise ClosedError("the bus is not connected; use `async with MessageBus()` or call connect() first")
        return self._publisher

    async def _read(self, owner: Subscription | Lanes, intake: Intake, group: str | None) -> None:
        topics = await self._transport.topics()
        reader = self._groups.get(group) if group is not None else None
        if reader is None:
            reader = Reader(group, self.settings, self._transport)
            if group is not None:
                self._groups[group] = reader
        self._readers[owner] = reader
        try:
            await reader.add(intake, topics)
        except BaseException:
            await self._forget(owner, intake)
            raise

    async def _leave(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        await self._forget(subscription, subscription.intake)

    async def _forget(self, owner: Subscription | Lanes, intake: Intake) -> None:
        reader = self._readers.pop(owner, None)
        if reader is None:
            return
        if reader in self._readers.values():
            with contextlib.suppress(BusConnectionError):
                await reader.remove(intake, await self._transport.topics())
            return
        if reader.group is not None:
            self._groups.pop(reader.group, None)
        await reader.close()

    async def _on_topics(self, topics: Mapping[str, int]) -> None:
        readers = {id(reader): reader for reader in self._readers.values()}.values()
        await asyncio.gather(*(reader.set_topics(topics) for reader in readers))

    def _poke(self) -> None:
        if self._discovery is not None:
            self._discovery.poke()


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT stop; elsewhere than in the main thread signals are someone else's."""
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop)
        except (ValueError, RuntimeError, NotImplementedError):
            continue
        taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
