"""`python -m perf`: the command line of the benchmarks."""

from __future__ import annotations

import enum
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console

from perf.codec.measure import measure as measure_codec
from perf.contenders import CONTENDERS, Contender, chosen
from perf.machine import machine, versions
from perf.picture import draw
from perf.process import FailedRunError
from perf.report import document, table
from perf.rounds import Rounds
from perf.summary import rows
from perf.work import Figure, Work, Workload

RESULTS = Path(__file__).parent / "results"
BROKER_JVM_OPTIONS = "-Xms1g -Xmx1g"
TROUBLE = 1

console = Console(stderr=True, width=None if sys.stderr.isatty() else 140)


class What(enum.StrEnum):
    """Which workload to run."""

    codec = "codec"
    publish = "publish"
    consume = "consume"
    all = "all"


@contextmanager
def _broker(servers: str | None) -> Iterator[tuple[str, str]]:
    """Yields the servers and the broker's version: those given, or a broker for the time of the runs."""
    if servers:
        yield servers, "of the given servers"
        return
    from ops.broker import temporary
    from ops.broker.values import KAFKA_VERSION

    # Its usual options are for a quick start: they leave out the better of Java's two compilers.
    os.environ.setdefault("TIERBUS_KAFKA_JVM_OPTS", BROKER_JVM_OPTIONS)
    with temporary(on_progress=console.print) as broker:
        yield broker.bootstrap_servers, KAFKA_VERSION


def _tell(figure: Figure) -> None:
    outcome = f"{figure.rate:>10,.0f} msg/s" if figure.error is None else f"INVALID: {figure.error}"
    console.print(f"  round {figure.round + 1}  {figure.contender:<34}{outcome}", highlight=False, markup=False)


def _measure(work: Work, contenders: tuple[Contender, ...], rounds: int, out: Path, broker: str) -> dict[str, Any]:
    """Runs one workload, writes its results, shows its table and returns its document."""
    before = machine()
    console.print(f"{work.workload}: {len(contenders)} contenders, {rounds} rounds of {work.events:,} events")
    figures = Rounds(work, contenders, rounds, _tell).run()
    summed = rows(contenders, figures)
    found = document(work, figures, summed, before, versions(broker))
    stem = out / f"{datetime.now(UTC):%Y-%m-%d}-{work.workload}"
    out.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    where = (
        f"{work.events:,} events, median of {rounds} rounds (line: lowest to highest); "
        f"{before['cores']} cores shared with the broker, "
        f"Python {found['versions']['python']}, Kafka {found['versions']['kafka']}"
    )
    draw(work, summed, where, stem.with_suffix(".png"))
    console.print(table(work, summed))
    return found


def _profile(work: Work, contenders: tuple[Contender, ...], directory: Path) -> list[Figure]:
    """Runs each contender once under cProfile and writes what it found, one text file each."""
    figures = []
    for contender in contenders:
        file = directory / f"{work.workload}-{contender.where.replace(':', '-')}.txt"
        figures += Rounds(replace(work, profile=str(file)), [contender], 1, _tell).run()
        console.print(f"  {file}", highlight=False, markup=False)
    return figures


def _codec(
    contenders: tuple[Contender, ...], rounds: int, timeout_s: float, out: Path
) -> tuple[list[dict[str, Any]], int]:
    """Returns the codec's document, if there is one, and how much in it is invalid.

    It is to be called before there is a broker, which would take its part of the cores.
    """
    if not contenders:
        return [], 0
    try:
        found, invalid = measure_codec(contenders, rounds, timeout_s, out, console)
    except FailedRunError as error:
        console.print(f"  INVALID: {error}", highlight=False, markup=False)
        return [], 1
    return [found], invalid


def main(
    what: Annotated[What, typer.Argument(help="Which workload.")] = What.all,
    events: Annotated[int, typer.Option(min=1, help="Events of each run through Kafka.")] = 200_000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each contender, in turns.")] = 3,
    servers: Annotated[
        str | None,
        typer.Option(envvar="TIERBUS_BOOTSTRAP_SERVERS", help="Kafka; without it a broker is started."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document to standard output.")] = False,
    only: Annotated[str | None, typer.Option(help="Words, by comma, of the contenders' names to run.")] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = RESULTS,
    linger_ms: Annotated[int, typer.Option(min=0, help="Of every producer.")] = 2,
    batch_size_bytes: Annotated[int, typer.Option(min=1_024, help="Of every producer.")] = 65_536,
    partitions: Annotated[int, typer.Option(min=1, help="Of every topic.")] = 4,
    timeout_s: Annotated[float, typer.Option(min=1, help="Of each run; then it is invalid.")] = 300,
    profile: Annotated[
        Path | None, typer.Option(help="Run each once under cProfile, the codec aside, and write here; no figures.")
    ] = None,
) -> None:
    """Measures tierbus and its peers side by side; exits with 1 when a run was invalid."""
    if profile is not None and what is What.codec:
        raise typer.BadParameter("the codec runs without cProfile; profile publish or consume", param_hint="--profile")
    workloads = [cast("Workload", what.value)] if what is not What.all else list(CONTENDERS)
    run = {workload: several for workload in workloads if (several := chosen(workload, only))}
    codecs = run.pop("codec", ())
    documents, invalid = _codec(codecs if profile is None else (), rounds, timeout_s, out)
    with _broker(servers) if run else nullcontext(("", "")) as (where, version):
        for workload, contenders in run.items():
            work = Work(
                workload=workload,
                contender="",
                servers=where,
                topic="",
                events=events,
                warmup=min(1_000, events) if workload == "publish" else 0,
                partitions=partitions,
                linger_ms=linger_ms,
                batch_size_bytes=batch_size_bytes,
                timeout_s=timeout_s,
            )
            if profile is not None:
                invalid += sum(figure.error is not None for figure in _profile(work, contenders, profile))
                continue
            found = _measure(work, contenders, rounds, out, version)
            invalid += sum(figure["error"] is not None for figure in found["figures"])
            documents.append(found)
    if as_json:
        typer.echo(json.dumps(documents))
    if invalid:
        raise typer.Exit(TROUBLE)


if __name__ == "__main__":
    typer.run(main)
