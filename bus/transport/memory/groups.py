"""A consumer group: who belongs to it, what it has committed, and its rebalances."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Set
from typing import Protocol

from bus.message import Partition
from bus.transport.memory.assign import spread

_log = logging.getLogger(__name__)


class Member(Protocol):
    """One consumer of a group, as the group sees it."""

    @property
    def wanted(self) -> Set[str]:
        """The Kafka topics that it asks for."""
        ...

    async def revoke(self) -> None:
        """Gives up all its partitions; returns when that is done and raises nothing."""
        ...

    def assign(self, partitions: frozenset[Partition], committed: Mapping[Partition, int]) -> None:
        """Takes partitions, each from its committed position or else from the earliest."""
        ...


class Ground(Protocol):
    """What a group needs of the cluster that it lives in."""

    @property
    def running(self) -> bool:
        """Whether the cluster answers."""
        ...

    def partition_counts(self) -> Mapping[str, int]:
        """Partitions of every topic that exists."""
        ...


class MemoryGroup:
    """Rebalances are eager, as Kafka's classic protocol is.

    Whenever members or their topics change, every member gives up everything; only when all have done so is
    the new assignment made. Changes that come meanwhile are taken into the same rebalance. Committed
    positions outlive the members.
    """

    def __init__(self, name: str, ground: Ground) -> None:
        self._name = name
        self._ground = ground
        self._members: dict[Member, None] = {}  # in the order in which they joined
        self._committed: dict[Partition, int] = {}
        self._stale = False
        self._rebalancing: asyncio.Task[None] | None = None

    def join(self, member: Member) -> None:
        """Adds a member, or learns that the topics of one have changed."""
        self._members[member] = None
        self.rebalance()

    def leave(self, member: Member) -> None:
        """Removes a member; the others share what it had."""
        if member in self._members:
            del self._members[member]
            self.rebalance()

    def topic_created(self, topic: str) -> None:
        """Rebalances when one of the members waits for the topic."""
        if any(topic in member.wanted for member in self._members):
            self.rebalance()

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Stores positions; whether the member may do so is the member's to know."""
        self._committed.update(offsets)

    def rebalance(self) -> None:
        """Starts a rebalance; one that is under way begins again instead."""
        self._stale = True
        self.resume()

    def resume(self) -> None:
        """Does what an outage has put off."""
        busy = self._rebalancing is not None and not self._rebalancing.done()
        if self._due() and not busy:
            self._rebalancing = asyncio.get_running_loop().create_task(
                self._rebalance(), name=f"memory group {self._name} rebalances"
            )

    def _due(self) -> bool:
        return self._stale and self._ground.running

    async def _rebalance(self) -> None:
        while self._due():
            self._stale = False
            await asyncio.gather(*(member.revoke() for member in self._members))
            if not self._ground.running:
                self._stale = True  # assigned when the cluster is back
            elif not self._stale:
                self._assign()

    def _assign(self) -> None:
        members = tuple(self._members)
        shares = spread([member.wanted for member in members], self._ground.partition_counts())
        for member, partitions in zip(members, shares, strict=True):
            try:
                member.assign(partitions, self._committed)
            except Exception:
                _log.exception("group %s: on_assigned failed", self._name)

    def __repr__(self) -> str:
        """A window: how many members, and whether they hold an assignment."""
        state = "rebalancing" if self._stale else "stable"
        return f"<MemoryGroup {self._name} | {len(self._members)} members, {state}>"
