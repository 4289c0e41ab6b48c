"""A broker for one test, demonstration or measurement, which nothing of is left afterwards."""

from __future__ import annotations

import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ops.broker import placing, readiness, ways
from ops.broker.layout import Layout, Node, label
from ops.broker.starting import start_all, stop_all
from ops.broker.values import BrokerError, Progress, Unavailable
from ops.broker.way import Way

_STOP_S = 10.0
# The other way round than for `up`: a process starts in a third of the time and can be killed and frozen by
# hand.
_ORDER = ("process", "container")


class Cluster:
    """A running temporary broker; its nodes are counted from 0 and can be made to fail.

    Its methods block, each within a bound; call them by `asyncio.to_thread` from a coroutine.
    """

    def __init__(self, way: Way, layout: Layout, watchdog: Watchdog) -> None:
        self._way = way
        self._layout = layout
        self._watchdog = watchdog

    def __repr__(self) -> str:
        return f"<Cluster {self.how} {self.bootstrap_servers} | {sum(map(self.alive, self.nodes))} alive>"

    @property
    def how(self) -> str:
        """`process` or `container`."""
        return self._way.how

    @property
    def bootstrap_servers(self) -> str:
        """The plaintext listeners, `host:port` comma-separated; the same through stops and starts."""
        return self._layout.bootstrap_servers

    @property
    def nodes(self) -> tuple[int, ...]:
        """The numbers to name nodes by; Kafka's own node.id is one more."""
        return tuple(range(len(self._layout.nodes)))

    def server(self, node: int = 0) -> str:
        """`host:port` of one node."""
        return self._node(node).server

    def listener(self, name: str) -> str:
        """`host:port`, comma-separated, of an extra listener.

        Raises:
            BrokerError: No such listener was asked for.
        """
        if name not in self._layout.listeners:
            have = ", ".join(self._layout.listeners) or "none"
            raise BrokerError(f"this broker has no listener {name!r}; its extra listeners: {have}")
        return ",".join(f"127.0.0.1:{node.listener_ports[name]}" for node in self._layout.nodes)

    def pid(self, node: int = 0) -> int | None:
        """The node's process id; None while it is stopped, and for a container."""
        return self._node(node).pid

    def alive(self, node: int = 0) -> bool:
        """Whether the node runs, frozen or not."""
        return self._way.alive(self._node(node))

    def log_tail(self, node: int = 0, lines: int = 15) -> str:
        """The last lines that the node wrote."""
        return self._way.log_tail(self._node(node), lines)

    def stop(self, node: int = 0, *, hard: bool = False) -> None:
        """Stops a node and keeps its data; `hard` is kill -9. Returns when it is gone."""
        running = self._node(node)
        self._way.stop(running, timeout_s=_STOP_S, hard=hard)
        self._watchdog.forget(running)
        self._layout = self._layout.with_node(running.stopped())

    def start(self, node: int = 0, *, wait: bool = True, timeout_s: float = 60.0) -> None:
        """Starts a stopped node on the same port and data; returns when it serves, or at once without `wait`.

        It cannot serve without a quorum: bring several back with `wait=False`, then wait with the last.

        Raises:
            BrokerError: It ended, or does not serve in time.
        """
        if self.alive(node):
            return
        launched = self._way.launch(self._layout, self._node(node), kept=False)
        self._watchdog.watch(launched)
        self._layout = self._layout.with_node(launched)
        if wait:
            readiness.wait(self._way, [launched], deadline=time.monotonic() + timeout_s, together=False)

    def wait(self, *, timeout_s: float = 60.0) -> None:
        """Returns when all nodes serve and see each other.

        Raises:
            BrokerError: They do not in time.
        """
        readiness.wait(self._way, self._layout.nodes, deadline=time.monotonic() + timeout_s)

    def pause(self, node: int = 0) -> None:
        """Freezes a node (SIGSTOP): connections stay open, nothing is answered."""
        self._way.pause(self._node(node))

    def resume(self, node: int = 0) -> None:
        """Lets a frozen node go on (SIGCONT)."""
        self._way.resume(self._node(node))

    def _node(self, node: int) -> Node:
        if node not in self.nodes:
            raise BrokerError(f"there is no node {node}: this broker has {len(self.nodes)}, counted from 0")
        return self._layout.nodes[node]

    def _begin(self, timeout_s: float) -> None:
        self._layout = start_all(
            self._way, self._layout, kept=False, timeout_s=timeout_s, launched=self._watchdog.watch_all
        )

    def _end(self) -> None:
        # Its data goes too, so there is nothing to finish, unless a first one has a class archive to write.
        stop_all(self._way, self._layout, timeout_s=_STOP_S, hard=not self._way.learning)
        self._way.wipe(self._layout)


@contextmanager
def temporary(
    *,
    brokers: int = 1,
    how: str | None = None,
    extra_properties: Mapping[str, str] | None = None,
    listeners: Mapping[str, str] | None = None,
    scram_users: Sequence[str] = (),
    timeout_s: float = 60.0,
    on_progress: Progress | None = None,
) -> Iterator[Cluster]:
    """A new broker on free ports, with data of its own; removed at the end, also when this process is killed.

    TIERBUS_BOOTSTRAP_SERVERS has no say here: what is given cannot be broken at will.

    Args:
        brokers: How many.
        how: `process` or `container`; by default a process, else a container.
        extra_properties: Kafka properties that win over ours.
        listeners: Extra listeners beside the plaintext one, name -> security protocol; process only.
        scram_users: As kafka-storage's --add-scram: "SCRAM-SHA-256=[name=a,password=b]"; process only.
        timeout_s: Bound for the start, without the first fetch of Kafka.
        on_progress: Called with a sentence when something takes long.

    Raises:
        BrokerError: It cannot be had or did not start; nothing is left running.
    """
    if how == "container" and (listeners or scram_users):
        raise BrokerError("extra listeners and SCRAM users need how='process'")
    way = _choose(how, bool(listeners or scram_users), on_progress or (lambda _: None))
    folder = Path(tempfile.mkdtemp(prefix="tierbus-broker-"))
    try:
        with Watchdog() as watchdog:
            watchdog.remove_at_end(folder)
            rng = random.Random()  # noqa: S311
            name = f"tierbus-temp-{secrets.token_hex(4)}"
            layout = placing.new_layout(name, folder, brokers, rng, usual_ports=False)
            layout = placing.configured(layout, extra_properties or {}, listeners or {}, tuple(scram_users), rng)
            if way.how == "container":
                watchdog.remove_containers_at_end(layout)
            cluster = Cluster(way, layout, watchdog)
            try:
                cluster._begin(timeout_s)
                yield cluster
            finally:
                cluster._end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _choose(how: str | None, process_only: bool, progress: Progress) -> Way:
    reasons = []
    for choice in (how,) if how else _ORDER[:1] if process_only else _ORDER:
        way = ways.of(choice)
        try:
            way.prepare(progress)
        except Unavailable as error:
            reasons.append(f"no {choice}: {error}")
        else:
            return way
    raise BrokerError(ways.none_works(reasons))


class Watchdog:
    """A small process that ends what we started if we die first; as a context it leaves when we do not."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("watchdog.py")
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(self, *_: object) -> None:
        # All is stopped by now, or stopping it failed: then the watchdog is the one to see to it.
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def remove_at_end(self, folder: Path) -> None:
        """Also removes this folder when we die."""
        self._order(f"+folder {folder}")

    def remove_containers_at_end(self, layout: Layout) -> None:
        """Also removes the layout's containers and their network when we die."""
        self._order(f"+docker {label(layout)}")

    def watch_all(self, layout: Layout) -> None:
        """Watches every node of the layout that runs."""
        for node in layout.nodes:
            self.watch(node)

    def watch(self, node: Node) -> None:
        """Ends this node when we die."""
        if node.pid is not None:
            self.watch_process(node.pid)

    def forget(self, node: Node) -> None:
        """The node's process is gone; its id may become somebody else's."""
        if node.pid is not None:
            self.forget_process(node.pid)

    def watch_process(self, pid: int) -> None:
        """Ends this process when we die; we must wait for it, or its id may become somebody else's unseen."""
        self._order(f"+pid {pid}")

    def forget_process(self, pid: int) -> None:
        """The process is gone; its id may become somebody else's."""
        self._order(f"-pid {pid}")

    def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
