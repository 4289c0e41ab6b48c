"""`tierbus publish`: one message, or a stream of lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.failing import FINE, WrongUse
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out
from ops.cli.where import settings_for

if TYPE_CHECKING:
    from bus import Settings

Topic = Annotated[str, typer.Argument(help="The dotted topic, such as trading.orders.BINANCE.new.")]
Data = Annotated[
    str, typer.Argument(help="The message as JSON; text with --text; `-` reads one from each line of stdin.")
]
Text = Annotated[bool, typer.Option("--text", help="DATA is text, not JSON.")]
Priority = Annotated[
    str | None, typer.Option("--priority", metavar="TIER", help="critical, high, normal or low; else the route's.")
]
Key = Annotated[str | None, typer.Option("--key", help="What keeps messages in order; else the route's, or the topic.")]
Header = Annotated[list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="A header; may be repeated.")]
Confirm = Annotated[
    bool,
    typer.Option("--confirm", help="Of a stream, wait for each message's acknowledgement before the next is read."),
]


def publish(
    topic: Topic,
    data: Data,
    text: Text = False,
    priority: Priority = None,
    key: Key = None,
    header: Header = None,
    confirm: Confirm = False,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Publish one message, or one from each line of stdin.

    JSON for a topic with a contract may have text for times, decimals and UUIDs, and {"base64": "..."} for bytes.
    Returns when all in-sync replicas have them, and says where they landed.
    """
    options: dict[str, Any] = {"priority": priority, "key": key, "headers": headers_of(header or [])}
    if data != "-":
        settings = settings_for(servers, namespace)
        value = data if text else reader_of(topic, settings)(data, "DATA")
        return asyncio.run(_publish_one(settings, topic, value, options, as_json_))
    return asyncio.run(_publish_lines(settings_for(servers, namespace), topic, text, confirm, options, as_json_))


async def _publish_one(settings: Settings, topic: str, value: Any, options: dict[str, Any], as_json_: bool) -> int:
    from bus import MessageBus
    from bus.routing.router import Router

    route = Router.from_settings(settings).route(topic, options["priority"])  # wrong names need no broker to be told
    async with MessageBus(settings) as bus:
        receipt = await bus.publish(topic, value, **options, confirm=True)
        landed = await receipt.wait()
    if as_json_:
        out(as_json({"topic": topic, "tier": route.tier.tier, "id": landed.id, **landed._asdict()}))
    else:
        out(f"published to {topic} ({route.tier.tier}): {landed.id}")
    return FINE


async def _publish_lines(
    settings: Settings, topic: str, text: bool, confirm: bool, options: dict[str, Any], as_json_: bool
) -> int:
    from bus import MessageBus
    from bus.errors import EncodeError
    from bus.routing.router import Router
    from ops.cli.lines import stdin_lines

    route = Router.from_settings(settings).route(topic, options["priority"])
    read = reader_of(topic, settings)
    published = 0
    async with MessageBus(settings) as bus:
        async for number, line in stdin_lines(settings.max_request_size_bytes):
            try:
                value = line if text else read(line, f"line {number}")
                await bus.publish(topic, value, **options, confirm=confirm)
            except (WrongUse, EncodeError) as error:
                await bus.flush()
                where = "" if isinstance(error, WrongUse) else f"line {number}: "
                raise WrongUse(f"{where}{error}; published before it: {published:,}") from error
            published += 1
        await bus.flush()
    if as_json_:
        out(as_json({"topic": topic, "tier": route.tier.tier, "published": published, "acknowledged": published}))
    else:
        out(f"published {published:,} messages to {topic} ({route.tier.tier}), all acknowledged")
    return FINE


def reader_of(topic: str, settings: Settings) -> Callable[[str, str], Any]:
    """What reads JSON for a topic: as its contract has it, or as it is."""
    from ops.contracts.from_json import from_json
    from ops.contracts.opening import contracts_of

    contract = contracts_of(settings).contract_of(topic)
    if contract is None:
        return parsed
    schema = contract.avsc
    return lambda text, what: from_json(schema, parsed(text, what, Decimal))


def parsed(text: str, what: str, point: type = float) -> Any:
    """The value of JSON text.

    Args:
        text: The JSON.
        what: What it is, for the error.
        point: What numbers with a point become.

    Raises:
        WrongUse: It is no JSON; says where.
    """
    try:
        return json.loads(text, parse_float=point)
    except json.JSONDecodeError as error:
        raise WrongUse(
            f"{what} is no JSON: {error.msg} at character {error.pos + 1}; mind the shell's quotes, or use --text"
        ) from None
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"{what} is no JSON that can be read: {error}") from None


def headers_of(pairs: list[str]) -> dict[str, str]:
    """The headers of `name=value` pairs.

    Raises:
        WrongUse: One is no pair.
    """
    headers = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise WrongUse(f"header {pair!r} is no pair; write --header name=value")
        headers[name] = value
    return headers
