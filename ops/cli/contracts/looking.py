"""`tierbus contracts list | show | diff`: what is here, what was pushed, and how they differ."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.contracts.asking import versions_of
from ops.cli.contracts.choosing import contracts_here, contracts_in
from ops.cli.contracts.options import Against, Folder, Name, settings_of
from ops.cli.failing import FINE, TROUBLE, Trouble
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out, printable

if TYPE_CHECKING:
    from bus import Settings
    from bus.avro.contract import Contract
    from bus.avro.schema import AvroSchema


def list_(folder: Folder = None, as_json_: AsJson = False, debug: Debug = False) -> int:
    """List the contracts that are known here, and the topics that are bound to them. Asks no registry."""
    settings = settings_of(folder)
    rows = [_row(contract, settings) for _, contract in sorted(contracts_here(settings, folder).contracts.items())]
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
    """Print a contract as an .avsc file has it: as it is here, which asks no registry, or as it was pushed."""
    from ops.contracts.files import pretty

    if version is None:
        schema = contracts_here(settings_of(folder), folder).contract(name).schema
    else:
        versions = asyncio.run(versions_of(settings_of(None, servers, namespace), [name]))[name]
        if not versions:
            raise Trouble(f"{name} was not pushed yet; `tierbus contracts push {name}` does it")
        if version > len(versions):
            raise Trouble(f"{name} has {len(versions)} versions; give one of them")
        schema = versions[version - 1]
    if as_json_:
        frame = schema.frame[2:].hex()
        out(as_json({"contract": name, "sha256": schema.sha256, "crc64": frame, "schema": schema.json}))
    else:
        text = pretty(schema.json).rstrip("\n")
        steers = any(not line.isprintable() for line in text.splitlines())
        out(as_json(schema.json, indent=2) if steers else text)
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
    """Compare a contract with its last pushed version: lines, and who can read whose data.

    Exit 1 when they differ in more than documentation.
    """
    from bus.avro.compatibility import can_read
    from bus.avro.schema import short_name
    from ops.contracts.files import difference

    settings = settings_of(folder, servers, namespace)
    contract = contracts_here(settings, folder).contract(name)
    schema, version, place = _before(settings, name, against)
    old, new = schema.json, contract.avsc
    lines = difference(old, new, f"{name} ({place})", f"{name} (here)").splitlines()
    only = _slight(old, new) if lines and schema.sha256 == contract.schema.sha256 else None
    readings = {
        "new reads old": can_read(new, old, name=short_name(name)),
        "old reads new": can_read(old, new, name=short_name(name)),
    }
    if as_json_:
        reasons = {reading: [str(each) for each in findings] for reading, findings in readings.items()}
        told = {"contract": name, "version": version, "diff": lines, "only": only, "readings": reasons}
        out(as_json(told))
    else:
        for line in lines:
            out(printable(line))
        if only is not None:
            out(f"only {only} differs")
        for reading, findings in readings.items():
            out(f"{reading}: {'yes' if not findings else 'no'}")
            for each in findings:
                out(f"  {printable(str(each))}")
    return TROUBLE if lines and only is None else FINE


def _before(settings: Settings, name: str, against: Path | None) -> tuple[AvroSchema, int, str]:
    """What to compare with: the schema, its version, and where it is in words."""
    if against is not None:
        contract = contracts_in(against, "--against").get(name)
        if contract is None:
            raise Trouble(f"{name} is not in {against}; give a folder that holds it")
        return contract.schema, 1, str(against)
    versions = asyncio.run(versions_of(settings, [name]))[name]
    if not versions:
        raise Trouble(f"{name} was not pushed yet; `tierbus contracts push {name}` does it")
    return versions[-1], len(versions), f"version {len(versions)}"


def _slight(old: Any, new: Any) -> str:
    """In what two texts of one schema differ, which no reader or writer minds."""
    from ops.contracts.files import without_documentation

    same = without_documentation(old) == without_documentation(new)
    return "documentation" if same and old != new else "the way it is written"


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
        table.add_row(printable(row["contract"]), row["compatibility"], topics, row["sha256"][:12])
    Console().print(table)
