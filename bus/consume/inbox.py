"""Pulls from several subscriptions as from one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bus.errors import ClosedError
from bus.message import Message

if TYPE_CHECKING:
    from bus.consume.subscription import Subscription

# Every so many messages the subscriptions are asked in turns, whatever is urgent: none starves.
_FAIR_EVERY = 8


class Inbox:
    """The subscriptions of one caller."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._waiters: set[asyncio.Future[None]] = set()
        self._turn = 0

    @property
    def received(self) -> int:
        """Messages pulled from the subscriptions that are in it."""
        return sum(subscription.received for subscription in self._subscriptions)

    def add(self, subscription: Subscription) -> None:
        """One more; whoever waits, waits for its messages too."""
        self._subscriptions.append(subscription)
        subscription.on_change.add(self._changed)
        self._changed()

    def remove(self, subscription: Subscription) -> bool:
        """One less; false when it was not in it."""
        if subscription not in self._subscriptions:
            return False
        self._subscriptions.remove(subscription)
        subscription.on_change.discard(self._changed)
        self._changed()
        return True

    def end(self) -> None:
        """All are closed; whoever waits or iterates is told."""
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.end()
        self._changed()

    async def receive(self, timeout: float | None) -> Message | None:
        """The most urgent message that waits; `None` when none came within `timeout` seconds. Acknowledges the last.

        Raises:
            DecodeError: The message cannot be read; receiving again gives the next.
            ClosedError: There is no subscription to wait for.
            BusConnectionError: Reading broke for good.
        """
        loop = asyncio.get_running_loop()
        deadline_s = None if timeout is None else loop.time() + timeout
        for subscription in self._subscriptions:
            subscription.acknowledge()
        while True:
            # Before a message is taken: cancelled after it, it would be lost to the caller and acknowledged.
            for subscription in tuple(self._subscriptions):
                await subscription.give_way()
            for subscription in self._in_order():
                message = subscription.take()
                if message is not None:
                    self._rotate(subscription)
                    return message
            if deadline_s is not None and loop.time() >= deadline_s:
                return None
            await self._change(deadline_s)

    def _in_order(self) -> list[Subscription]:
        if not self._subscriptions:
            raise ClosedError("nothing is subscribed to; call subscribe() before receive()")
        self._turn += 1
        if self._turn % _FAIR_EVERY == 0:
            return list(self._subscriptions)
        return sorted(self._subscriptions, key=lambda subscription: subscription.urgency())

    def _rotate(self, subscription: Subscription) -> None:
        """The next time, the others are asked first."""
        if len(self._subscriptions) > 1 and subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._subscriptions.append(subscription)

    def _changed(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _change(self, deadline_s: float | None) -> None:
        """Returns when something new waits or can be read, a subscription came or went, or the time is over."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout_at(deadline_s):
                await waiter
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)
