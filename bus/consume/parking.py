"""Messages of handlers that wait for their schemas: one look-up for all that wait for the same, and no lane waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bus.avro.codec import Codec
from bus.avro.framing import Reference, described
from bus.avro.reader import UnknownSchema
from bus.consume.intake import PartitionState, Taken
from bus.consume.opening import learned
from bus.errors import ClosedError


@dataclass(slots=True)
class _Wait:
    waiting: list[Taken]
    task: asyncio.Task[None] | None = None


class Parking:
    """Bounded by its user.

    Attributes:
        failed: Why a schema will not come; its messages can be given up.
    """

    def __init__(self, codec: Codec, on_end: Callable[[Taken], None]) -> None:
        """Nothing waits yet.

        Args:
            codec: Looks up.
            on_end: Called for each message when its look-up has ended: its schema is known, or `failed` has it.
        """
        self.failed: dict[Reference, Exception] = {}
        self._codec = codec
        self._on_end = on_end
        self._waits: dict[Reference, _Wait] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def add(self, taken: Taken, unknown: UnknownSchema) -> None:
        """One more; its look-up begins, if it is not under way."""
        reference = unknown.reference
        wait = self._waits.get(reference)
        if wait is not None:
            wait.waiting.append(taken)
            return
        wait = self._waits[reference] = _Wait([taken])
        wait.task = asyncio.create_task(self._look_up(wait, taken, unknown), name=f"schema {described(reference)}")

    async def _look_up(self, wait: _Wait, taken: Taken, unknown: UnknownSchema) -> None:
        failure: Exception | None = None
        try:
            await learned(self._codec, taken, unknown)
        except ClosedError:
            return  # nothing is handled any more
        except Exception as error:
            failure = error
        if self._waits.get(unknown.reference) is not wait:
            return  # let go while its answer was on the way
        del self._waits[unknown.reference]
        if failure is not None:
            self.failed[unknown.reference] = failure
        for each in wait.waiting:
            self._on_end(each)

    def drop(self, states: Collection[PartitionState]) -> list[Taken]:
        """Forgets those of partitions that are given away, and tells which they were."""
        dropped: list[Taken] = []
        for reference, wait in list(self._waits.items()):
            dropped += (taken for taken in wait.waiting if taken.state in states)
            wait.waiting = [taken for taken in wait.waiting if taken.state not in states]
            if not wait.waiting:
                del self._waits[reference]
                self._end(wait)
        return dropped

    def _end(self, wait: _Wait) -> None:
        task = wait.task
        if task is not None:
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Forgets all; no look-up is under way when it returns."""
        for wait in self._waits.values():
            self._end(wait)
        self._waits.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)
