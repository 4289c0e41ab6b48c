"""MessageBus: builds the parts from settings and owns their lifetimes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Self, TypeVar

from bus.avro.codec import Codec
from bus.avro.compatibility import Mode
from bus.avro.contract import Contract, contract
from bus.avro.registry import SCHEMAS_TABLE
from bus.consume.discovery import Discovery
from bus.consume.handlers import Handlers, Registered, stop_signals
from bus.consume.inbox import Inbox
from bus.consume.intake import Intake
from bus.consume.readers import Readers, check_group
from bus.consume.subscription import Subscription
from bus.errors import ClosedError
from bus.message import Message, MessagePriority
from bus.metrics import snapshot
from bus.publish.publisher import Publisher
from bus.publish.receipt import Receipt, Receipts
from bus.routing.patterns import compile_pattern
from bus.routing.router import Router
from bus.settings import RouteRule, Settings
from bus.transport.base import Transport
from bus.transport.kafka import KafkaTransport

H = TypeVar("H", bound=Callable[..., Any])
Topics = str | re.Pattern[str]

# For the connections that carry nothing any more.
_PARTING_S = 1.0


class MessageBus:
    """A client of the bus: publishes, subscribes, and runs handlers. Use it from one event loop."""

    def __init__(self, settings: Settings | None = None, *, transport: Transport | None = None) -> None:
        """Nothing is connected yet.

        Raises:
            SettingsError: The environment's settings are wrong (when none are given).
            PatternError: A route's pattern is not valid.
            ContractError: A contract is not admitted, or a route names one that is unknown.
            SettingsError: The schema registry cannot be used as it is set.
        """
        self.settings = settings if settings is not None else Settings()
        self._transport: Transport = transport if transport is not None else KafkaTransport(self.settings)
        self._router = Router.from_settings(self.settings)
        self._codec = Codec(self.settings, self._router.rule, lambda: self._transport.table(SCHEMAS_TABLE))
        self._readers = Readers(self.settings, self._transport)
        self._handlers = Handlers(self.settings)
        self._inbox = Inbox()
        self._changing = asyncio.Lock()
        self._publisher: Publisher | None = None
        self._discovery: Discovery | None = None
        self._seen_s, self._seen_moved, self._received_before = time.monotonic(), 0, 0

    # Lifetime

    async def connect(self) -> None:
        """Reaches the cluster. Calling it when connected does nothing.

        Raises:
            BusConnectionError: Not reachable within `connect_timeout_ms`, or it refuses us; says why and what next.
        """
        async with self._changing:
            await self._connect()

    async def _connect(self) -> None:
        if self._publisher is not None:
            return
        await self._transport.connect()
        self._codec.renew()  # an earlier connection's is closed
        self._publisher = Publisher(self.settings, self._transport, self._router, self._codec, self._poke)
        self._discovery = Discovery(self._transport, self.settings.discovery_interval_ms, self._readers.set_topics)
        self._discovery.start()
        self._seen_s, self._seen_moved, self._received_before = time.monotonic(), 0, 0

    async def close(self) -> None:
        """Drains handlers and commits, then sends what is buffered; each takes up to `drain_timeout_s`.

        Safe to call twice; `connect` may be called again.

        Raises:
            UndeliveredError: Accepted messages could not be delivered.
        """
        async with self._changing:
            publisher, self._publisher = self._publisher, None
            if publisher is None:
                return
            self.stop()
            assert self._discovery is not None
            try:
                self._received_before += self._inbox.received
                self._inbox.end()
                await self._discovery.close()
                await self._readers.close()
            finally:
                try:
                    await publisher.close(self.settings.drain_timeout_s)
                finally:
                    await asyncio.gather(self._transport.close(_PARTING_S), self._codec.close())

    async def reconnect(self) -> None:
        """New connections for publishing and for groups, which go on from their committed positions.

        What is buffered is sent. Subscribers alone keep their connections, which heal by themselves.

        Raises:
            BusConnectionError: The cluster is not reachable within `connect_timeout_ms`; everything is left as it was.
        """
        async with self._changing:
            if self._publisher is None:
                await self._connect()
                return
            await self._transport.connect()
            self._codec.renew()
            self._publisher.renew_senders()
            await self._readers.restart(await self._transport.topics())

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

    # Contracts

    def contract(
        self,
        model: type,
        *patterns: str,
        name: str | None = None,
        namespace: str | None = None,
        compatibility: str = Mode.BACKWARD_TRANSITIVE,
    ) -> Contract:
        """Derives the contract of a pydantic model or a dataclass, and binds the topics of the patterns to it.

        Call it before the topics are used; routes keep their other decisions. What becomes of which type is told by
        `bus.contract`.

        Raises:
            ContractError: A field has a type that no contract can have.
            PatternError: A pattern is not valid.
        """
        made = contract(model, name=name, namespace=namespace, compatibility=compatibility)
        rules = [RouteRule(pattern=p, contract=made.name) for p in patterns]
        self._router.put_first(rules)
        self._codec.add(made)
        if self._publisher is not None:
            self._publisher.forget_targets()
        return made

    # Publishing

    def publish(
        self,
        topic: str,
        data: Any,
        *,
        priority: MessagePriority | str | None = None,
        key: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        confirm: bool = False,
    ) -> Coroutine[Any, Any, Receipt]:
        """Returns when the message is in its tier's bounded buffer; with `confirm`, when all in-sync replicas have it.

        At least once, in order per key (the topic itself when none is given). `None` is a tombstone. Cancelling does
        not unsend.

        Raises:
            TopicError, PriorityError: Wrong names.
            EncodeError: The data does not fit its contract, or is too large (`MessageTooLargeError`).
            ContractError: The contract may not be used: it breaks its rule of change, or production does not know it.
            BufferFullError: No room within `buffer_wait_ms`; the message was refused whole.
            UndeclaredTopicError: Production, and the Kafka topic was not declared.
            BusConnectionError: The topic is used for the first time and Kafka or a schema registry does not answer.
            DeliveryError: With `confirm`, Kafka refused it or did not acknowledge within `delivery_timeout_ms`.
            ClosedError: Not connected.
        """
        publisher = self._publisher or self._open_publisher()
        return publisher.publish(topic, data, priority, key, headers, confirm)

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
        subscribe all members to the same patterns, and pull each: one that is full holds up the others of its group.
        Without one, the subscriber gets everything from now on. Each
        subscription of a client gets its own copy.

        Raises:
            PatternError: The pattern is not valid.
            ValueError: The group's name is not valid.
            BusConnectionError: Kafka does not answer within a few times `request_timeout_ms`.
            ClosedError: Not connected.
        """
        check_group(group)
        intake = Intake(compile_pattern(pattern), self.settings)
        subscription = Subscription(intake, group, self._codec, self._leave)
        publisher = self._open_publisher()
        await self._readers.open(intake, group)
        if publisher is not self._publisher:
            subscription.end()
            await self._leave(subscription)
            raise ClosedError("the bus was closed while it subscribed")
        self._inbox.add(subscription)
        return subscription

    async def receive(self, timeout: float | None = None) -> Message | None:
        """The next message of any subscription, the most urgent first; `None` when none came in `timeout` seconds.

        It acknowledges what was pulled before, from whichever subscription: use it, or iterate subscriptions, not both.

        Raises:
            DecodeError: The message cannot be read; carries the raw bytes. Receiving again gives the next one.
            ClosedError: Not connected, or there is no subscription to wait for.
        """
        self._open_publisher()
        return await self._inbox.receive(timeout)

    def on(self, pattern: Topics, *, group: str | None = None, workers: int = 1) -> Callable[[H], H]:
        """Registers a handler for `run`: `async def handler(data)` or `(data, message)`; a plain function works too.

        A message is committed after its handler returned. At most `workers` (1 to 50) handlers run at once; those of
        one key one after the other, in order. When a handler raises, its message stays uncommitted and `run` raises.

        Raises:
            PatternError: The pattern is not valid.
            ValueError: `workers` is not from 1 to 50.
            TypeError: The handler takes other arguments.
        """

        def register(handler: H) -> H:
            self._handlers.add(Registered(handler, pattern, group, workers))
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
        self._handlers.stopping.clear()
        try:
            # Only until the drain begins: a second signal ends a process that drains for too long.
            with stop_signals(self.stop):
                await self.connect()
                await self._handlers.run(self._readers, self._codec)
        finally:
            try:
                await self.close()
            finally:
                # A handler's failure is worth more than what closing may have raised, which is then its context.
                await self._handlers.end()

    def stop(self) -> None:
        """Makes `run` drain and return. Safe from a signal handler."""
        self._handlers.stopping.set()

    # Looking in

    def get_metrics(self) -> dict[str, Any]:
        """Counters since connect, and rates since the last call.

        Keys: `messages_per_second`, `buffer_utilization` (0 to 1, the fullest tier), `error_rate` (share of accepted
        messages that were not delivered), `published`, `acknowledged`, `failed`, `refused`, `received`, and `tiers`
        with the same by tier.
        """
        received = self._received_before + self._inbox.received + self._handlers.handled
        tiers = [] if self._publisher is None else self._publisher.tiers
        now_s = time.monotonic()
        metrics = snapshot(tiers, received, now_s - self._seen_s, self._seen_moved)
        self._seen_s, self._seen_moved = now_s, metrics["published"] + received
        return metrics

    async def lag(self) -> dict[str, int]:
        """Messages that this client's readers are behind, by tier.

        Raises:
            BusConnectionError: Kafka did not answer in time.
        """
        return await self._readers.lag()

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

    async def _leave(self, subscription: Subscription) -> None:
        if self._inbox.remove(subscription):
            self._received_before += subscription.received
        await self._readers.release(subscription.intake)

    def _poke(self) -> None:
        if self._discovery is not None:
            self._discovery.poke()
