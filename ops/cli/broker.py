"""`tierbus up`, `down` and `status`: the local broker."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.failing import FINE, TROUBLE, tell
from ops.cli.options import AsJson, Debug
from ops.cli.printing import as_json, out

if TYPE_CHECKING:
    from ops.broker import BrokerStatus

BROKERS_MAX = 9

Brokers = Annotated[int, typer.Option("--brokers", min=1, max=BROKERS_MAX, help="How many brokers a new cluster has.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Stop it, remove its data, and begin anew.")]


def up(brokers: Brokers = 1, fresh: Fresh = False, as_json_: AsJson = False, debug: Debug = False) -> int:
    """Start a local Kafka broker, or find the one that runs.

    Returns when it answers. It stays until `tierbus down`, and keeps its data through that.
    """
    from ops.broker import up as start

    told: list[str] = []

    def progress(sentence: str) -> None:
        told.append(sentence)
        tell(sentence)

    running = start(brokers=brokers, fresh=fresh, on_progress=progress)
    if as_json_:
        out(as_json(dataclasses.asdict(running)))
        return FINE
    what = "started" if running.started else "was up already"
    out(f"broker {what}: {running.bootstrap_servers} ({running.how}, Kafka {running.version})")
    for note in running.notes:
        if note not in told:
            tell(note)
    return FINE


def down(as_json_: AsJson = False, debug: Debug = False) -> int:
    """Stop the local broker; its data stays."""
    from ops.broker import down as stop

    stopped = stop()
    if as_json_:
        out(as_json({"stopped": stopped}))
    else:
        out("broker stopped; its data stays for the next `tierbus up`" if stopped else "no broker of ours was running")
    return FINE


def status(as_json_: AsJson = False, debug: Debug = False) -> int:
    """Say how the local broker is.

    Exits with 1 when clients cannot use it.
    """
    from ops.broker import status as ask

    found = ask()
    out(as_json(dataclasses.asdict(found)) if as_json_ else _described(found))
    return FINE if found.answering else TROUBLE


def _described(found: BrokerStatus) -> str:
    if found.state == "absent":
        return "no broker has been started here; `tierbus up` starts one"
    lines = [f"broker {found.state}: {found.bootstrap_servers} ({found.how}, Kafka {found.version})"]
    if found.brokers > 1:
        lines.append(f"  brokers  {found.brokers}")
    if found.since_s is not None:
        lines.append(f"  since    {datetime.fromtimestamp(found.since_s, UTC):%Y-%m-%d %H:%M:%S} UTC")
    if found.pids:
        lines.append(f"  process  {', '.join(map(str, found.pids))}")
    if found.data_dir is not None:
        lines.append(f"  data     {found.data_dir}")
    lines += [f"  log      {path}" for path in found.log_paths]
    lines += [f"  {note}" for note in found.notes]
    if found.state == "stopped":
        lines.append("  `tierbus up` starts it again")
    return "\n".join(lines)
