"""Chooses TCP ports on loopback."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

from ops.broker.layout import LOOPBACK
from ops.broker.values import BrokerError

# Below what systems hand out to outgoing connections (from 32768 on Linux, 49152 elsewhere): while a broker
# is down its clients keep connecting to its port, and from a port of that range a connection can meet itself
# and take it.
FREE_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: ignore TIME_WAIT
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(1)
        except OSError:
            return False
        return True


def choose(preferred: int | None, taken: Collection[int], rng: random.Random) -> int:
    """`preferred` if it is free and not in `taken`, else a free one from `FREE_RANGE`.

    Raises:
        BrokerError: 200 tries found none.
    """
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    for _ in range(200):
        port = rng.choice(FREE_RANGE)
        if port not in taken and is_free(port):
            return port
    raise BrokerError(f"no free TCP port on {LOOPBACK} in {FREE_RANGE.start}-{FREE_RANGE.stop}: close something")
