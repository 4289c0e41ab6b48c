"""A bus that needs no Kafka, for users' own tests."""

from __future__ import annotations

from typing import Any

from bus.client import MessageBus
from bus.settings import Settings
from bus.transport.memory import MemoryCluster, MemoryTransport

__all__ = ["MemoryCluster", "memory_bus"]

_DISCOVERY_INTERVAL_MS = 100
"""Memory answers at once, so a test need not wait seconds until a new family is found."""


def memory_bus(*, cluster: MemoryCluster | None = None, **settings: Any) -> MessageBus:
    """A bus over memory that is not connected yet; everything else is as with Kafka.

    ```python
    async def test_orders_are_checked() -> None:
        async with memory_bus() as bus:
            orders = await bus.subscribe("trading.orders.*.new")
            await bus.publish("trading.orders.BINANCE.new", {"id": 7})
            message = await bus.receive(timeout=1.0)
            assert message.data == {"id": 7}
    ```

    Args:
        cluster: Shared by all buses that are to see each other's messages; none gives this bus one of its
            own. Its `stop()` and `start()` play an outage.
        settings: Any of `Settings`; `discovery_interval_ms` is 100 unless given.

    Raises:
        SettingsError: One or more settings are wrong or exclude each other.
    """
    values = Settings(**({"discovery_interval_ms": _DISCOVERY_INTERVAL_MS} | settings))
    return MessageBus(values, transport=MemoryTransport(values, cluster))
