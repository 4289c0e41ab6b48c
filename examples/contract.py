"""A contract: a model says what data looks like, a wrong value is refused, and old data stays readable."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from bus import EncodeError, MessageBus, Settings


class Order(BaseModel):
    """The Avro schema is derived from it: a long, a decimal(12, 2), a timestamp in microseconds, an optional text."""

    id: int
    price: Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
    placed_at: datetime
    note: str | None = None


async def main() -> None:
    """Publishes a right value and a wrong one."""
    async with MessageBus(Settings()) as bus:
        bus.contract(Order, "shop.orders.**", namespace="shop")
        orders = await bus.subscribe("shop.orders.*")
        await bus.publish("shop.orders.new", Order(id=7, price=Decimal("9.95"), placed_at=datetime.now(UTC)))
        message = await orders.receive()
        assert message is not None
        print("received", Order.model_validate(message.data).price)
        try:
            await bus.publish("shop.orders.new", {"id": 8, "price": "9.95", "placed_at": datetime.now(UTC)})
        except EncodeError as error:
            print("refused", error)


if __name__ == "__main__":
    asyncio.run(main())
