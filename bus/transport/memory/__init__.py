"""The engine in memory, for users' own tests: every promise of `bus.transport.base`, inside one process."""

from bus.transport.memory.cluster import MemoryCluster
from bus.transport.memory.transport import MemoryTransport

__all__ = ["MemoryCluster", "MemoryTransport"]
