"""`tierbus contracts infer | model`: a contract from data, and a class from a contract."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.contracts.choosing import contracts_here
from ops.cli.contracts.options import Folder, Name, settings_of
from ops.cli.failing import FINE, Trouble, WrongUse, tell
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out
from ops.cli.where import settings_for

if TYPE_CHECKING:
    from bus import Settings


def infer(
    name: Name,
    source: Annotated[
        str | None, typer.Argument(help="A file of JSON lines, or - for standard input.", show_default=False)
    ] = None,
    topic: Annotated[
        str | None, typer.Option("--topic", metavar="PATTERN", help="Live traffic of these topics.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=100_000, help="Examples to read.")] = 1_000,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="Wait for traffic.")] = 10.0,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Propose a contract from examples: JSON lines, or messages as they come. Notes go to standard error."""
    from ops.contracts.files import pretty
    from ops.contracts.infer import infer as proposed

    if (source is None) == (topic is None):
        raise WrongUse("give either a file of JSON lines (- for standard input) or --topic PATTERN")
    if topic is not None:
        examples = asyncio.run(_traffic(settings_for(servers, namespace), topic, count, timeout))
    else:
        assert source is not None
        examples = _json_lines(source, count)
    family, _, own = name.rpartition(".")
    record = "".join(part[:1].upper() + part[1:] for part in own.replace("-", "_").split("_"))
    proposal = proposed(examples, name=record, namespace=family.replace("-", "_") or None, examples_max=count)
    if as_json_:
        out(as_json({"contract": name, "schema": proposal.schema, "notes": proposal.notes}))
    else:
        out(pretty(proposal.schema).rstrip("\n"))
        for note in proposal.notes:
            tell(note)
    return FINE


def model(
    source: Annotated[str, typer.Argument(help="An .avsc file, or a contract's name.", show_default=False)],
    dataclass: Annotated[bool, typer.Option("--dataclass", help="A dataclass, not a pydantic model.")] = False,
    folder: Folder = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Print a Python class for a contract that is here. Asks no registry."""
    from bus.avro.schema import AvroSchema
    from bus.errors import ContractError
    from ops.contracts.model import model_source

    path = Path(source)
    if path.suffix == ".avsc":
        try:
            schema = AvroSchema.from_json(path.read_bytes(), path.stem)
        except ContractError as error:
            raise Trouble(f"{source}: {error}") from error
    else:
        schema = contracts_here(settings_of(folder), folder).contract(source).schema
    text = model_source(schema.json, style="dataclass" if dataclass else "pydantic")
    out(as_json({"source": text}) if as_json_ else text.rstrip("\n"))
    return FINE


async def _traffic(settings: Settings, pattern: str, count: int, timeout_s: float) -> list[Any]:
    from bus import MessageBus

    examples: list[Any] = []
    settings = settings.model_copy(update={"read_as_contract": False})
    async with MessageBus(settings) as bus:
        subscription = await bus.subscribe(pattern)
        tell(f"listening to {pattern} for {count} messages or {timeout_s:g} s")
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        while len(examples) < count:
            message = await subscription.receive(max(0.0, deadline_s - asyncio.get_running_loop().time()))
            if message is None:
                break
            if message.data is not None:
                examples.append(message.data)
    if not examples:
        raise Trouble(f"no message of {pattern} came within {timeout_s:g} s; publish some, or give a file")
    return examples


def _json_lines(source: str, count: int) -> list[Any]:
    examples: list[Any] = []
    try:
        with sys.stdin if source == "-" else Path(source).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if len(examples) >= count:
                    break
                if line.strip():
                    try:
                        examples.append(json.loads(line))
                    except (ValueError, RecursionError) as error:
                        raise WrongUse(f"line {number} of {source} is no JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise WrongUse(f"{source} is no UTF-8: {error}") from None
    if not examples:
        raise Trouble(f"{source} has no examples; give JSON objects, one a line")
    return examples
