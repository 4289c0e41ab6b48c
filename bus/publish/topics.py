"""Which Kafka topics there are to publish to: known, made on first use in development, refused in production."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bus.errors import BusConnectionError, UndeclaredTopicError
from bus.routing.router import Route
from bus.settings import Settings
from bus.transport.base import NewKafkaTopic, Transport

_RETRY_S = 0.05


class KafkaTopics:
    """The Kafka topics of the namespace, as this process knows them."""

    def __init__(self, settings: Settings, transport: Transport, on_new: Callable[[], None]) -> None:
        self._settings = settings
        self._transport = transport
        self._on_new = on_new
        self._partitions: dict[str, int] = {}
        self._lock = asyncio.Lock()

    async def partitions(self, route: Route) -> int:
        """Over how many partitions the route's Kafka topic spreads its keys.

        Raises:
            UndeclaredTopicError: It does not exist, and production makes none.
            BusConnectionError: Kafka did not answer within `request_timeout_ms`.
        """
        name = route.kafka_topic
        if name in self._partitions:
            return self._partitions[name]
        async with self._lock:
            if name not in self._partitions:
                self._partitions = dict(await self._transport.topics())
            if name not in self._partitions:
                await self._make(route)
            return self._partitions[name]

    async def _make(self, route: Route) -> None:
        if self._settings.environment == "production":
            raise UndeclaredTopicError(
                f"topic {route.topic} needs the Kafka topic {route.kafka_topic}, which is not declared; production "
                f"creates none by itself: run `tierbus topics create {route.family} --tier {route.tier.tier}`"
            )
        await self._transport.create_topics([new_kafka_topic(route, self._settings)])
        await self._learn(route.kafka_topic)
        self._on_new()

    async def _learn(self, name: str) -> None:
        """Asks until the new Kafka topic is named: brokers learn of it one after the other."""
        timeout_s = self._settings.request_timeout_ms / 1000
        try:
            async with asyncio.timeout(timeout_s):
                while name not in self._partitions:
                    self._partitions = dict(await self._transport.topics())
                    if name not in self._partitions:
                        await asyncio.sleep(_RETRY_S)
        except TimeoutError as error:
            raise BusConnectionError(
                f"Kafka topic {name} was made and is not known to all brokers after {timeout_s:g} s; try again"
            ) from error


def new_kafka_topic(route: Route, settings: Settings) -> NewKafkaTopic:
    """How the route's Kafka topic is made."""
    config = {} if route.rule.retention_ms is None else {"retention.ms": str(route.rule.retention_ms)}
    partitions = route.rule.partitions or settings.default_partitions
    return NewKafkaTopic(route.kafka_topic, partitions, settings.replication_factor, config)
