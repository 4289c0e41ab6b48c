"""Runs nodes as Docker containers of the apache/kafka image."""

from __future__ import annotations

from typing import Literal

from ops.broker.layout import Layout, Node
from ops.broker.values import Progress, Unavailable


class ContainerWay:
    """Kafka in a container of its own for each node."""

    how: Literal["container"] = "container"

    def prepare(self, progress: Progress) -> None:
        """See `Way`."""
        raise Unavailable("not yet built")

    def launch(self, layout: Layout, node: Node, *, kept: bool) -> Node:
        """See `Way`."""
        raise NotImplementedError

    def alive(self, node: Node) -> bool:
        """See `Way`."""
        return False

    def stop(self, node: Node, *, timeout_s: float, hard: bool = False) -> bool:
        """See `Way`."""
        return False

    def pause(self, node: Node) -> None:
        """See `Way`."""

    def resume(self, node: Node) -> None:
        """See `Way`."""

    def log_tail(self, node: Node, lines: int = 15) -> str:
        """See `Way`."""
        return ""

    def wipe(self, layout: Layout) -> None:
        """See `Way`."""
