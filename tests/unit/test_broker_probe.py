"""How a broker is asked whether it serves, and where it may listen."""

from __future__ import annotations

import random
import socket
import struct
import threading

import pytest

from ops.broker import given, ports, probe
from ops.broker.probe import Answer
from ops.broker.values import BrokerError


def metadata(brokers: list[tuple[int, str, int, str | None]], controller: int) -> bytes:
    out = struct.pack(">ii", 7, len(brokers))
    for node_id, host, port, rack in brokers:
        out += struct.pack(">ih", node_id, len(host)) + host.encode() + struct.pack(">i", port)
        out += struct.pack(">h", -1) if rack is None else struct.pack(">h", len(rack)) + rack.encode()
    return out + struct.pack(">ii", controller, 0)


def test_brokers_and_controller_are_read() -> None:
    response = metadata([(1, "127.0.0.1", 9092, None), (3, "h", 9094, "rack-a")], 3)
    assert probe.parse(response) == Answer(frozenset({1, 3}), 3)


@pytest.mark.parametrize("cut", range(4, 40))
def test_a_response_that_ends_early_is_an_error(cut: int) -> None:
    response = metadata([(1, "127.0.0.1", 9092, "r"), (2, "127.0.0.1", 9093, None)], 1)
    with pytest.raises(struct.error):
        probe.parse(response[:cut])


@pytest.mark.parametrize("reply", [b"", b"\0\0", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x08abcdefgh"])
def test_something_else_that_listens_is_no_broker(reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        assert probe.ask("127.0.0.1", server.getsockname()[1]) is None
        thread.join()


def test_one_that_accepts_and_keeps_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert probe.ask("127.0.0.1", server.getsockname()[1], timeout_s=0.05) is None


def test_a_wish_is_granted_when_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        other = ports.choose(port, (), random.Random(1))
        assert other != port
        assert other in ports.FREE_RANGE
    assert ports.choose(port, (), random.Random(1)) == port
    assert ports.choose(port, {port}, random.Random(1)) != port


def test_no_free_port_is_an_error() -> None:
    with pytest.raises(BrokerError, match="no free TCP port"):
        ports.choose(None, ports.FREE_RANGE, random.Random(1))


@pytest.mark.parametrize(
    ("value", "servers"),
    [
        ("", None),
        ("  ", None),
        ("a:1", "a:1"),
        ("a:1, b:2", "a:1,b:2"),
        ('["a:1", "b:2"]', "a:1,b:2"),
        ("a:1,", "a:1"),
    ],
)
def test_given_servers_in_every_form(monkeypatch: pytest.MonkeyPatch, value: str, servers: str | None) -> None:
    monkeypatch.setenv("TIERBUS_BOOTSTRAP_SERVERS", value)
    assert given.servers() == servers
