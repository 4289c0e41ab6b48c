"""`tierbus topics`: what there is, and declaring what production needs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.failing import FINE, Trouble, WrongUse
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out
from ops.cli.where import settings_for

if TYPE_CHECKING:
    from bus import Settings
    from bus.transport.kafka import KafkaTransport

_ANSWER_S = 10.0
PARTITIONS_MAX = 10_000

app = typer.Typer(help="List topics by family and tier, or declare them.", invoke_without_command=True)

Family = Annotated[str | None, typer.Argument(help="The family, such as trading.orders.", show_default=False)]
Tiers = Annotated[
    list[str] | None,
    typer.Option("--tier", metavar="TIER", help="A tier, may be repeated. Default: as the routes say."),
]
Partitions = Annotated[
    int | None, typer.Option("--partitions", min=1, max=PARTITIONS_MAX, help="Default: as the route or settings say.")
]
Internal = Annotated[bool, typer.Option("--internal", help="Declare the bus's own topics (_schemas).")]


@app.callback()
def topics(
    context: typer.Context,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """List topics when no verb is given."""
    if context.invoked_subcommand is None:
        return asyncio.run(_list(settings_for(servers, namespace), as_json_))
    if servers is not None or namespace is not None or as_json_:
        raise WrongUse(f"give options behind the verb: tierbus topics {context.invoked_subcommand} ...")
    return FINE


@app.command("list")
def list_(servers: Servers = None, namespace: Namespace = None, as_json_: AsJson = False, debug: Debug = False) -> int:
    """List families, their tiers and partitions.

    `written` counts the messages that were ever written, those that Kafka has let go of included.
    """
    return asyncio.run(_list(settings_for(servers, namespace), as_json_))


@app.command()
def create(
    family: Family = None,
    tier: Tiers = None,
    partitions: Partitions = None,
    internal: Internal = False,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Declare the Kafka topics of a family.

    What exists is left as it is. In production the bus uses declared topics only; this is how they are made.
    """
    if family is None and not internal:
        raise WrongUse("name a family, such as trading.orders, or give --internal")
    if family is None and (tier or partitions is not None):
        raise WrongUse("--tier and --partitions are of a family; name it")
    settings = settings_for(servers, namespace)
    return asyncio.run(_create(settings, family, tier or [], partitions, internal, as_json_))


async def _create(
    settings: Settings, family: str | None, tiers: list[str], partitions: int | None, internal: bool, as_json_: bool
) -> int:
    from bus.avro.registry import SCHEMAS_TABLE
    from ops.cli.declaring import declared

    wanted = declared(family, tiers, partitions, settings) if family is not None else []
    # In production the bus makes none by itself; here it is told to.
    transport = await _connected(settings.model_copy(update={"environment": "development"}))
    try:
        before = await transport.topics()
        new = [topic for topic in wanted if topic.name not in before]
        if new:
            await transport.create_topics(new)
        if internal:
            await transport.table(SCHEMAS_TABLE)
        after = await transport.topics()
    finally:
        await transport.close(1.0)
    names = [topic.name for topic in wanted] + ([f"{settings.namespace}.{SCHEMAS_TABLE}"] if internal else [])
    rows = [{"kafka_topic": name, "partitions": after[name], "created": name not in before} for name in names]
    other = [t.name for t in wanted if partitions is not None and after[t.name] != partitions]
    if as_json_:
        out(as_json({"namespace": settings.namespace, "topics": rows}))
    else:
        for row in rows:
            what = "created" if row["created"] else "exists already"
            out(f"{row['kafka_topic']}: {what}, {row['partitions']} partitions")
    if other:
        raise Trouble(f"{', '.join(other)} exists with another number of partitions and was left as it is")
    return FINE


async def _list(settings: Settings, as_json_: bool) -> int:
    transport = await _connected(settings)
    try:
        found = await transport.topics()
        written = await _written(transport, found)
    finally:
        await transport.close(1.0)
    document = listed(settings.namespace, settings.bootstrap_servers, found, written)
    if as_json_:
        out(as_json(document))
    else:
        _show(document)
    return FINE


async def _connected(settings: Settings) -> KafkaTransport:
    from bus.transport.kafka import KafkaTransport

    transport = KafkaTransport(settings)
    await transport.connect()
    return transport


async def _written(transport: KafkaTransport, found: Mapping[str, int]) -> dict[str, int]:
    """Messages that were ever written, by Kafka topic: the ends of its partitions."""
    from bus import MessagePriority
    from bus.transport.base import FetcherOptions

    async def ignore(_: object) -> None:
        """Alone nothing is revoked."""

    if not found:
        return {}
    options = FetcherOptions(MessagePriority.NORMAL, None, lambda _: None, ignore)
    fetcher = await transport.fetcher(options)
    try:
        await fetcher.set_topics(found)
        ends = await fetcher.end_offsets(_ANSWER_S)
    finally:
        await fetcher.close(1.0)
    written = dict.fromkeys(found, 0)
    for partition, end in ends.items():
        written[partition.topic] += end
    return written


def listed(namespace: str, servers: str, found: Mapping[str, int], written: Mapping[str, int]) -> dict[str, Any]:
    """What there is, as a document: families in order of their names, tiers by urgency."""
    from bus.routing.topics import parse_kafka_topic

    families: dict[str, list[dict[str, Any]]] = {}
    internal = []
    for name in sorted(found):
        parsed = parse_kafka_topic(namespace, name)
        row = {"kafka_topic": name, "partitions": found[name], "written": written.get(name, 0)}
        if parsed is None:
            internal.append(row)
        else:
            families.setdefault(parsed[0], []).append({"tier": parsed[1], **row})
    return {
        "namespace": namespace,
        "servers": servers,
        "families": [
            {"family": family, "tiers": [t | {"tier": t["tier"].tier} for t in sorted(rows, key=lambda t: t["tier"])]}
            for family, rows in sorted(families.items())
        ],
        "internal": internal,
    }


def _show(document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not document["families"] and not document["internal"]:
        out(
            f"no topics in namespace {document['namespace']} at {document['servers']}; publish something, or declare "
            "them by `tierbus topics create`"
        )
        return
    table = Table(title=f"namespace {document['namespace']} at {document['servers']}", title_justify="left")
    table.add_column("family")
    table.add_column("tier")
    table.add_column("partitions", justify="right")
    table.add_column("written", justify="right")
    for family in document["families"]:
        name = family["family"]
        for tier in family["tiers"]:
            table.add_row(name, tier["tier"], str(tier["partitions"]), f"{tier['written']:,}")
            name = ""
    for row in document["internal"]:
        name = row["kafka_topic"].removeprefix(document["namespace"] + ".")
        table.add_row(name, "", str(row["partitions"]), f"{row['written']:,}", style="dim")
    Console().print(table)
