"""The bound of one tier's buffer, in messages and bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque


class Account:
    """What is taken must be given back; whoever finds no room waits in line.

    Attributes:
        messages: Taken now.
        size_bytes: Taken now.
    """

    __slots__ = ("_waiters", "bytes_max", "messages", "messages_max", "size_bytes")

    def __init__(self, messages_max: int, bytes_max: int) -> None:
        self.messages = 0
        self.size_bytes = 0
        self.messages_max = messages_max
        self.bytes_max = bytes_max
        self._waiters: deque[tuple[asyncio.Future[None], int]] = deque()

    def take(self, size: int) -> bool:
        """Takes room for one message if there is some and nobody waits for it."""
        if self._waiters or self.messages >= self.messages_max or self.size_bytes + size > self.bytes_max:
            return False
        self.messages += 1
        self.size_bytes += size
        return True

    async def wait(self, size: int, timeout_s: float) -> bool:
        """Takes room for one message, in the order of asking; false when there was none in time."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (waiter, size)
        self._waiters.append(entry)
        self._serve()
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except BaseException as error:
            # Served in the very step in which time ran out or the caller was cancelled: the room goes back.
            if waiter.done() and not waiter.cancelled():
                self.give(1, size)
            else:
                with contextlib.suppress(ValueError):
                    self._waiters.remove(entry)
                self._serve()
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def give(self, messages: int, size: int) -> None:
        """Gives room back and serves those who wait."""
        self.messages -= messages
        self.size_bytes -= size
        if self._waiters:
            self._serve()

    def _serve(self) -> None:
        while self._waiters:
            waiter, size = self._waiters[0]
            if waiter.done():  # its time is over or it was cancelled, and its task did not run since
                self._waiters.popleft()
                continue
            if self.messages >= self.messages_max or self.size_bytes + size > self.bytes_max:
                return
            self._waiters.popleft()
            self.messages += 1
            self.size_bytes += size
            waiter.set_result(None)

    @property
    def utilization(self) -> float:
        """How full it is, 0 to 1, by the fuller of the two measures."""
        return max(self.messages / self.messages_max, self.size_bytes / self.bytes_max)
