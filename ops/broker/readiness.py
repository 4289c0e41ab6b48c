"""Waits until nodes serve, and says why when they do not."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ops.broker import probe
from ops.broker.layout import LOOPBACK, Node
from ops.broker.values import BrokerError
from ops.broker.way import Way

_POLL_S = 0.03


def answers(nodes: Sequence[Node], *, together: bool = True, timeout_s: float = 2.0) -> bool:
    """Whether each node serves now: is registered and, when `together`, sees all the others registered."""
    wanted = {node.node_id for node in nodes}
    for node in nodes:
        answer = probe.ask(LOOPBACK, node.port, timeout_s=timeout_s)
        if answer is None or answer.controller_id < 0:
            return False
        if not (wanted if together else {node.node_id}) <= answer.broker_ids:
            return False
    return True


def wait(way: Way, nodes: Sequence[Node], *, deadline: float, together: bool = True) -> None:
    """Returns when all `nodes` serve.

    Args:
        way: How they run.
        nodes: Those to wait for.
        deadline: By `time.monotonic()`.
        together: As in `answers`.

    Raises:
        BrokerError: One of them ended, or the deadline passed; the last lines of its log are in the message.
    """
    while not answers(nodes, together=together):
        for node in nodes:
            if not way.alive(node):
                raise BrokerError(f"broker {node.node_id} ended while starting; {_log(way, node)}")
        if time.monotonic() >= deadline:
            silent = next((n for n in nodes if not answers([n], together=False)), nodes[0])
            raise BrokerError(f"broker {silent.node_id} on {silent.server} does not serve in time; {_log(way, silent)}")
        time.sleep(_POLL_S)


def _log(way: Way, node: Node) -> str:
    where = f"its log ({node.log_path})" if way.how == "process" else "its log"
    return f"{where} ends with:\n{way.log_tail(node)}"
