"""Members that come and go over a cluster that stops and starts: nothing lost, no key out of order."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import pytest

from bus import Message, MessageBus
from bus.testing import MemoryCluster, memory_bus

MESSAGES = 400
KEYS = 17


class World:
    """One run: what was handled, in the order of handling."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.cluster = MemoryCluster()
        self.handled: list[tuple[str, int]] = []

    def bus(self) -> MessageBus:
        return memory_bus(cluster=self.cluster, commit_interval_ms=10, drain_timeout_s=5)

    @property
    def complete(self) -> bool:
        return len({number for _, number in self.handled}) == MESSAGES

    async def publish(self) -> None:
        async with self.bus() as bus:
            for number in range(MESSAGES):
                await bus.publish(f"shop.carts.t{number % 3}", number, key=f"key-{number % KEYS}")
                if self.chance.random() < 0.1:
                    await asyncio.sleep(self.chance.uniform(0, 0.01))
                if self.chance.random() < 0.01:
                    self.cluster.stop()
                    await asyncio.sleep(0.01)
                    self.cluster.start()
            await bus.flush()

    async def pull(self, life_s: float) -> None:
        """A member that pulls for a while, and leaves."""
        async with self.bus() as bus:
            orders = await bus.subscribe("shop.**", group="crew")
            loop = asyncio.get_running_loop()
            end_s = loop.time() + life_s
            while loop.time() < end_s:
                message = await orders.receive(0.02)
                if message is not None:
                    self.handled.append((message.key or "", message.data))
                    if self.chance.random() < 0.2:
                        await asyncio.sleep(0.001)

    async def run(self, life_s: float) -> None:
        """A member that handles for a while, and is told to stop."""
        bus = self.bus()

        @bus.on("shop.**", group="crew", workers=self.chance.choice([1, 4, 16]))
        async def handle(data: int, message: Message) -> None:
            if self.chance.random() < 0.3:
                await asyncio.sleep(self.chance.uniform(0, 0.004))
            self.handled.append((message.key or "", data))

        running = asyncio.create_task(bus.run())
        await asyncio.wait([running], timeout=life_s)
        bus.stop()
        await running

    async def member_after_member(self, how: str) -> None:
        while not self.complete:
            life_s = self.chance.uniform(0.02, 0.3)
            await (self.pull(life_s) if how == "pull" else self.run(life_s))


@pytest.mark.parametrize("how", ["pull", "run"])
@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_and_keys_keep_their_order(how: str, seed: int) -> None:
    world = World(seed)
    async with asyncio.timeout(60):
        await asyncio.gather(world.publish(), *(world.member_after_member(how) for _ in range(3)))
    assert world.complete
    first_handlings: defaultdict[str, dict[int, None]] = defaultdict(dict)
    for key, number in world.handled:
        first_handlings[key][number] = None  # what was handled again is no reordering
    assert {key: list(numbers) for key, numbers in first_handlings.items()} == {
        f"key-{key}": list(range(key, MESSAGES, KEYS)) for key in range(KEYS)
    }
