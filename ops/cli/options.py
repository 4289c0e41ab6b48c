"""The options that verbs share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from ops.cli.failing import Debugging


def _debug(wanted: bool) -> bool:
    if wanted:
        Debugging.begin(True)
    return wanted


Servers: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--servers",
        metavar="HOST:PORT,...",
        help="Kafka's bootstrap servers. Default: TIERBUS_BOOTSTRAP_SERVERS, else the broker of `tierbus up`.",
        show_default=False,
    ),
]
Namespace: TypeAlias = Annotated[
    str | None,
    typer.Option("--namespace", metavar="NAME", help="Prefix of the Kafka topics. Default: bus.", show_default=False),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Debug: TypeAlias = Annotated[
    bool, typer.Option("--debug", callback=_debug, help="Show tracebacks and the logs of libraries.")
]
