"""The concurrent handlers of one `@bus.on`: a key is in one lane at a time, so its messages are handled in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Collection
from time import perf_counter
from typing import Any

from bus.avro.codec import Codec
from bus.avro.reader import UnknownSchema
from bus.consume.handler import Handler, converted, failure_reason, prepare
from bus.consume.intake import Intake, PartitionState, Taken
from bus.consume.opening import place
from bus.consume.parking import Parking
from bus.errors import DecodeError, HandlerError, TierbusError
from bus.message import TIERS, Message, MessagePriority, Partition

log = logging.getLogger("tierbus.consume")

# A handler that never waits must not keep the loop from fetching, sending and other handlers.
_TURN_S = 0.002
# Messages set aside because their key is busy: enough to find other keys behind a hot one, and bounded.
_ASIDE_MAX = 1_000
# Messages of a tier that wait for their schema, or behind one that does: beyond it the tier is not taken from.
_LATE_MAX = 1_000

Key = tuple[Partition, bytes | None]


class Lanes:
    """Runs a handler over an intake.

    Attributes:
        handled: Messages whose handler returned.
    """

    def __init__(self, handler: Handler, workers: int, intake: Intake, codec: Codec) -> None:
        self.workers = workers
        self.handled = 0
        self.intake = intake
        self._codec = codec
        self._name = getattr(handler, "__qualname__", repr(handler))
        self._call, self._convert = prepare(handler)
        self._busy: dict[Key, deque[Taken] | None] = {}
        self._aside = 0
        self._parking = Parking(codec, self._unpark)
        self._late: dict[Key, bool] = {}  # keys with a message that waits for its schema, or (False) did so lately
        self._late_counts = [0] * len(TIERS)
        self._ready: deque[Taken] = deque()  # their keys are theirs already
        self._ready_next = False
        self._idle: deque[asyncio.Future[None]] = deque()
        self._turn_began_s = 0.0
        self._ending = False
        intake.on_offer = self._wake
        intake.on_drop = self._drop

    async def run(self, drain_timeout_s: float) -> None:
        """Handles messages until cancelled, or until a handler fails; then the others finish what they have in hand.

        Raises:
            HandlerError: A handler raised; its message stays uncommitted.
            TierbusError: Reading broke for good.
        """
        lanes = [
            asyncio.create_task(self._lane(), name=f"lane {self._name} {number}") for number in range(self.workers)
        ]
        done: set[asyncio.Task[None]] = set()
        try:
            done, running = await asyncio.wait(lanes, return_when=asyncio.FIRST_EXCEPTION)
            self._ending = True
            self._wake(self.workers)
            if running:
                await asyncio.wait(running, timeout=drain_timeout_s)
        except asyncio.CancelledError:
            if not done:  # else the failure is what ends it, and is told
                raise
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            await self._parking.close()
            self._let_go()
        for lane in done:
            lane.result()

    def _let_go(self) -> None:
        """What was set aside for busy keys is nobody's any more; it stays uncommitted."""
        for key, queue in self._busy.items():
            if not self._late.get(key):
                for taken in queue or ():
                    taken.state.leave()
        for taken in self._ready:
            taken.state.leave()
        self._busy.clear()
        self._late.clear()
        self._ready.clear()

    def _wake(self, count: int) -> None:
        while count > 0 and self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    async def _lane(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._ending:
            taken = self._claim_ready() if self._ready else self._claim()
            if taken is None:
                if self.intake.error is not None:
                    raise self.intake.error
                waiter = loop.create_future()
                self._idle.append(waiter)
                await waiter
                self._turn_began_s = perf_counter()
                continue
            while taken is not None:
                taken = self._release(taken) if await self._handle(taken) else None
                if perf_counter() - self._turn_began_s > _TURN_S:
                    await asyncio.sleep(0)
                    self._turn_began_s = perf_counter()

    def _claim(self) -> Taken | None:
        """The next message whose key is free; those of busy keys are set aside for the lane that has the key."""
        while self._aside < _ASIDE_MAX:
            taken = self.intake.take()
            if taken is None:
                return None
            taken.state.active += 1
            if self.workers == 1 and not self._busy:
                return taken
            key = _key(taken)
            if key not in self._busy:
                self._busy[key] = None
                return taken
            queue = self._busy[key]
            if queue is None:
                queue = self._busy[key] = deque()
            queue.append(taken)
            waits = self._late.get(key)
            if waits is None:
                self._aside += 1
                continue
            self._keep(taken.tier)
            if waits:
                taken.state.leave()  # nobody can handle it yet, so no drain waits for it
        return None

    def _claim_ready(self) -> Taken | None:
        """One whose schema has come and one of the others in turn: those that waited may be many."""
        self._ready_next = not self._ready_next
        taken = None if self._ready_next else self._claim()
        if taken is None:
            taken = self._ready.popleft()
            self._unkeep(taken.tier)
        return taken

    def _release(self, taken: Taken) -> Taken | None:
        """The key's next message, or none; then the key is free, or its next one is ready for any lane."""
        if not self._busy:
            return None
        key = _key(taken)
        queue = self._busy[key]
        if self._late and key in self._late:
            self._release_late(key, queue)
            return None
        while queue:
            following = queue.popleft()
            self._aside -= 1
            if self._aside == _ASIDE_MAX - 1:
                self._wake(1)
            if not (following.state.abandoned or self._ending):
                return following
            following.state.leave()
        del self._busy[key]
        return None

    def _release_late(self, key: Key, queue: deque[Taken] | None) -> None:
        """What waited behind a schema is many: this lane asks what else there is before it goes on with it."""
        while queue:
            following = queue.popleft()
            if not (following.state.abandoned or self._ending):
                self._make_ready(following)
                return
            self._unkeep(following.tier)
            following.state.leave()
        del self._busy[key], self._late[key]

    def _park(self, taken: Taken, unknown: UnknownSchema) -> None:
        """Its key stays busy, and no lane is; a drain does not wait for it, so it comes again."""
        key = _key(taken)
        queue = self._busy.setdefault(key, None) or ()
        for following in queue:
            following.state.leave()
        if queue and key not in self._late:
            self._aside -= len(queue)
            for following in queue:
                self._keep(following.tier)
            self._wake(self.workers)
        self._late[key] = True
        self._keep(taken.tier)
        self._parking.add(taken, unknown)
        if taken.state.leaving:
            self._drop((taken.state,))

    def _unpark(self, taken: Taken) -> None:
        key = _key(taken)
        self._late[key] = False
        taken.state.active += 1
        for following in self._busy[key] or ():
            following.state.active += 1
        self._make_ready(taken)

    def _make_ready(self, taken: Taken) -> None:
        self._ready.append(taken)
        self._wake(1)

    def _drop(self, states: Collection[PartitionState]) -> None:
        """What waits for its schema, of partitions that are given away, and what waits behind it."""
        for taken in self._parking.drop(states):
            key = _key(taken)
            del self._late[key]
            for each in (taken, *(self._busy.pop(key) or ())):
                self._unkeep(each.tier)

    def _keep(self, tier: MessagePriority) -> None:
        self._late_counts[tier] += 1
        if self._late_counts[tier] == _LATE_MAX:
            self.intake.hold(tier)

    def _unkeep(self, tier: MessagePriority) -> None:
        self._late_counts[tier] -= 1
        if self._late_counts[tier] == _LATE_MAX - 1:
            self.intake.let(tier)
            self._wake(self.workers)

    async def _handle(self, taken: Taken) -> bool:
        """One message, from raw record to settled offset; false when it has to wait for its schema first."""
        state, record = taken.state, taken.record
        try:
            if state.abandoned:
                return True
            value, headers = record.value, record.headers
            try:
                data: Any = None if value is None else self._codec.decode(taken.topic, value, headers)
            except UnknownSchema as unknown:
                failed = self._parking.failed.get(unknown.reference)
                if failed is not None:
                    raise failed from None
                self._park(taken, unknown)
                return False
            message = Message(taken.topic, data, taken.tier, record)
            if self._convert is not None and data is not None:
                data = converted(self._convert, data, message)
            result = self._call(data, message)
            if result is not None:
                await result
            state.settled.done(record.offset)
            self.handled += 1
            return True
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _being_cancelled():
                raise
            raise self._failure(taken, error) from error
        finally:
            state.leave()

    def _failure(self, taken: Taken, error: BaseException) -> TierbusError:
        where = place(taken)
        if isinstance(error, DecodeError) and not str(error).startswith(taken.topic):
            return DecodeError(f"{where}: {error}; it stays uncommitted and comes again", error.raw)
        return HandlerError(
            f"handler {self._name} failed on {where}: {failure_reason(error)}; the message stays uncommitted and comes "
            "again after a restart"
        )


def _key(taken: Taken) -> Key:
    # Equal keys in two Kafka topics are two keys. Not the state: a partition that comes back has a new one.
    return taken.state.partition, taken.record.key


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
