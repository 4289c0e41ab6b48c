"""A subscription whose messages are pulled, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Self

from bus.avro.codec import Codec
from bus.consume.intake import Intake, Taken
from bus.consume.opening import learned, opened
from bus.errors import ClosedError, DecodeError
from bus.message import TIERS, Message

_TURN_S = 0.002


class Subscription:
    """Messages of a pattern, the urgent tiers first, those of a key in order.

    With a group a message is acknowledged when the next one is pulled, or by `message.ack()`; what is not acknowledged
    comes again after a restart. Use it from one task; several tasks take several subscriptions or `@bus.on`.

    Attributes:
        group: The group, `None` when it reads alone.
        received: Messages pulled so far.
    """

    def __init__(
        self,
        intake: Intake,
        group: str | None,
        codec: Codec,
        leave: Callable[[Subscription], Awaitable[None]],
    ) -> None:
        self.group = group
        self.received = 0
        self._intake = intake
        self._codec = codec
        self._leave = leave
        self._waiters: set[asyncio.Future[None]] = set()
        self._taken: Taken | None = None
        self._last: Message | None = None
        self._closed = False
        self._turn_began_s = 0.0
        intake.on_offer = self._wake
        intake.pulled = True

    @property
    def pattern(self) -> str:
        """What was subscribed to, as text."""
        return self._intake.pattern.text

    @property
    def intake(self) -> Intake:
        """The records that wait for it."""
        return self._intake

    async def receive(self, timeout: float | None = None) -> Message | None:
        """The next message; `None` when none came within `timeout` seconds (without one it waits until closed).

        Raises:
            DecodeError: The message cannot be read; carries the raw bytes. Receiving again gives the next one.
            ClosedError: The subscription is closed.
            BusConnectionError: Reading broke for good, such as for missing access.
        """
        return await receive_any((self,), timeout)

    def __aiter__(self) -> Self:
        """Iterates until the subscription is closed."""
        return self

    async def __anext__(self) -> Message:
        """The next message; raises as `receive` does, and iterating again goes on."""
        try:
            message = await receive_any((self,), None)
        except ClosedError:
            raise StopAsyncIteration from None
        assert message is not None
        return message

    async def close(self) -> None:
        """Commits what was acknowledged and leaves the group. Safe to call twice."""
        if not self._closed:
            self.end()
            await self._leave(self)

    def end(self) -> None:
        """Whoever iterates or waits is told that it is closed."""
        self._closed = True
        self._wake(1)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes it."""
        await self.close()

    def __repr__(self) -> str:
        """What it reads and what waits."""
        return f"<Subscription {self.pattern} group={self.group} | {sum(self._intake.waiting)} waiting>"

    def _wake(self, count: int) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _urgency(self) -> int:
        """The most urgent tier that waits here; beyond all tiers when nothing does."""
        if self._taken is not None:
            return self._taken.tier
        return next((tier for tier, count in enumerate(self._intake.waiting) if count), len(TIERS))

    def _take(self) -> Message | None:
        """The next message if one waits; acknowledges the one before. LookupError when its schema is unknown."""
        if self._closed:
            raise ClosedError(f"the subscription of {self.pattern} is closed; subscribe again")
        last, self._last = self._last, None
        if last is not None:
            last.ack()
        taken = self._taken or self._intake.take()
        if taken is None:
            if self._intake.error is not None:
                raise self._intake.error
            return None
        self._taken = taken
        try:
            self._last = opened(self._codec, taken)
        except DecodeError:
            self._pass_over(taken)
            raise
        self._taken = None
        self.received += 1
        return self._last

    def _pass_over(self, taken: Taken) -> None:
        """What cannot be read counts as pulled: the caller has its raw bytes in the error."""
        self._taken = None
        self.received += 1
        taken.state.settled.done(taken.record.offset)

    async def _give_way(self) -> None:
        """A caller who finds messages waiting never waits; fetching and urgent messages need the loop as well."""
        if perf_counter() - self._turn_began_s > _TURN_S:
            await asyncio.sleep(0)
            self._turn_began_s = perf_counter()

    async def _learn(self) -> None:
        taken = self._taken
        if taken is not None:
            try:
                await learned(self._codec, taken)
            except DecodeError:
                self._pass_over(taken)
                raise


async def receive_any(subscriptions: Sequence[Subscription], timeout: float | None) -> Message | None:
    """The most urgent message that waits in any of them; `None` when none came within `timeout` seconds.

    Raises:
        DecodeError, ClosedError, BusConnectionError: As `Subscription.receive`.
    """
    loop = asyncio.get_running_loop()
    deadline_s = None if timeout is None else loop.time() + timeout
    while True:
        # Before a message is taken: cancelled after it, the message would be lost to the caller and acknowledged.
        for subscription in subscriptions:
            await subscription._give_way()
        for subscription in sorted(subscriptions, key=Subscription._urgency):
            try:
                message = subscription._take()
            except LookupError:
                try:
                    async with asyncio.timeout_at(deadline_s):
                        await subscription._learn()
                except TimeoutError:
                    return None
                message = subscription._take()
            if message is not None:
                return message
        if deadline_s is not None and loop.time() >= deadline_s:
            return None
        await _offer(subscriptions, deadline_s)


async def _offer(subscriptions: Sequence[Subscription], deadline_s: float | None) -> None:
    """Returns when something new waits in one of them, or the time is over."""
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    for subscription in subscriptions:
        subscription._waiters.add(waiter)
    try:
        async with asyncio.timeout_at(deadline_s):
            await waiter
    except TimeoutError:
        pass
    finally:
        for subscription in subscriptions:
            subscription._waiters.discard(waiter)
