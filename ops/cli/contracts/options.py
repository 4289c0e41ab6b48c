"""What the verbs of `tierbus contracts` share: their options, and whom they ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.where import settings_for

if TYPE_CHECKING:
    from bus import Settings
    from bus.avro.codec import Codec
    from bus.avro.contract import Contract
    from bus.avro.schema import AvroSchema

Name = Annotated[str, typer.Argument(help="A contract's name, such as trading.order.", show_default=False)]
Names = Annotated[
    list[str] | None,
    typer.Argument(help="Contracts. Default: those of --dir, else the platform's.", show_default=False),
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


def chosen_of(codec: Codec, names: list[str] | None, settings: Settings, rule: str | None) -> list[Contract]:
    """The contracts that are meant, under the rule that is given for them."""
    from bus.avro.compatibility import Mode
    from ops.contracts.opening import chosen

    contracts = chosen(codec, names or [], settings)
    if rule is not None:
        for contract in contracts:
            contract.compatibility = Mode.parse(rule.upper())
    return contracts


async def versions_of(settings: Settings, names: list[str] | None) -> dict[str, list[AvroSchema]]:
    """The pushed versions by contract, the oldest first; of no names, of all that were pushed."""
    from ops.contracts.opening import registry_of

    async with registry_of(settings) as codec:
        registry = codec.registry
        wanted = names or [name for name in await registry.names() if not name.startswith("tierbus.")]
        return {name: list(await registry.versions(name)) for name in wanted}
