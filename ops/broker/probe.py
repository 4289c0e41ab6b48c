"""Asks a broker, in Kafka's protocol over a plain socket, whether it serves."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

_METADATA, _METADATA_VERSION = 3, 1
_RESPONSE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """The brokers that can take records now, and one that leads requests to the controller (-1: none)."""

    broker_ids: frozenset[int]
    controller_id: int


def ask(host: str, port: int, *, timeout_s: float = 2.0) -> Answer | None:
    """The broker's view of its cluster; None when it does not give one within `timeout_s`.

    A broker is listed once it has registered and caught up with the controller, so an answer that names all
    brokers and a controller means that topics can be created and written.
    """
    # Metadata v1 for an empty list of topics: the cheapest question whose answer holds brokers and
    # controller.
    body = struct.pack(">hhih", _METADATA, _METADATA_VERSION, 1, 7) + b"tierbus" + struct.pack(">i", 0)
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(body)) + body)
            (size,) = struct.unpack(">i", _read(connection, 4))
            if not 4 < size <= _RESPONSE_BYTES_MAX:
                return None
            return parse(_read(connection, size))
    except (OSError, struct.error, EOFError):
        return None


def reachable(host: str, port: int, *, timeout_s: float = 2.0) -> bool:
    """Whether something accepts connections there, whatever it speaks."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def parse(response: bytes) -> Answer:
    """Reads a Metadata v1 response: correlation id, brokers (id, host, port, rack), controller id.

    Raises:
        struct.error: The bytes end too early.
    """
    (count,) = struct.unpack_from(">i", response, 4)
    at, ids = 8, []
    for _ in range(count):
        node_id, length = struct.unpack_from(">ih", response, at)
        at += 6 + length + 4
        (length,) = struct.unpack_from(">h", response, at)
        at += 2 + max(0, length)
        ids.append(node_id)
    (controller_id,) = struct.unpack_from(">i", response, at)
    return Answer(frozenset(ids), controller_id)


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        chunk = connection.recv(size - len(parts))
        if not chunk:
            raise EOFError
        parts += chunk
    return bytes(parts)
