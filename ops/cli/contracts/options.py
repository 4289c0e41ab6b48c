"""The options that the verbs of `tierbus contracts` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.where import settings_for

if TYPE_CHECKING:
    from bus import Settings

Name = Annotated[str, typer.Argument(help="A contract's name, such as trading.order.", show_default=False)]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME|MODULE:MODEL[=NAME]",
        help="Contracts by name, or pydantic models and dataclasses as module:Model, imported from the current "
        "folder or PYTHONPATH; =NAME where your program gives name= to bus.contract. "
        "Default: the contracts of --dir, else the platform's.",
        show_default=False,
    ),
]
RecordNamespace = Annotated[
    str | None,
    typer.Option(
        "--record-namespace",
        metavar="NAME",
        help="Of each module:Model: what your program gives as namespace= to bus.contract.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="FOLDER",
        help="Your contracts, <family>/<name>.avsc. Default: TIERBUS_CONTRACTS_DIR.",
        show_default=False,
    ),
]
Rule = Annotated[
    str | None,
    typer.Option(
        "--compatibility",
        metavar="MODE",
        help="Rule of change for these. Default: as the routes say, else BACKWARD_TRANSITIVE.",
        show_default=False,
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="FOLDER",
        help="Compare with the contracts of this folder, not with those that were pushed.",
        show_default=False,
    ),
]


def settings_of(folder: Path | None, servers: str | None = None, namespace: str | None = None) -> Settings:
    """Settings with the folder of contracts over them."""
    settings = settings_for(servers, namespace)
    return settings if folder is None else settings.model_copy(update={"contracts_dir": str(folder)})
