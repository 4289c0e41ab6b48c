"""`tierbus contracts check | push | pull`: between files and the registry."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.contracts.asking import all_versions, versions_of
from ops.cli.contracts.choosing import chosen_of, contracts_in
from ops.cli.contracts.options import Against, Folder, Names, RecordNamespace, Rule, settings_of
from ops.cli.failing import FINE, TROUBLE, Trouble, tell
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out, printable

if TYPE_CHECKING:
    from bus import Settings
    from bus.avro.contract import Contract


def check(
    names: Names = None,
    against: Against = None,
    compatibility: Rule = None,
    record_namespace: RecordNamespace = None,
    folder: Folder = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Say whether contracts may follow what was pushed last; exit 1 with the reasons when one may not.

    Made for continuous integration: nothing is registered, no Kafka topic is made. With --against and no names, a
    contract that is in that folder only is gone, and that is trouble too.
    """
    from ops.contracts.checking import compared, examined

    settings = settings_of(folder, servers, namespace)
    contracts = chosen_of(settings, folder, names, compatibility, record_namespace)
    if against is None:
        versions = asyncio.run(versions_of(settings, [contract.name for contract in contracts]))
        found = [examined(contract, versions[contract.name]) for contract in contracts]
    else:
        found = compared(contracts, contracts_in(against, "--against"), all_=not names)
    if as_json_:
        out(as_json({"contracts": [each.document() for each in found]}))
    else:
        for each in found:
            for line in each.line().splitlines():
                out(printable(line))
    return FINE if all(each.fine for each in found) else TROUBLE


def push(
    names: Names = None,
    compatibility: Rule = None,
    record_namespace: RecordNamespace = None,
    folder: Folder = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Register contracts, so that production may use them. All are checked before the first is registered.

    Beside contracts and classes it takes tierbus.bytes, tierbus.text and tierbus.json: what topics without a contract
    carry.
    """
    settings = settings_of(folder, servers, namespace)
    contracts = chosen_of(settings, folder, names, compatibility, record_namespace)
    return asyncio.run(_push(settings, contracts, as_json_))


async def _push(settings: Settings, contracts: list[Contract], as_json_: bool) -> int:
    from bus import ContractError
    from ops.contracts.checking import examined
    from ops.contracts.opening import registry_of

    rows = []
    async with registry_of(settings, reading=False) as codec:
        registry = codec.registry
        if registry is not codec.kept:  # production registers nothing by itself, these neither
            given = {each.name for each in contracts}
            contracts = contracts + [each for each in codec.plain.all() if each.name not in given]
        try:
            before = {each.name: examined(each, await registry.versions(each.name)) for each in contracts}
            refused = [each for each in before.values() if not each.fine]
            if refused:
                raise Trouble("\n".join(["nothing was pushed:", *(each.line() for each in refused)]))
            for each in contracts:
                registered = await registry.register(each)
                pushed = before[each.name].state != "registered"
                sha256 = each.schema.sha256
                rows.append({"contract": each.name, "pushed": pushed, "id": registered.id, "sha256": sha256})
        except ContractError as error:
            done = ", ".join(str(row["contract"]) for row in rows)
            raise Trouble(f"{error}; pushed before it: {done or 'nothing'}") from error
    if as_json_:
        out(as_json({"contracts": rows}))
    else:
        for row in rows:
            number = "" if row["id"] is None else f", id {row['id']}"
            out(printable(f"{row['contract']}: {'pushed' if row['pushed'] else 'registered already'}{number}"))
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
    """Write the last pushed version of contracts as files, <family>/<name>.avsc.

    What is here already, in files and routes, plays no part. Of all that were pushed, what is no Avro or has no name of
    ours is left out, with a note on standard error; asked for by name, it is trouble and nothing is written.
    """
    from bus import ContractError
    from ops.contracts.files import path_of, write

    settings = settings_of(None, servers, namespace)
    if names:
        try:
            for name in names:
                path_of(name, folder)  # all can be written, or none is
        except ContractError as error:
            raise Trouble(str(error)) from error
        found = asyncio.run(versions_of(settings, names))
    else:
        found = asyncio.run(all_versions(settings))
        if not found:
            tell("no contract was pushed yet; nothing was written")
    missing = [name for name, versions in found.items() if not versions]
    if missing:
        raise Trouble(f"{', '.join(missing)} was never pushed; nothing was written")
    rows = []
    for name, versions in found.items():
        path, changed = write(name, versions[-1], folder)
        rows.append({"contract": name, "version": len(versions), "file": path, "changed": changed})
    if as_json_:
        out(as_json({"contracts": rows}))
    else:
        for row in rows:
            out(printable(f"{row['file']}: version {row['version']}{'' if row['changed'] else ', unchanged'}"))
    return FINE
