"""What was published and what came: tells what is lost, repeated or out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from bus import Settings, Subscription

T = TypeVar("T")

BOUND_S = 60.0
"""Whatever a test awaits comes sooner, or the test fails."""

_POLL_S = 0.02


class Ledger:
    """Numbers the messages of each key from 0, and keeps the numbers that came back, in the order they came."""

    def __init__(self, expected: dict[str, int] | None = None) -> None:
        self.sent: dict[str, int] = {} if expected is None else dict(expected)
        self.seen: dict[str, list[int]] = {}
        self._distinct: set[tuple[str, int]] = set()
        self._news = asyncio.Event()

    def next(self, key: str) -> dict[str, Any]:
        """The data of the key's next message."""
        number = self.sent.get(key, 0)
        self.sent[key] = number + 1
        return {"key": key, "n": number}

    def take_back(self, key: str) -> None:
        """The last message of the key was refused."""
        self.sent[key] -= 1

    def note(self, data: Any) -> None:
        """A message came."""
        key, number = data["key"], data["n"]
        self.seen.setdefault(key, []).append(number)
        self._distinct.add((key, number))
        self._news.set()

    @property
    def count(self) -> int:
        """Messages that came, each counted once."""
        return len(self._distinct)

    @property
    def total(self) -> int:
        """Messages that were published."""
        return sum(self.sent.values())

    @property
    def repeated(self) -> int:
        """Messages that came once more."""
        return sum(map(len, self.seen.values())) - self.count

    @property
    def lost(self) -> list[tuple[str, int]]:
        """Messages that were published and did not come."""
        return [
            (key, number)
            for key, total in self.sent.items()
            for number in range(total)
            if (key, number) not in self._distinct
        ]

    @property
    def foreign(self) -> list[tuple[str, int]]:
        """Messages that came and were not published here."""
        return sorted((key, number) for key, number in self._distinct if number >= self.sent.get(key, 0))

    @property
    def reordered(self) -> dict[str, list[int]]:
        """Keys whose messages did not come in the order they were published; repeats are left out."""
        wrong = {}
        for key, numbers in self.seen.items():
            first = list(dict.fromkeys(numbers))
            if first != sorted(first):
                wrong[key] = numbers
        return wrong

    def check(self, *, repeats: bool = False) -> None:
        """Nothing lost, foreign or out of order; nothing twice, unless `repeats` are allowed."""
        summary = f"{self.count} of {self.total} came, {self.repeated} of them again"
        assert not self.lost, f"{summary}; lost {len(self.lost)}: {self.lost[:20]}"
        assert not self.foreign, f"{summary}; foreign: {self.foreign[:20]}"
        assert not self.reordered, f"{summary}; out of order: {dict(list(self.reordered.items())[:5])}"
        assert repeats or not self.repeated, summary

    async def reach(self, count: int, bound_s: float = BOUND_S) -> None:
        """Returns when so many different messages came."""
        try:
            async with asyncio.timeout(bound_s):
                while self.count < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            lost = self.lost
            raise AssertionError(
                f"only {self.count} of {self.total} came within {bound_s} s; missing {len(lost)}: {lost[:20]}"
            ) from None

    async def complete(self, bound_s: float = BOUND_S) -> None:
        """Returns when all that was published came."""
        await self.reach(self.total, bound_s)

    async def collect(self, subscription: Subscription) -> None:
        """Notes all that the subscription gives, until it is closed."""
        async for message in subscription:
            self.note(message.data)


def quick(servers: str, namespace: str, **values: Any) -> Settings:
    """Settings with short waits, so that what is bounded by them can be awaited."""
    short: dict[str, Any] = {
        "bootstrap_servers": servers,
        "namespace": namespace,
        "discovery_interval_ms": 500,
        "session_timeout_ms": 6_000,
        "heartbeat_interval_ms": 500,
        "commit_interval_ms": 100,
        "drain_timeout_s": 5.0,
        "connect_timeout_ms": 5_000,
        "request_timeout_ms": 5_000,
    }
    return Settings(**(short | values))


async def until(met: Callable[[], bool], what: str, bound_s: float = BOUND_S) -> None:
    """Returns when the condition is met."""
    try:
        async with asyncio.timeout(bound_s):
            while not met():
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise AssertionError(f"not within {bound_s} s: {what}") from None


async def bounded(what: str, awaitable: Awaitable[T], bound_s: float) -> T:
    """The awaitable's result; fails the test when it takes longer."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    task = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait([task], timeout=bound_s)
    if not done:
        task.cancel()
        raise AssertionError(f"{what} is not done after {bound_s} s")
    took_s = loop.time() - began_s
    print(f"{what}: {took_s:.2f} s of at most {bound_s:g}")
    return task.result()


async def alone(before: set[asyncio.Task[Any]], bound_s: float = BOUND_S) -> None:
    """Returns when no other tasks are left than before."""
    left: set[asyncio.Task[Any]] = set()

    def none_left() -> bool:
        left.clear()
        left.update(asyncio.all_tasks() - before)
        return not left

    try:
        await until(none_left, "all tasks ended", bound_s)
    except AssertionError:
        raise AssertionError(f"after {bound_s} s there are still {[repr(task) for task in left]}") from None


async def ended(tasks: Iterable[asyncio.Task[Any]], bound_s: float = BOUND_S) -> None:
    """Returns when the tasks are done; raises what the first of them raised."""
    async with asyncio.timeout(bound_s):
        await asyncio.gather(*tasks)
