"""What every way of running a broker can do; the commands know no more of it than this."""

from __future__ import annotations

from typing import Literal, Protocol

from ops.broker.layout import Layout, Node
from ops.broker.values import Progress


class Way(Protocol):
    """Runs nodes in one manner; keeps no state of its own beyond what a node carries."""

    @property
    def how(self) -> Literal["container", "process"]:
        """Its name."""

    @property
    def image(self) -> str:
        """The container image; "" for a process."""

    @property
    def version(self) -> str:
        """Kafka's version."""

    @property
    def learning(self) -> bool:
        """Whether a node launched by this object will, ending gracefully, make later starts faster."""

    def prepare(self, progress: Progress) -> None:
        """Makes sure that nodes can be started: finds the runtime, fetches what is missing.

        Raises:
            Unavailable: This machine cannot, and why.
        """

    def launch(self, layout: Layout, node: Node, *, kept: bool) -> Node:
        """Starts a node on its data, or on new data where it has none; returns at once, before it answers.

        A node that is `kept` outlives this process.

        Returns:
            The node with its process or container.
        """

    def alive(self, node: Node) -> bool:
        """Whether the process or container runs, answering or not."""

    def stop(self, node: Node, *, timeout_s: float, hard: bool = False) -> bool:
        """Ends it gracefully, by force after `timeout_s` or when `hard`; True when there was one to end."""

    def pause(self, node: Node) -> None:
        """Freezes it: its sockets stay open and nothing is answered."""

    def resume(self, node: Node) -> None:
        """Lets a frozen one go on."""

    def log_tail(self, node: Node, lines: int = 15) -> str:
        """The last lines that it wrote."""

    def wipe(self, layout: Layout) -> None:
        """Removes the data of all nodes, which must be stopped."""
