"""`tierbus tail`: messages as they come."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.failing import FINE, TROUBLE, WrongUse, tell
from ops.cli.options import AsJson, Debug, Namespace, Servers
from ops.cli.printing import as_json, out, printable, shown
from ops.cli.where import settings_for

if TYPE_CHECKING:
    from bus import Message, Settings

Pattern = Annotated[str, typer.Argument(help="A topic or a pattern: `*` is one segment, `**` one or more. Quote it.")]
Group = Annotated[
    str | None, typer.Option("--group", help="Read as a member of this group, and acknowledge what is printed.")
]
FromStart = Annotated[
    bool,
    typer.Option("--from-start", help="Begin with the earliest message that Kafka still has, in a group made for it."),
]
Count = Annotated[int | None, typer.Option("--count", min=1, help="End after this many messages.")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=0.1, metavar="SECONDS", help="End after this time; with --count, fewer is trouble."),
]


def tail(
    pattern: Pattern,
    group: Group = None,
    from_start: FromStart = False,
    count: Count = None,
    timeout: Timeout = None,
    servers: Servers = None,
    namespace: Namespace = None,
    as_json_: AsJson = False,
    debug: Debug = False,
) -> int:
    """Print messages as they come.

    Until Ctrl-C, --count or --timeout. With --json, one JSON line a message.
    """
    if from_start and group is not None:
        raise WrongUse("--from-start makes a group of its own; leave out --group")
    if from_start:
        group = f"tail-{secrets.token_hex(6)}"
    return asyncio.run(_tail(settings_for(servers, namespace), pattern, group, count, timeout, as_json_))


async def _tail(
    settings: Settings, pattern: str, group: str | None, count: int | None, timeout: float | None, as_json_: bool
) -> int:
    from bus import DecodeError, MessageBus
    from bus.routing.patterns import compile_pattern

    compile_pattern(pattern)  # a wrong one needs no broker to be told
    settings = settings.model_copy(update={"read_as_contract": False})  # what is there, as it was written
    printed = unreadable = 0
    async with MessageBus(settings) as bus:
        subscription = await bus.subscribe(pattern, group=group)
        tell(f"listening to {pattern} at {settings.bootstrap_servers}; Ctrl-C ends it")
        with _ended_by_signals():
            try:
                async with asyncio.timeout(timeout):
                    while count is None or printed < count:
                        try:
                            message = await subscription.receive()
                        except DecodeError as error:
                            unreadable += 1
                            tell(str(error))
                            continue
                        assert message is not None
                        out(as_json(document(message)) if as_json_ else line(message))
                        message.ack()
                        printed += 1
            except TimeoutError:
                if count is not None:
                    tell(f"{printed} of {count} messages came within {timeout:g} s")
                    return TROUBLE
            except asyncio.CancelledError:
                task = asyncio.current_task()
                assert task is not None
                task.uncancel()
    return TROUBLE if unreadable else FINE


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM cancel the task that waits, which is the usual end of a tail."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def line(message: Message) -> str:
    """A message in one line for a person."""
    when = datetime.fromtimestamp(message.timestamp_ms / 1000).strftime("%H:%M:%S.%f")[:-3]
    parts = [when, f"{message.priority.tier:<8}", printable(message.topic)]
    if message.key is not None and message.key != message.topic:
        parts.append(f"key={printable(message.key)}")
    parts += [f"{printable(name)}={printable(value)}" for name, value in message.headers.items()]
    parts.append("(tombstone)" if message.data is None else shown(message.data))
    return " ".join(parts)


def document(message: Message) -> dict[str, Any]:
    """A message as a JSON object."""
    return {
        "topic": message.topic,
        "tier": message.priority.tier,
        "key": message.key,
        "headers": message.headers,
        "timestamp": message.timestamp,
        "id": message.id,
        "data": message.data,
    }
