"""A group's eyes on all tiers, or those of one subscriber alone: one feed a tier that has something to read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterable, Mapping

from bus.consume.feed import Feed
from bus.consume.intake import Intake
from bus.errors import BusConnectionError
from bus.message import TIERS, MessagePriority
from bus.routing.topics import parse_kafka_topic
from bus.settings import Settings
from bus.transport.base import Transport


class Reader:
    """Its subscriptions share one position for each partition."""

    def __init__(self, group: str | None, settings: Settings, transport: Transport) -> None:
        self.group = group
        self.feeds: dict[MessagePriority, Feed] = {}
        self._settings = settings
        self._transport = transport
        self._intakes: list[Intake] = []
        self._changing = asyncio.Lock()
        self._last_topics: Mapping[str, int] = {}
        self._started = False

    async def add(self, intake: Intake, topics: Mapping[str, int]) -> None:
        """One more subscription; returns when it holds its position in the Kafka topics that there are.

        Those that read already go back to the committed position first, or the new one would miss what they have
        fetched ahead.
        """
        async with self._changing:
            if self.feeds:
                await self._close_feeds()
            self._intakes.append(intake)
            await self._spread(topics)
            self._started = True

    async def remove(self, intake: Intake) -> None:
        """One subscription less; the others go on from the committed position."""
        async with self._changing:
            topics = self._last_topics
            await self._close_feeds()
            self._intakes.remove(intake)
            with contextlib.suppress(BusConnectionError):  # tried again with the next answer about topics
                await self._spread(topics)

    async def set_topics(self, topics: Mapping[str, int]) -> None:
        """The Kafka topics of the namespace, as they are now."""
        async with self._changing:
            if self._started and topics != self._last_topics:
                await self._spread(topics)

    async def _spread(self, topics: Mapping[str, int]) -> None:
        wanted: dict[MessagePriority, dict[str, int]] = {}
        for name, partitions in topics.items():
            parsed = parse_kafka_topic(self._settings.namespace, name)
            if parsed is not None and any(intake.pattern.may_match_in(parsed[0]) for intake in self._intakes):
                wanted.setdefault(parsed[1], {})[name] = partitions
        await _all(self._feed(tier, wanted[tier]) for tier in TIERS if tier in wanted)
        self._last_topics = topics

    async def _feed(self, tier: MessagePriority, topics: dict[str, int]) -> None:
        feed = self.feeds.get(tier)
        if feed is None:
            feed = Feed(tier, self.group, self._intakes, self._settings, from_start=self._started)
            await feed.start(self._transport)
            self.feeds[tier] = feed
        await feed.set_topics(topics)

    async def restart(self, topics: Mapping[str, int]) -> None:
        """New connections for a group's tiers, from the committed positions; alone, the connections heal themselves."""
        async with self._changing:
            if self.group is not None and self._started:
                await self._close_feeds()
                for intake in self._intakes:
                    intake.error = None
                await self._spread(topics)

    async def close(self) -> None:
        """Stops fetching, drains up to `drain_timeout_s`, commits, leaves the group."""
        async with self._changing:
            self._started = False
            await self._close_feeds()

    async def _close_feeds(self) -> None:
        feeds, self.feeds = self.feeds, {}
        self._last_topics = {}  # so that the next answer about topics opens what could not be opened at once
        await _all(feed.close(self._settings.drain_timeout_s) for feed in feeds.values())


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """Ends when all have ended, so that none goes on unowned; then raises the first failure."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
