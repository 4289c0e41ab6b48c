"""The server.properties of a node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ops.broker.layout import LOOPBACK, Layout, Node

MAIN_LISTENER = "PLAINTEXT"


def durability(brokers: int) -> dict[str, str]:
    """Copies of everything: three brokers survive the loss of one; a single one has nowhere to copy to."""
    copies = min(3, brokers)
    in_sync = max(1, copies - 1)
    return {
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(copies),
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": str(in_sync),
    }


# For a developer's machine: little to create at first use, nobody to wait for, and no topic made by a typing
# error.
QUICK: Mapping[str, str] = {
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    # A broker that was killed may register again only when its last session has run out: 9 s by default.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    # The cleaner takes its whole buffer at start; 128 MB is for servers.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


def node_properties(layout: Layout, node: Node) -> dict[str, str]:
    """Every property of a node that runs as a local process, bound to loopback; `extra_properties` win.

    The quorum is static (`controller.quorum.voters`): a node's data then holds no address, so that it can be
    started again on other ports.
    """
    extra = [f"{name}://{LOOPBACK}:{port}" for name, port in node.listener_ports.items()]
    clients = [f"{MAIN_LISTENER}://{LOOPBACK}:{node.port}", *extra]
    protocols = {MAIN_LISTENER: "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **layout.listeners}
    voters = ",".join(f"{n.node_id}@{LOOPBACK}:{n.controller_port}" for n in layout.nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": MAIN_LISTENER,
        "listeners": ",".join([*clients, f"CONTROLLER://{LOOPBACK}:{node.controller_port}"]),
        "advertised.listeners": ",".join(clients),
        "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in protocols.items()),
        "log.dirs": node.data_path.as_posix(),
        **QUICK,
        **durability(len(layout.nodes)),
        **layout.extra_properties,
    }


def container_environment(layout: Layout, node: Node, host: str, peers: Mapping[int, str]) -> dict[str, str]:
    """The same for the apache/kafka image, which reads its properties from KAFKA_* variables.

    Args:
        layout: The whole broker.
        node: The node to describe.
        host: The container's own host name.
        peers: Host name of every node by node_id.
    """
    properties = {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "controller.quorum.voters": ",".join(f"{i}@{peer}:19093" for i, peer in peers.items()),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INTERNAL",
        "listeners": f"{MAIN_LISTENER}://:9092,INTERNAL://:19092,CONTROLLER://:19093",
        "advertised.listeners": f"{MAIN_LISTENER}://{node.server},INTERNAL://{host}:19092",
        "listener.security.protocol.map": ",".join(f"{n}:PLAINTEXT" for n in (MAIN_LISTENER, "INTERNAL", "CONTROLLER")),
        "log.dirs": "/var/lib/kafka/data",
        **QUICK,
        **durability(len(layout.nodes)),
        **layout.extra_properties,
    }
    return {"CLUSTER_ID": layout.cluster_id} | {variable(k): v for k, v in properties.items()}


def variable(name: str) -> str:
    """The image's rule: `.` becomes `_`, `_` becomes `__`, `-` becomes `___`."""
    return "KAFKA_" + name.replace("_", "__").replace("-", "___").replace(".", "_").upper()


def render(properties: Mapping[str, str]) -> str:
    r"""Properties as Java reads them: backslashes and line ends escaped, what is not ASCII as \uXXXX."""
    return "".join(f"{_escape(k, key=True)}={_escape(v)}\n" for k, v in properties.items())


def _escape(text: str, *, key: bool = False) -> str:
    out = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if key:
        out = out.replace("=", "\\=").replace(":", "\\:").replace(" ", "\\ ")
    elif out.startswith(" "):
        out = "\\" + out
    return "".join(c if c.isascii() else "".join(_units(c)) for c in out)


def _units(character: str) -> list[str]:
    raw = character.encode("utf-16-be")
    return [f"\\u{raw[i : i + 2].hex()}" for i in range(0, len(raw), 2)]


def write(path: Path, properties: Mapping[str, str]) -> None:
    """Writes them for the owner alone: they may hold passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(render(properties), encoding="ascii")
