"""`tierbus contracts list | show | diff`: what is here, what was pushed, and how they differ."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.contracts.options import Against, Folder, Name, settings_of, versions_of
from ops.cli.failing import FINE, TROUBLE, Trouble
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out, printable

if TYPE_CHECKING:
    from bus import Settings
    from bus.avro.contract import Contract


def list_(folder: Folder = None, as_json_: AsJson = False, debug: Debug = False) -> int:
    """List the contracts that are known here, and the topics that are bound to them. Asks no registry."""
    from ops.contracts.opening import contracts_of

    settings = settings_of(folder)
    rows = [_row(contract, settings) for _, contract in sorted(contracts_of(settings).contracts.items())]
    if as_json_:
        out(as_json({"contracts": rows}))
    else:
        _table(rows)
    return FINE


def show(
    name: Name,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="One that was pushed. Default: the file here.")
    ] = None,
    folder: Folder = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Print a contract as an .avsc file has it."""
    from ops.contracts.files import pretty
    from ops.contracts.opening import contracts_of

    if version is None:
        schema = contracts_of(settings_of(folder)).contract(name).schema
    else:
        versions = asyncio.run(versions_of(settings_of(folder, servers, namespace), [name]))[name]
        if version > len(versions):
            raise Trouble(f"{name} has {len(versions)} versions; give one of them, or push it first")
        schema = versions[version - 1]
    if as_json_:
        frame = schema.frame[2:].hex()
        out(as_json({"contract": name, "sha256": schema.sha256, "crc64": frame, "schema": schema.json}))
    else:
        out(pretty(schema.json).rstrip("\n"))
    return FINE


def diff(
    name: Name,
    against: Against = None,
    folder: Folder = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Compare a contract with its last pushed version: lines, and who can read whose data. Exit 1 when they differ."""
    from bus.avro.compatibility import can_read
    from bus.avro.registry.rules import short_name
    from ops.contracts.files import difference
    from ops.contracts.opening import contracts_of, folder_versions

    settings = settings_of(folder, servers, namespace)
    contract = contracts_of(settings).contract(name)
    if against is None:
        versions = asyncio.run(versions_of(settings, [name]))[name]
    else:
        versions = [each.schema for key, each in folder_versions(against).items() if key == name]
    if not versions:
        raise Trouble(f"{name} was not pushed yet; `tierbus contracts push {name}` does it")
    old, new = versions[-1].json, contract.avsc
    lines = difference(old, new, f"{name} (version {len(versions)})", f"{name} (here)")
    readings = {
        "new reads old": can_read(new, old, name=short_name(name)),
        "old reads new": can_read(old, new, name=short_name(name)),
    }
    if as_json_:
        reasons = {reading: [str(each) for each in findings] for reading, findings in readings.items()}
        out(as_json({"contract": name, "version": len(versions), "diff": lines.splitlines(), "readings": reasons}))
    else:
        for line in lines.splitlines():
            out(printable(line))
        for reading, findings in readings.items():
            out(f"{reading}: {'yes' if not findings else 'no'}")
            for each in findings:
                out(f"  {printable(str(each))}")
    return TROUBLE if lines else FINE


def _row(contract: Contract, settings: Settings) -> dict[str, Any]:
    return {
        "contract": contract.name,
        "compatibility": contract.compatibility.value,
        "topics": [rule.pattern for rule in settings.routes if rule.contract == contract.name],
        "sha256": contract.schema.sha256,
    }


def _table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="contracts", title_justify="left")
    for column in ("contract", "rule of change", "bound topics", "identity"):
        table.add_column(column, overflow="fold")
    for row in rows:
        topics = ", ".join(row["topics"]) or "none"
        table.add_row(row["contract"], row["compatibility"], topics, row["sha256"][:12])
    Console().print(table)
