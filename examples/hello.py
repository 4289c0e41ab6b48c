"""The smallest program: publishes a message and receives it. Run `tierbus up` first."""

import asyncio

from bus import MessageBus, MessagePriority, Settings


async def main() -> None:
    """Publishes, receives, prints."""
    async with MessageBus(Settings()) as bus:
        orders = await bus.subscribe("trading.orders.*.new")
        order = {"id": 7, "symbol": "BTC-USD", "quantity": 0.5}
        await bus.publish("trading.orders.BINANCE.new", order, priority=MessagePriority.CRITICAL, key="BTC-USD")
        async for message in orders:
            print(message.topic, message.priority.tier, message.key, message.data)
            break


if __name__ == "__main__":
    asyncio.run(main())
