"""Runs one contender once (`python -m perf.one WORK_AS_JSON`); what it prints is its figure."""

from __future__ import annotations

import asyncio
import cProfile
import dataclasses
import gc
import io
import json
import logging
import os
import pstats
import sys
from pathlib import Path

from perf.contenders import consumer, contender, publisher
from perf.work import Figure, Stopwatch, Tally, Work, rss_peak_bytes

PROFILE_LINES = 45


async def _publish(work: Work, clock: Stopwatch) -> Figure:
    run = publisher(contender("publish", work.contender))
    async with asyncio.timeout(work.timeout_s):
        acknowledged = await run(work, clock)
    expected = work.warmup + work.events
    if acknowledged != expected:
        return _failed(work, f"acknowledged {acknowledged} of {expected}")
    return _figure(work, clock, 0)


async def _consume(work: Work, clock: Stopwatch) -> Figure:
    run = consumer(contender("consume", work.contender))
    tally = Tally(clock, work.events)
    async with asyncio.timeout(work.timeout_s):
        await run(work, tally)
    if tally.count != work.events:
        return _failed(work, f"handled {tally.count} of {work.events}")
    return _figure(work, clock, tally.checksum)


def _figure(work: Work, clock: Stopwatch, checksum: int) -> Figure:
    return Figure(
        contender=work.contender,
        workload=work.workload,
        events=work.events,
        wall_s=clock.wall_s,
        cpu_s=clock.cpu_s,
        rss_peak_bytes=rss_peak_bytes(),
        checksum=checksum,
    )


def _failed(work: Work, why: str) -> Figure:
    return Figure(contender=work.contender, workload=work.workload, error=why)


def run(work: Work) -> Figure:
    """Does the work in a fresh event loop; what goes wrong is told in the figure's `error`."""
    logging.basicConfig(level=logging.ERROR)
    profiler = cProfile.Profile() if work.profile else None
    act = _publish if work.workload == "publish" else _consume
    gc.collect()
    try:
        return asyncio.run(act(work, Stopwatch(profiler)))
    except Exception as error:
        return _failed(work, f"{type(error).__name__}: {error}")
    finally:
        if profiler is not None and work.profile is not None:
            _write_profile(profiler, Path(work.profile))


def _write_profile(profiler: cProfile.Profile, path: Path) -> None:
    text = io.StringIO()
    statistics = pstats.Stats(profiler, stream=text).strip_dirs()
    for order in ("tottime", "cumulative"):
        statistics.sort_stats(order).print_stats(PROFILE_LINES)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue())


def main() -> None:
    """Keeps standard output for the figure: what a contender logs there is still written, to nowhere."""
    with os.fdopen(os.dup(1), "w") as out, Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        figure = run(Work(**json.loads(sys.argv[1])))
        out.write(json.dumps(dataclasses.asdict(figure)) + "\n")


if __name__ == "__main__":
    main()
