"""Finds the Kafka topics that appear later, and tells whether the cluster answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from bus.errors import TierbusError
from bus.transport.base import Transport

log = logging.getLogger("tierbus.consume")

Listener = Callable[[Mapping[str, int]], Awaitable[None]]


class Discovery:
    """Asks the cluster for its topics every `discovery_interval_ms`.

    Attributes:
        answering: Whether the last question was answered.
    """

    def __init__(self, transport: Transport, interval_ms: int, listener: Listener) -> None:
        self.answering = True
        self._transport = transport
        self._interval_s = interval_ms / 1000
        self._listener = listener
        self._soon = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to ask."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="discovery")

    def poke(self) -> None:
        """Asks at once, because this process has just made a topic."""
        self._soon.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._soon.wait()
            self._soon.clear()
            try:
                topics = await self._transport.topics()
                self.answering = True
            except TierbusError as error:
                if self.answering:
                    log.warning("%s", error)
                self.answering = False
                continue
            except Exception:
                log.exception("the cluster's topics are unknown")
                self.answering = False
                continue
            try:
                await self._listener(topics)
            except TierbusError as error:
                log.warning("new topics are not read yet: %s", error)
            except Exception:
                log.exception("new topics are not read yet")

    async def close(self) -> None:
        """Stops asking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
