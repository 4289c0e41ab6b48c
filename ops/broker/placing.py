"""Gives nodes their ports, the same again where they are still free."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ops.broker import ports
from ops.broker.layout import Layout, Node, new_kafka_id
from ops.broker.state import node_directory

_FIRST_PORT, _FIRST_CONTROLLER_PORT = 9092, 19092


def new_layout(name: str, folder: Path, brokers: int, rng: random.Random, *, usual_ports: bool) -> Layout:
    """A layout with new ids; ports from 9092 when `usual_ports` and they are free, else any free ones.

    Controllers get ports too, which no client needs to know.
    """
    taken: set[int] = set()
    nodes = []
    for i in range(brokers):
        wishes = (_FIRST_PORT + i, _FIRST_CONTROLLER_PORT + i) if usual_ports else (None, None)
        port, controller_port = (_claim(wish, taken, rng) for wish in wishes)
        nodes.append(Node(i + 1, port, controller_port, node_directory(folder, i + 1)))
    return Layout(name, new_kafka_id(), tuple(nodes))


def configured(
    layout: Layout,
    extra_properties: Mapping[str, str],
    listeners: Mapping[str, str],
    scram_users: tuple[str, ...],
    rng: random.Random,
) -> Layout:
    """The layout with properties and users of its own, and a port on every node for each extra listener."""
    taken = {port for node in layout.nodes for port in (node.port, node.controller_port)}
    nodes = tuple(
        replace(node, listener_ports={name: _claim(None, taken, rng) for name in listeners}) for node in layout.nodes
    )
    return replace(
        layout,
        nodes=nodes,
        listeners=dict(listeners),
        extra_properties=dict(extra_properties),
        scram_users=scram_users,
    )


def replaced(layout: Layout, rng: random.Random) -> tuple[Layout, tuple[str, ...]]:
    """The layout of stopped nodes with new ports for those that others have taken meanwhile.

    Returns:
        The layout, and a sentence for each client port that changed.
    """
    taken: set[int] = set()
    nodes, notes = [], []
    for node in layout.nodes:
        port = _claim(node.port, taken, rng)
        controller_port = _claim(node.controller_port, taken, rng)
        if port != node.port:
            notes.append(f"port {node.port} is taken by another program; broker {node.node_id} uses {port}")
        nodes.append(replace(node, port=port, controller_port=controller_port))
    return replace(layout, nodes=tuple(nodes)), tuple(notes)


def _claim(wish: int | None, taken: set[int], rng: random.Random) -> int:
    port = ports.choose(wish, taken, rng)
    taken.add(port)
    return port
