"""What one contender is asked to do, and what is measured while it does it."""

from __future__ import annotations

import asyncio
import cProfile
import dataclasses
import resource
import sys
import time
from pathlib import Path
from typing import Literal

from perf.event import Event

Workload = Literal["codec", "publish", "consume"]
"""The codec has work of its own, without Kafka: `perf.codec.one.CodecWork`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """One run of one contender; every contender of a workload gets the same but for its name and topic."""

    workload: Workload
    contender: str
    servers: str
    topic: str
    """The Kafka topic of a peer; the namespace of tierbus, whose Kafka topic is `kafka_topic_of_tierbus`."""
    events: int
    warmup: int = 0
    """Events that are published before the clock starts."""
    group: str = "bench"
    partitions: int = 4
    linger_ms: int = 2
    batch_size_bytes: int = 65_536
    unconfirmed_max: int = 20_000
    """How many unacknowledged sends a contender whose API gives futures may hold."""
    fetch_max_wait_ms: int = 250
    max_partition_fetch_bytes: int = 1_048_576
    commit_interval_ms: int = 500
    timeout_s: float = 300
    profile: str | None = None
    """A file for cProfile's text; the run is then slower and no figure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """What one run came to. `error` is set when it is invalid: then it counts nowhere."""

    contender: str
    workload: Workload
    round: int = 0
    events: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    rss_peak_bytes: int = 0
    checksum: int = 0
    error: str | None = None

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.wall_s if self.wall_s else 0.0


class Stopwatch:
    """Wall and CPU time of this process, all its threads, between `start` and `stop`.

    A profiler that is given runs as long as the clock does.
    """

    def __init__(self, profiler: cProfile.Profile | None = None) -> None:
        self._profiler = profiler
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self._wall = 0.0
        self._cpu = 0.0

    def start(self) -> None:
        if self._profiler is not None:
            self._profiler.enable()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu
        if self._profiler is not None:
            self._profiler.disable()


class Tally:
    """The handler of every consuming contender.

    The clock runs from `begin`, before the first event is decoded, to the end of the last one's handling, so
    that joining a group is not in it. The checksum shows that each event was decoded, and handled once.
    """

    def __init__(self, clock: Stopwatch, expected: int) -> None:
        self.done = asyncio.Event()
        self.count = 0
        self.checksum = 0
        self._clock = clock
        self._expected = expected
        self._begun = False

    def begin(self) -> None:
        """Starts the clock; does nothing from the second call on."""
        if not self._begun:
            self._begun = True
            self._clock.start()

    async def handle(self, event: Event) -> None:
        if not self._begun:
            self.begin()
        self.count += 1
        self.checksum += event["sequence"]
        if self.count == self._expected:
            self._clock.stop()
            self.done.set()


def kafka_topic_of_tierbus(namespace: str) -> str:
    """Where tierbus keeps the topic `bench.event` of the namespace."""
    return f"{namespace}.bench.event.normal"


def rss_peak_bytes() -> int:
    """Peak memory of this process.

    On Linux `ru_maxrss` also counts what the parent held when it forked, so the kernel's mark is read there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
