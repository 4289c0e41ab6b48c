"""Starts and ends aiokafka's clients in bounded time, with no connection left open, whether Kafka answers or not."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Iterator
from typing import Any

from aiokafka.errors import KafkaError

_FORCE_S = 1.0
_TASKS = (
    ("_coordinator", ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task")),
    ("_fetcher", ("_fetch_task",)),
    ("_sender", ("sender_task",)),
)


async def start(client: Any, timeout_s: float) -> None:
    """Starts the client; one that cannot start, or is no longer wanted, still has to be ended.

    Raises:
        TimeoutError: Not within the time given.
        KafkaError: As aiokafka raises it.
    """
    async with asyncio.timeout(timeout_s):
        try:
            await client.start()
        except BaseException as error:
            # aiokafka 0.14 forgets its first connection when it is stopped while it asks through it for metadata.
            for frame, _ in traceback.walk_tb(error.__traceback__):
                first = frame.f_locals.get("bootstrap_conn")
                if first is not None:
                    first.close()
            raise


async def end(client: Any, timeout_s: float) -> bool:
    """Stops the client; by force when it has not ended within the time given, which takes a second or two more.

    By force nothing is said to Kafka: a member's partitions go to others when its session has run out.

    Returns:
        Whether it ended by itself.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await client.stop()
    except (TimeoutError, KafkaError):
        pass
    except asyncio.CancelledError:
        # aiokafka 0.14 cancels its own fetch that sleeps before it tries again, and lets that out of stop().
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
    else:
        await end_connections(_connections(client), _FORCE_S)
        return True
    client._closed = True
    left = list(_tasks(client))
    for task in left:
        task.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FORCE_S):
            await asyncio.gather(*left, return_exceptions=True)
    await end_connections(_connections(client), _FORCE_S)
    return False


async def end_connections(connections: Any, timeout_s: float) -> None:
    """Closes what an aiokafka client connects through, its metadata task included.

    That task may miss the first cancellation: aiokafka 0.14 takes it for a timeout when a request times out in the
    same step. And a request that is under way meanwhile would open a connection anew.
    """
    for _ in range(2):
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(timeout_s):
                connections._get_conn = _no_connection
                async with connections._get_conn_lock:
                    pass
                await connections.close()
                return


async def _no_connection(*_: Any, **__: Any) -> None:
    """What aiokafka is told when a broker cannot be reached."""


def _connections(client: Any) -> Any:
    return client._client if hasattr(client, "_client") else client.client


def _tasks(client: Any) -> Iterator[asyncio.Task[Any]]:
    """What aiokafka would go on with for as long as Kafka does not answer."""
    for part_name, names in _TASKS:
        part = getattr(client, part_name, None)
        tasks = [getattr(part, name, None) for name in names]
        for task in [*tasks, *getattr(part, "_pending_tasks", ())]:
            if task is not None and not task.done():
                yield task
