"""What is remembered of a named broker between commands."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import platformdirs

from ops.broker.layout import Layout, Node
from ops.broker.values import KAFKA_VERSION, BrokerError

_FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class State:
    """A broker as it was last started.

    Attributes:
        how: What runs it.
        layout: Its nodes, with their processes or containers while they run.
        started_s: When, in seconds since the epoch.
        version: Apache Kafka's version that its data is of.
        image: The container image; "" for a process.
    """

    how: Literal["container", "process"]
    layout: Layout
    started_s: float
    version: str = KAFKA_VERSION
    image: str = ""


def directory(name: str) -> Path:
    """The folder of a named broker: under TIERBUS_STATE_DIR, else where the system keeps a user's state.

    Raises:
        BrokerError: The name would not do as a name of folders and containers.
    """
    if not _NAME.match(name):
        raise BrokerError(f"{name!r} is no name for a broker: use up to 40 of a-z, 0-9 and '-', like 'default'")
    own = os.environ.get("TIERBUS_STATE_DIR")
    home = Path(own).absolute() if own else Path(platformdirs.user_state_dir("tierbus"))
    return home / "broker" / name


def load(folder: Path) -> State | None:
    """The state kept in `folder`; None when there is none.

    Raises:
        BrokerError: The file is not one that this version wrote.
    """
    path = folder / "state.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return from_json(json.loads(text), folder)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokerError(f"{path} cannot be read ({error}): remove that folder to begin anew") from error


def save(folder: Path, state: State) -> None:
    """Keeps the state; a reader sees the old one or the new one, never a part."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "state.json.draft"
    draft.write_text(json.dumps(to_json(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(folder / "state.json")


def forget(folder: Path) -> None:
    """Drops the state; data is somebody else's to remove."""
    (folder / "state.json").unlink(missing_ok=True)


def to_json(state: State) -> dict[str, Any]:
    """The file's content; folders are not in it, so that the whole may be moved."""
    nodes = [
        {
            "node_id": node.node_id,
            "port": node.port,
            "controller_port": node.controller_port,
            "pid": node.pid,
            "created_s": node.created_s,
            "container": node.container,
        }
        for node in state.layout.nodes
    ]
    return {
        "format": _FORMAT,
        "name": state.layout.name,
        "how": state.how,
        "version": state.version,
        "image": state.image,
        "started_s": state.started_s,
        "bootstrap_servers": state.layout.bootstrap_servers,
        "cluster_id": state.layout.cluster_id,
        "nodes": nodes,
    }


def from_json(content: dict[str, Any], folder: Path) -> State:
    """The reverse of `to_json`.

    Raises:
        ValueError: It is of another format.
        KeyError: Something is missing.
    """
    if content["format"] != _FORMAT:
        raise ValueError(f"format {content['format']}, not {_FORMAT}")
    if content["how"] not in ("container", "process"):
        raise ValueError(f"how is {content['how']!r}")
    nodes = tuple(
        Node(
            node_id=int(node["node_id"]),
            port=int(node["port"]),
            controller_port=int(node["controller_port"]),
            directory=node_directory(folder, int(node["node_id"])),
            pid=node["pid"],
            created_s=node["created_s"],
            container=node["container"],
        )
        for node in content["nodes"]
    )
    if not nodes:
        raise ValueError("no nodes")
    return State(
        how=cast("Literal['container', 'process']", content["how"]),
        layout=Layout(str(content["name"]), str(content["cluster_id"]), nodes),
        started_s=float(content["started_s"]),
        version=str(content["version"]),
        image=str(content["image"]),
    )


def node_directory(folder: Path, node_id: int) -> Path:
    """The folder of one node."""
    return folder / f"node-{node_id}"
