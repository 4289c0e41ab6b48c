"""A producer: a thousand orders in one call, and what became of them."""

import asyncio
from collections.abc import Iterator

from bus import MessageBus, Settings

SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")


def orders(count: int) -> Iterator[dict[str, object]]:
    """Made up ones."""
    for number in range(1, count + 1):
        yield {"id": number, "symbol": SYMBOLS[number % 3], "quantity": number * 37 % 120 + 0.5}


async def main() -> None:
    """Publishes all, waits for all."""
    async with MessageBus(Settings()) as bus:
        # It returns when all are in the bounded buffer; a full one makes it wait, and after that raises.
        receipts = await bus.publish_many(
            "trading.orders.BINANCE.new", orders(1_000), key=lambda order: str(order["symbol"])
        )
        print(f"delivered {await receipts.wait()} of {receipts.count}")


if __name__ == "__main__":
    asyncio.run(main())
