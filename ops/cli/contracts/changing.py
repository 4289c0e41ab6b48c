"""`tierbus contracts check | push | pull`: between files and the registry."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.contracts.options import Against, Folder, Names, Rule, chosen_of, settings_of, versions_of
from ops.cli.failing import FINE, TROUBLE, Trouble
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out, printable

if TYPE_CHECKING:
    from bus import Settings


def check(
    names: Names = None,
    against: Against = None,
    compatibility: Rule = None,
    folder: Folder = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Say whether contracts may follow what was pushed last; exit 1 with the reasons when one may not.

    Made for continuous integration: nothing is registered.
    """
    from bus import ContractError
    from ops.contracts.checking import examined
    from ops.contracts.opening import contracts_of, folder_versions

    settings = settings_of(folder, servers, namespace)
    try:
        contracts = chosen_of(contracts_of(settings), names, settings, compatibility)
    except ContractError as error:
        raise Trouble(str(error)) from error
    if against is None:
        versions = asyncio.run(versions_of(settings, [contract.name for contract in contracts]))
    else:
        versions = {name: [each.schema] for name, each in folder_versions(against).items()}
    found = [examined(contract, versions.get(contract.name, [])) for contract in contracts]
    if as_json_:
        out(as_json({"contracts": [each.document() for each in found]}))
    else:
        for each in found:
            for line in each.line().splitlines():
                out(printable(line))
    return TROUBLE if any(each.state == "incompatible" for each in found) else FINE


def push(
    names: Names = None,
    compatibility: Rule = None,
    folder: Folder = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Register contracts, so that production may use them. All are checked before the first is registered."""
    settings = settings_of(folder, servers, namespace)
    return asyncio.run(_push(settings, names, compatibility, as_json_))


async def _push(settings: Settings, names: list[str] | None, rule: str | None, as_json_: bool) -> int:
    from ops.contracts.checking import examined
    from ops.contracts.opening import registry_of

    async with registry_of(settings) as codec:
        contracts = chosen_of(codec, names, settings, rule)
        if codec.registry is not codec.kept:
            contracts += codec.plain.all()  # production registers nothing by itself, these neither
        before = {each.name: examined(each, await codec.registry.versions(each.name)) for each in contracts}
        refused = [each for each in before.values() if each.state == "incompatible"]
        if refused:
            raise Trouble("\n".join(["nothing was pushed:", *(each.line() for each in refused)]))
        rows = []
        for each in contracts:
            registered = await codec.registry.register(each)
            pushed = before[each.name].state != "registered"
            rows.append({"contract": each.name, "pushed": pushed, "id": registered.id, "sha256": each.schema.sha256})
    if as_json_:
        out(as_json({"contracts": rows}))
    else:
        for row in rows:
            number = "" if row["id"] is None else f", id {row['id']}"
            out(f"{row['contract']}: {'pushed' if row['pushed'] else 'registered already'}{number}")
    return FINE


def pull(
    folder: Annotated[Path, typer.Option("--dir", metavar="FOLDER", help="Where the files go.", show_default=False)],
    names: Annotated[
        list[str] | None, typer.Argument(help="Contracts. Default: all that were pushed.", show_default=False)
    ] = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write the last pushed version of contracts as files, <family>/<name>.avsc."""
    from ops.contracts.files import path_of, write

    found = asyncio.run(versions_of(settings_of(None, servers, namespace), names))
    missing = [name for name, versions in found.items() if not versions]
    if missing:
        raise Trouble(f"{', '.join(missing)} was never pushed; nothing was written")
    for name in found:
        path_of(name, folder)  # all can be written, or none is
    rows = []
    for name, versions in found.items():
        path, changed = write(name, versions[-1], folder)
        rows.append({"contract": name, "version": len(versions), "file": path, "changed": changed})
    if as_json_:
        out(as_json({"contracts": rows}))
    else:
        for row in rows:
            out(f"{row['file']}: version {row['version']}{'' if row['changed'] else ', unchanged'}")
    return FINE
