"""Each question to a server once at a time: who asks the same meanwhile waits for the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from bus.errors import BusConnectionError

T = TypeVar("T")


class Flights(Generic[T]):
    """The questions under way; each is a task of this object, so a caller that is cancelled takes nobody along."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[T]] = {}

    async def answer(self, question: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer, or what asking raised, for all who wait for it.

        Raises:
            BusConnectionError: It was ended by `close`.
        """
        task = self._under_way.get(question)
        if task is None:
            task = self._under_way[question] = asyncio.create_task(ask(), name=f"ask for {question}")
            task.add_done_callback(lambda done: self._landed(question, done))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            waiter = asyncio.current_task()
            if task.cancelled() and waiter is not None and not waiter.cancelling():
                raise BusConnectionError(f"the question for {question} was ended by closing") from None
            raise

    def _landed(self, question: Hashable, task: asyncio.Task[T]) -> None:
        self._under_way.pop(question, None)
        if not task.cancelled():
            task.exception()  # whoever asked may be gone; then nobody else would fetch it

    async def close(self) -> None:
        """Ends what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
