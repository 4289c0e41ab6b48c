"""A worker process: handles a pattern for a group and writes into a journal what it began and what it finished.

A line is `begin|end topic/partition/offset key n`; each is one write, so a kill loses none that was said.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
from typing import Any

from bus import Message, MessageBus
from tests.integration.programs.ledger import quick


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("servers")
    parser.add_argument("namespace")
    parser.add_argument("journal")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--takes-s", type=float, default=0.02)
    parser.add_argument("--drain-timeout-s", type=float, default=10.0)
    options = parser.parse_args()
    journal = os.open(options.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    rng = random.Random(os.getpid())

    def write(what: str, data: dict[str, Any], message: Message) -> None:
        os.write(journal, f"{what} {message.id} {data['key']} {data['n']}\n".encode())

    bus = MessageBus(quick(options.servers, options.namespace, drain_timeout_s=options.drain_timeout_s))

    @bus.on("jobs.**", group="workers", workers=options.workers)
    async def handle(data: dict[str, Any], message: Message) -> None:
        write("begin", data, message)
        await asyncio.sleep(rng.random() * 2 * options.takes_s)
        write("end", data, message)

    await bus.run()
    sys.stdout.write("ended by itself\n")


if __name__ == "__main__":
    asyncio.run(main())
