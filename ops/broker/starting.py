"""Starts all nodes of a layout, or none."""

from __future__ import annotations

import time
from collections.abc import Callable

from ops.broker import readiness
from ops.broker.layout import Layout
from ops.broker.way import Way

_UNHEARD_S = 1.5


def start_all(
    way: Way,
    layout: Layout,
    *,
    kept: bool,
    timeout_s: float,
    launched: Callable[[Layout], None] = lambda _: None,
) -> Layout:
    """Launches every node and returns when all serve.

    Args:
        way: How to run them.
        layout: What to run; its nodes are stopped.
        kept: Whether they outlive this process.
        timeout_s: Bound for the whole.
        launched: Called with the layout after each launch, so that what runs is on record before it is waited
            for.

    Raises:
        BrokerError: They did not all start; those that did were stopped again.
    """
    deadline = time.monotonic() + timeout_s
    try:
        for node in layout.nodes:
            layout = layout.with_node(way.launch(layout, node, kept=kept))
            launched(layout)
        readiness.wait(way, layout.nodes, deadline=deadline)
    except BaseException:  # Ctrl-C as well: nothing half-started stays behind
        stop_all(way, layout, timeout_s=0.5)
        raise
    return layout


def stop_all(way: Way, layout: Layout, *, timeout_s: float, hard: bool = False) -> bool:
    """Stops every node, the last one first; True when one of them ran.

    A node takes its leave from the controller. Once so many have left that the rest has no quorum there is no
    controller to hear it, and Kafka would wait for minutes: those get `_UNHEARD_S`. No data is lost by that,
    but they look through their last segments at the next start.
    """
    quorum = len(layout.nodes) // 2 + 1
    stopped = False
    deadline = time.monotonic() + timeout_s
    for left, node in zip(range(len(layout.nodes), 0, -1), reversed(layout.nodes), strict=True):
        share_s = (deadline - time.monotonic()) / left
        bound_s = share_s if left >= quorum else min(_UNHEARD_S, share_s)
        stopped |= way.stop(node, timeout_s=max(0.5, bound_s), hard=hard)
    return stopped
