"""A consumer process whose handler is slower than the producer: counts, and tells its memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any

from bus import Message, MessageBus
from tests.integration.programs.ledger import quick
from tests.integration.programs.memory import Memory


async def main(servers: str, namespace: str, pattern: str, count: int, warm_up: int) -> None:
    bus = MessageBus(quick(servers, namespace))
    memory = Memory(warm_up)
    handled = reordered = most_lag = 0
    last: dict[str | None, int] = {}
    seen = bytearray(count)

    @bus.on(pattern, group="slow", workers=4)
    def handle(data: bytes, message: Message) -> None:
        nonlocal handled, reordered
        number, key = int(data), message.key
        reordered += number <= last.get(key, -1)
        last[key] = number
        if not seen[number]:
            seen[number] = 1
            handled += 1
            memory.look(handled)
            if handled == count:
                bus.stop()
        for _ in range(2):
            data = hashlib.sha256(data).digest()

    async def watch() -> None:
        nonlocal most_lag
        while True:
            await asyncio.sleep(1)
            lags: dict[str, Any] = await bus.lag()
            most_lag = max(most_lag, sum(lags.values()))

    watching = asyncio.create_task(watch())
    await bus.run()
    watching.cancel()
    print(json.dumps(memory.report() | {"handled": handled, "reordered": reordered, "most_lag": most_lag}))


if __name__ == "__main__":
    servers, namespace, topic, count, warm_up = sys.argv[1:]
    asyncio.run(main(servers, namespace, topic, int(count), int(warm_up)))
