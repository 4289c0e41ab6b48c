"""Starts all nodes of a layout, or none."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ops.broker import readiness
from ops.broker.layout import Layout
from ops.broker.values import BrokerError
from ops.broker.way import Way


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
        launched: Called with the layout after each launch, so that what runs is on record before it is waited for.

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

    With several nodes the last ones lose their quorum while they stop, so each is given a share of the time.
    """
    stopped = False
    deadline = time.monotonic() + timeout_s
    for left, node in zip(range(len(layout.nodes), 0, -1), reversed(layout.nodes), strict=True):
        share_s = max(0.5, (deadline - time.monotonic()) / left)
        with contextlib.suppress(BrokerError):
            stopped |= way.stop(node, timeout_s=share_s, hard=hard)
    return stopped
