"""`tierbus demo`: the whole thing, half a minute."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.cli.failing import FINE, TROUBLE
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out

_PLAIN_WIDTH = 120

Seconds = Annotated[float, typer.Option("--seconds", min=1, max=3_600, help="For how long messages are generated.")]
Rate = Annotated[float, typer.Option("--rate", min=1, max=50_000, help="Messages a second from market and sources.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the market's random walk.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use recorded records of Data.gov and DBnomics at once.")]
Directory = Annotated[Path, typer.Option("--out", file_okay=False, help="Where the picture and the report go.")]


def demo(
    seconds: Seconds = 30.0,
    rate: Rate = 2_000.0,
    seed: Seed = 7,
    offline: Offline = False,
    directory: Directory = Path("demo-results"),
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Run real and generated data through a real broker.

    A market and records of Data.gov and DBnomics go through all tiers for half a minute; then every message is
    accounted for, by tier and by consumer. Exits with 1 when the accounts do not balance.

    Without --servers or TIERBUS_BOOTSTRAP_SERVERS it starts a broker that is gone afterwards.
    """
    from rich.console import Console

    from ops.broker.given import servers as named_servers
    from ops.cli.where import given
    from ops.demo.outcome import report
    from ops.demo.plan import Plan
    from ops.demo.run import run

    overrides = {} if namespace is None else {"namespace": given(namespace, "--namespace")}
    where = named_servers() if servers is None else given(servers, "--servers")
    plan = Plan(seconds=seconds, rate=rate, seed=seed, offline=offline, directory=directory, overrides=overrides)
    stream = sys.stderr if as_json_ else sys.stdout
    outcome = run(plan, where, Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH))
    if as_json_:
        out(as_json(report(outcome)))
    return FINE if outcome.fine else TROUBLE
