"""A subscription whose messages are pulled, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NoReturn, Self

from bus.avro.codec import Codec
from bus.avro.reader import UnknownSchema
from bus.consume.inbox import Inbox
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
        self.on_change: set[Callable[[], None]] = set()
        self._taken: Taken | None = None
        self._learning: asyncio.Task[None] | None = None
        self._not_learned: Exception | None = None
        self._last: Message | None = None
        self.closed = False
        self._turn_began_s = 0.0
        self._alone = Inbox()
        self._alone.add(self)
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
        return await self._alone.receive(timeout)

    def __aiter__(self) -> Self:
        """Iterates until the subscription is closed."""
        return self

    async def __anext__(self) -> Message:
        """The next message; raises as `receive` does, and iterating again goes on."""
        try:
            message = await self._alone.receive(None)
        except ClosedError:
            raise StopAsyncIteration from None
        assert message is not None
        return message

    async def close(self) -> None:
        """Commits what was acknowledged and leaves the group. Safe to call twice."""
        if not self.closed:
            self.end()
            if self._learning is not None:
                await asyncio.gather(self._learning, return_exceptions=True)
            await self._leave(self)

    def end(self) -> None:
        """Whoever iterates or waits is told that it is closed."""
        self.closed = True
        if self._learning is not None:
            self._learning.cancel()
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
        for changed in self.on_change:
            changed()

    def urgency(self) -> int:
        """The most urgent tier that waits here; beyond all tiers when nothing does, or a schema has to come first."""
        if self._learning is not None:
            return len(TIERS)
        if self._taken is not None:
            return self._taken.tier
        return next((tier for tier, count in enumerate(self._intake.waiting) if count), len(TIERS))

    def take(self) -> Message | None:
        """The next message if one waits and can be read; acknowledges the one before.

        While a message waits for its schema it is `None`; whoever waits is told when that has come.
        """
        if self.closed:
            raise ClosedError(f"the subscription of {self.pattern} is closed; subscribe again")
        self.acknowledge()
        if self._learning is not None:
            return None
        if self._not_learned is not None:
            self._refuse(self._not_learned)
        taken = self._taken or self._intake.take()
        if taken is None:
            if self._intake.error is not None:
                raise self._intake.error
            return None
        self._taken = taken
        try:
            self._last = opened(self._codec, taken)
        except UnknownSchema as unknown:
            # Not awaited here: it goes on when the caller's time is over, and others' messages go on meanwhile.
            self._learning = asyncio.create_task(self._learn(taken, unknown), name=f"schema for {self.pattern}")
            return None
        except DecodeError:
            self._pass_over(taken)
            raise
        self._taken = None
        self.received += 1
        return self._last

    def acknowledge(self) -> None:
        """What was pulled last is done."""
        last, self._last = self._last, None
        if last is not None:
            last.ack()

    def _pass_over(self, taken: Taken) -> None:
        """What cannot be read counts as pulled: the caller has its raw bytes in the error."""
        self._taken = None
        self.received += 1
        taken.state.settled.done(taken.record.offset)

    async def give_way(self) -> None:
        """A caller who finds messages waiting never waits; fetching and urgent messages need the loop as well."""
        if perf_counter() - self._turn_began_s > _TURN_S:
            await asyncio.sleep(0)
            self._turn_began_s = perf_counter()

    async def _learn(self, taken: Taken, unknown: UnknownSchema) -> None:
        """Looks the schema up of the message that `take` could not read yet."""
        try:
            await learned(self._codec, taken, unknown)
        except Exception as error:
            self._not_learned = error
        self._learning = None
        self._wake(1)

    def _refuse(self, error: Exception) -> NoReturn:
        self._not_learned = None
        if self._taken is not None and isinstance(error, DecodeError):
            self._pass_over(self._taken)
        raise error
