"""The readers of one client: one a group, and one for each subscriber that reads alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bus.consume.intake import Intake
from bus.consume.reader import Reader
from bus.message import TIERS
from bus.settings import Settings
from bus.transport.base import Transport

GROUP_LENGTH_MAX = 200


def check_group(group: str | None) -> None:
    """Refuses a name that would be hard to find again.

    Raises:
        ValueError: It is empty, too long, or has spaces or control characters.
    """
    if group is not None and not (
        isinstance(group, str) and 0 < len(group) <= GROUP_LENGTH_MAX and group.isprintable() and " " not in group
    ):
        raise ValueError(f"group {group!r} is not valid: use 1 to {GROUP_LENGTH_MAX} printable characters, no spaces")


class Readers:
    """Intakes of the same group share a reader, for a group's positions are shared."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._groups: dict[str, Reader] = {}
        self._by_intake: dict[Intake, Reader] = {}

    async def open(self, intake: Intake, group: str | None) -> None:
        """Returns when the intake holds its position in the Kafka topics that there are.

        Raises:
            BusConnectionError: Kafka does not answer within `request_timeout_ms`.
        """
        topics = await self._transport.topics()
        reader = self._groups.get(group) if group is not None else None
        if reader is None:
            reader = Reader(group, self._settings, self._transport)
            if group is not None:
                self._groups[group] = reader
        self._by_intake[intake] = reader
        try:
            await reader.add(intake, topics)
        except BaseException:
            await self.release(intake)
            raise

    async def release(self, intake: Intake) -> None:
        """Drains and commits; the last one of a group leaves it."""
        reader = self._by_intake.pop(intake, None)
        if reader is None:
            return
        if reader in self._by_intake.values():
            await reader.remove(intake)
            return
        if reader.group is not None:
            self._groups.pop(reader.group, None)
        await reader.close()

    async def set_topics(self, topics: Mapping[str, int]) -> None:
        """The Kafka topics of the namespace, as they are now."""
        await asyncio.gather(*(reader.set_topics(topics) for reader in self._all()))

    async def restart(self, topics: Mapping[str, int]) -> None:
        """New connections for the groups, from their committed positions."""
        await asyncio.gather(*(reader.restart(topics) for reader in self._all()))

    async def close(self) -> None:
        """Drains, commits and leaves everywhere."""
        readers = self._all()
        self._by_intake.clear()
        self._groups.clear()
        await asyncio.gather(*(reader.close() for reader in readers))

    async def lag(self) -> dict[str, int]:
        """Messages that the readers are behind, by tier."""
        lag = dict.fromkeys((tier.tier for tier in TIERS), 0)
        for reader in self._all():
            for tier, feed in list(reader.feeds.items()):
                lag[tier.tier] += await feed.lag()
        return lag

    def _all(self) -> list[Reader]:
        return list(dict.fromkeys(self._by_intake.values()))
