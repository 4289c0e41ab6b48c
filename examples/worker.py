"""A worker: handlers of a group, which share its work with every other process of the group. Ends with Ctrl-C."""

import asyncio
from dataclasses import dataclass

from bus import Message, MessageBus, Settings


@dataclass
class Order:
    """What the handler wants to be given; data that does not fit is refused before it is called."""

    id: int
    symbol: str = "unknown"
    quantity: float = 0.0


bus = MessageBus(Settings())


@bus.on("trading.orders.*.new", group="risk", workers=16)
async def check(order: Order, message: Message) -> None:
    """Orders of one key come one after the other, those of different keys up to 16 at once."""
    verdict = "too large" if order.quantity > 100 else "fine"
    print(f"order {order.id} of {order.quantity:g} {order.symbol}: {verdict}", flush=True)
    if verdict != "fine":
        await bus.publish("risk.alerts.flow", {"order": order.id, "quantity": order.quantity}, key="flow")


if __name__ == "__main__":
    asyncio.run(bus.run())  # until SIGINT or SIGTERM; then it drains, commits and closes
