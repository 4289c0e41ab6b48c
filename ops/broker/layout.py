"""The shape of a broker: its nodes, their ports and files, and its extra listeners and properties."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Node:
    """One broker, which is a controller too.

    Attributes:
        node_id: Kafka's node.id, from 1.
        port: Where clients connect, on loopback.
        controller_port: Where the other controllers connect; inside the container when it is one.
        directory: Its own folder: properties, log, data.
        listener_ports: Ports of the extra listeners by name.
        pid: The process, once it was started.
        created_s: When that process was made; with `pid` it names one process for ever, a pid alone does not.
        container: The container's id, once it was made.
    """

    node_id: int
    port: int
    controller_port: int
    directory: Path
    listener_ports: Mapping[str, int] = field(default_factory=dict)
    pid: int | None = None
    created_s: float | None = None
    container: str | None = None

    @property
    def server(self) -> str:
        """`host:port` of the main listener."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def properties_path(self) -> Path:
        """The file that the process is started with: the last word of its command line."""
        return self.directory / "server.properties"

    @property
    def data_path(self) -> Path:
        """Kafka's log.dirs."""
        return self.directory / "data"

    @property
    def log_path(self) -> Path:
        """Where the process writes what it has to say."""
        return self.directory / "kafka.log"

    def stopped(self) -> Node:
        """The same node with no process."""
        return replace(self, pid=None, created_s=None)


@dataclass(frozen=True, slots=True)
class Layout:
    """All nodes of one broker.

    Attributes:
        name: The name that people use.
        cluster_id: Kafka's cluster.id.
        nodes: Its nodes by ascending node_id.
        listeners: Extra listeners, name -> security protocol, as {"SASL_SSL": "SASL_SSL"}.
        extra_properties: Properties that win over ours.
        scram_users: Credentials to be made when the data is formatted, as kafka-storage's --add-scram takes
            them.
    """

    name: str
    cluster_id: str
    nodes: tuple[Node, ...]
    listeners: Mapping[str, str] = field(default_factory=dict)
    extra_properties: Mapping[str, str] = field(default_factory=dict)
    scram_users: tuple[str, ...] = ()

    @property
    def bootstrap_servers(self) -> str:
        """Every node's main listener, comma-separated."""
        return ",".join(node.server for node in self.nodes)

    def with_node(self, node: Node) -> Layout:
        """The same layout with the node of that id replaced."""
        return replace(self, nodes=tuple(node if n.node_id == node.node_id else n for n in self.nodes))


LABEL = "tierbus.broker"


def label(layout: Layout) -> str:
    """The label `key=value` on everything that Docker runs for it."""
    return f"{LABEL}={layout.name}"


def new_kafka_id() -> str:
    """A random id as Kafka writes them: 22 characters, never a dash first (tools take that for an option)."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
