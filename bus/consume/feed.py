"""One tier of a reader: fetches, hands to the subscriptions, commits what they have settled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence

from bus.consume.intake import Intake, PartitionState
from bus.errors import BusConnectionError, TierbusError
from bus.message import MessagePriority, Partition, Record
from bus.settings import Settings
from bus.transport.base import Fetcher, FetcherOptions, Transport

log = logging.getLogger("tierbus.consume")

_FETCH_RECORDS = 500
_FETCH_WAIT_MS = 500
_COMMIT_WAIT_S = 5.0
# What the last commit and leaving the group have at least, however long the drain took.
_PARTING_S = 1.0


class _Assigned:
    """A partition of the current assignment, with each subscription's progress in it."""

    __slots__ = ("carried", "committed", "leaving", "states")

    def __init__(self, partition: Partition, intakes: Sequence[Intake]) -> None:
        self.states = [(intake, PartitionState(partition)) for intake in intakes]
        self.committed: int | None = None
        self.carried = False
        self.leaving = False

    def stay(self) -> None:
        """It was being given away, and came straight back."""
        self.leaving = False
        for _, state in self.states:
            state.leaving = False

    @property
    def position(self) -> int:
        """What every subscription has settled."""
        return min(state.settled.position for _, state in self.states)

    @property
    def begun(self) -> bool:
        """Whether its position is known, because records of it came."""
        return all(state.begun for _, state in self.states)

    @property
    def resumable(self) -> bool:
        """Whether nothing was taken and left undone, but for messages that are in a caller's hands."""
        return all(intake.pulled or not state.settled.open_count for intake, state in self.states)


class Feed:
    """Reads one tier for one group, or for one subscriber alone."""

    def __init__(
        self,
        tier: MessagePriority,
        group: str | None,
        intakes: Sequence[Intake],
        settings: Settings,
        from_start: bool = False,
    ) -> None:
        self.tier = tier
        self._group = group
        self._intakes = intakes
        self._settings = settings
        self._from_start = from_start
        self._partitions: dict[Partition, _Assigned] = {}
        self._given_away: dict[Partition, _Assigned] = {}
        self._fetcher: Fetcher | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, transport: Transport) -> None:
        """Connects; reading begins with the first topics.

        Raises:
            BusConnectionError: Kafka is not reachable within `request_timeout_ms`.
        """
        group = None if self._group is None else f"{self._group}.{self.tier.tier}"
        options = FetcherOptions(self.tier, group, self._on_assigned, self._on_revoked, self._from_start)
        self._fetcher = await transport.fetcher(options)
        name = f"{group or 'alone'} {self.tier.tier}"
        self._tasks.append(asyncio.create_task(self._read(self._fetcher), name=f"fetch {name}"))
        if group is not None:
            self._tasks.append(asyncio.create_task(self._commit_in_turn(), name=f"commit {name}"))

    async def set_topics(self, topics: dict[str, int]) -> None:
        """The Kafka topics to read; see `Fetcher.set_topics`."""
        assert self._fetcher is not None
        await self._fetcher.set_topics(topics)

    async def _read(self, fetcher: Fetcher) -> None:
        try:
            while True:
                for intake in self._intakes:
                    await intake.room(self.tier)
                records = await fetcher.fetch(_FETCH_RECORDS, _FETCH_WAIT_MS)
                for partition, batch in records.items():
                    self._hand_out(partition, batch)
        except TierbusError as error:
            self._fail(error)
        except Exception as error:
            log.exception("fetching tier %s of group %s broke", self.tier.tier, self._group)
            self._fail(
                BusConnectionError(
                    f"fetching tier {self.tier.tier} broke: {error!r}; "
                    + ("subscribe again" if self._group is None else "reconnect() starts it anew")
                )
            )

    def _fail(self, error: TierbusError) -> None:
        for intake in self._intakes:
            intake.fail(error)

    def _hand_out(self, partition: Partition, batch: Sequence[Record]) -> None:
        assigned = self._partitions.get(partition)
        if assigned is None or assigned.leaving:
            return  # given away while the fetch was under way; it is fetched again, here or elsewhere
        if assigned.carried:
            assigned.carried = False
            if batch[0].offset > assigned.position:
                # Another member had the partition in between and went further than we did.
                assigned = self._partitions[partition] = _Assigned(Partition(*partition), self._intakes)
        for intake, state in assigned.states:
            fresh = batch
            if batch[0].offset < state.settled.high:
                fresh = [record for record in batch if record.offset >= state.settled.high]
            elif not state.begun:
                # Only once: with the next batch it would pass over what still waits, and a commit would lose that.
                state.begun = True
                state.settled.high = batch[0].offset
            if fresh:
                intake.offer(self.tier, state, fresh, sum(len(record.value or b"") for record in fresh))

    def _on_assigned(self, partitions: frozenset[Partition]) -> None:
        """A partition that comes straight back goes on where it was: what was handed out is not repeated."""
        known = self._partitions | self._given_away
        self._given_away = {}
        self._partitions = {}
        for partition in partitions:
            assigned = known.get(partition)
            if assigned is None or (self._group is not None and not assigned.resumable):
                assigned = _Assigned(partition, self._intakes)
            elif self._group is not None:
                assigned.carried = True
                assigned.stay()
                assigned.committed = None
            self._partitions[partition] = assigned

    async def _on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Takes nothing more, waits for the handlers to finish what they took, commits, lets go."""
        leaving = {p: self._partitions[p] for p in partitions if p in self._partitions}
        for assigned in leaving.values():
            # Dropping what waits makes room, and the engine may go on giving records until it is told to stop. Taken
            # now, they would move the position past those that were dropped.
            assigned.leaving = True
        await self._drain(leaving.values(), self._settings.drain_timeout_s)
        await self._commit()
        for partition in leaving:
            self._partitions.pop(partition, None)
        self._given_away |= leaving

    async def _drain(self, leaving: Iterable[_Assigned], timeout_s: float) -> None:
        states = [(intake, state) for assigned in leaving for intake, state in assigned.states]
        for intake in self._intakes:
            intake.drop({state for _, state in states})
        try:
            async with asyncio.timeout(timeout_s):
                for _, state in states:
                    await state.idle()
        except TimeoutError:
            running = sum(state.active for _, state in states)
            for _, state in states:
                state.abandoned = True
            log.warning(
                "%d messages of group %s were still being handled after %g s; they are handled again",
                running,
                self._group,
                timeout_s,
            )

    async def _commit_in_turn(self) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_ms / 1000)
            await self._commit()

    async def _commit(self, timeout_s: float = _COMMIT_WAIT_S) -> None:
        moved = {
            partition: assigned.position
            for partition, assigned in self._partitions.items()
            if not assigned.carried and assigned.position not in (0, assigned.committed)
        }
        if not moved or self._fetcher is None or self._group is None:
            return
        try:
            await self._fetcher.commit(moved, timeout_s)
        except BusConnectionError as error:
            log.warning("%s", error)
            return
        for partition, position in moved.items():
            if partition in self._partitions:
                self._partitions[partition].committed = position

    async def lag(self) -> int:
        """Messages behind the ends of the partitions that it reads now.

        Raises:
            BusConnectionError: Kafka did not answer in time.
        """
        if self._fetcher is None or not self._partitions:
            return 0
        ends = await self._fetcher.end_offsets(_COMMIT_WAIT_S)
        return sum(
            max(0, end - self._partitions[partition].position)
            for partition, end in ends.items()
            if partition in self._partitions and self._partitions[partition].begun
        )

    async def close(self, drain_timeout_s: float) -> None:
        """Stops fetching, drains, commits, leaves: within the drain's time and seconds more when Kafka is silent."""
        deadline_s = asyncio.get_running_loop().time() + drain_timeout_s
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        await self._drain(self._partitions.values(), drain_timeout_s)
        await self._commit(self._left_s(deadline_s))
        self._partitions.clear()
        if self._fetcher is not None:
            await self._fetcher.close(self._left_s(deadline_s))
            self._fetcher = None

    @staticmethod
    def _left_s(deadline_s: float) -> float:
        """Of the drain's time, for what must still be said to Kafka."""
        return min(_COMMIT_WAIT_S, max(_PARTING_S, deadline_s - asyncio.get_running_loop().time()))
