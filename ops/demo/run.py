"""The demonstration from beginning to end: a broker, a run on it, the summary, the picture and the report."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bus.message import TIERS
from ops.demo.outcome import Outcome, report
from ops.demo.plan import Plan
from ops.demo.stage import perform
from ops.demo.summary import tell
from ops.demo.table import View, say

PICTURE, REPORT = "latency.png", "report.json"


def run(plan: Plan, servers: str | None, console: Console) -> Outcome:
    """Plays the demonstration on the broker at `servers`, else on one of its own that is gone afterwards.

    Raises:
        TierbusError: It could not begin, such as for a broker that does not answer.
        BrokerError: None could be started.
        OSError: The picture or the report cannot be written.
    """
    with _broker(servers, console) as (where, broker):
        with View(console) as view:
            outcome = asyncio.run(perform(plan, where, broker, view))
        tell(outcome, console, _write(outcome, plan.directory, console))
    return outcome


@contextlib.contextmanager
def _broker(servers: str | None, console: Console) -> Iterator[tuple[str, str]]:
    if servers is not None:
        say(console, f"broker: the one at {servers}")
        yield servers, f"the broker at {servers}"
        return
    from ops.broker import temporary

    say(console, "broker: starting one that ends with this demonstration")
    with temporary(on_progress=lambda said: say(console, said)) as cluster:
        yield cluster.bootstrap_servers, f"a Kafka broker of its own ({cluster.how})"


def _write(outcome: Outcome, directory: Path, console: Console) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    written = [directory / REPORT]
    written[0].write_text(json.dumps(report(outcome), indent=2) + "\n", encoding="utf-8")
    caption = f"{outcome.published:,} messages in {outcome.elapsed_s:.0f} s over {outcome.broker}"
    try:
        from ops.demo.picture import draw

        draw({tier: outcome.latencies[tier] for tier in TIERS}, caption, directory / PICTURE)
    except ImportError:
        say(console, "no picture: matplotlib is missing; install tierbus[demo]")
        return written
    return [directory / PICTURE, *written]
