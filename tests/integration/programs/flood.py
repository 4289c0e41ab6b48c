"""A producer process at full speed: publishes small messages and tells its memory at the beginning and the end."""

from __future__ import annotations

import asyncio
import json
import sys

from bus import MessageBus
from tests.integration.programs.ledger import quick
from tests.integration.programs.memory import Memory

KEYS = [f"key{n}" for n in range(200)]


async def main(servers: str, namespace: str, topic: str, count: int, warm_up: int) -> None:
    # Whoever publishes faster than Kafka takes waits for room, as long as that takes.
    settings = quick(servers, namespace, buffer_wait_ms=120_000, buffer_messages_max=20_000)
    memory = Memory(warm_up)
    async with MessageBus(settings) as bus:
        for number in range(count):
            await bus.publish(topic, b"%d" % number, key=KEYS[number % 200])
            memory.look(number + 1)
        await bus.flush()
        counted = bus.get_metrics()
    report = memory.report() | {"published": counted["published"], "acknowledged": counted["acknowledged"]}
    print(json.dumps(report))


if __name__ == "__main__":
    servers, namespace, topic, count, warm_up = sys.argv[1:]
    asyncio.run(main(servers, namespace, topic, int(count), int(warm_up)))
