"""The registered handlers of one client, and running them until they are to stop."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bus.avro.codec import Codec
from bus.consume.handler import Handler, prepare
from bus.consume.intake import Intake
from bus.consume.lanes import Lanes
from bus.consume.readers import Readers, check_group
from bus.routing.patterns import compile_pattern
from bus.settings import Settings

WORKERS_MAX = 50


@dataclass(frozen=True, slots=True)
class Registered:
    """What `@bus.on` was told."""

    handler: Handler
    pattern: str | re.Pattern[str]
    group: str | None
    workers: int

    def __post_init__(self) -> None:
        """Refuses what could not run.

        Raises:
            PatternError: The pattern is not valid.
            ValueError: `workers` is not from 1 to 50, or the group's name is none.
            TypeError: The handler takes other arguments than `(data)` or `(data, message)`.
        """
        compile_pattern(self.pattern)
        check_group(self.group)
        if not 1 <= self.workers <= WORKERS_MAX:
            raise ValueError(f"workers must be from 1 to {WORKERS_MAX}, not {self.workers}")
        prepare(self.handler)


class Handlers:
    """Runs one set of lanes for each registered handler."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registered: list[Registered] = []
        self._lanes: list[Lanes] = []
        self._running: list[asyncio.Task[Any]] = []
        self.stopping = asyncio.Event()

    def add(self, registered: Registered) -> None:
        """One more handler, from the next `run` on."""
        self._registered.append(registered)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._registered)

    @property
    def handled(self) -> int:
        """Messages whose handler returned, in this or the last run."""
        return sum(lanes.handled for lanes in self._lanes)

    async def run(self, readers: Readers, codec: Codec) -> None:
        """Returns when it is to stop, or a handler has failed; the lanes go on until `end`."""
        self._lanes = []
        # All hold their positions before any handles: what one has committed, another of its group would miss.
        for registered in self._registered:
            await self._open(registered, readers, codec)
        for lanes in self._lanes:
            work = lanes.run(self._settings.drain_timeout_s)
            self._running.append(asyncio.create_task(work, name=f"handler {lanes.intake.pattern.text}"))
        stopping = asyncio.create_task(self.stopping.wait(), name="stop")
        try:
            await asyncio.wait([*self._running, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    async def _open(self, registered: Registered, readers: Readers, codec: Codec) -> None:
        intake = Intake(compile_pattern(registered.pattern), self._settings)
        lanes = Lanes(registered.handler, registered.workers, intake, codec)
        await readers.open(intake, registered.group)
        self._lanes.append(lanes)

    async def end(self) -> None:
        """Ends the lanes, after their readers are closed.

        Raises:
            HandlerError, DecodeError, BusConnectionError: The first failure of a lane, if there was one.
        """
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; elsewhere than in the main thread signals are someone else's."""
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop)
        except (ValueError, RuntimeError, NotImplementedError):
            continue
        taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
