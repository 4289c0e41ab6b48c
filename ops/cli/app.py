"""The verbs, and running one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ops.cli import bench, broker, contracts, demo, publish, tail, topics
from ops.cli.failing import FINE, INTERRUPTED, Debugging, told
from ops.cli.printing import ReaderGone

app = typer.Typer(
    name="tierbus",
    help="A Kafka-backed event platform: dotted topics, wildcard subscriptions, priority tiers, Avro.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its help pages take 0.25 s to import
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 found trouble, 2 wrong use. Settings come from TIERBUS_... variables.",
)
app.command()(broker.up)
app.command()(broker.down)
app.command()(broker.status)
app.command()(demo.demo)
app.command()(publish.publish)
app.command()(tail.tail)
app.add_typer(topics.app, name="topics")
app.add_typer(contracts.app, name="contracts")
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(bench.bench)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"tierbus {version('tierbus')}")
        except PackageNotFoundError:
            typer.echo("tierbus (from a source checkout)")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Nothing to do before a verb."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; errors are told on standard error."""
    Debugging.begin(False)
    try:
        result = typer.main.get_command(app).main(args=list(arguments), prog_name="tierbus", standalone_mode=False)
    except ReaderGone:
        # As `head` does; not our trouble. What Python flushes at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return told(error)
    return result if isinstance(result, int) else FINE
