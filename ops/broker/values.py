"""What callers of the broker commands get back, and the one error they raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

How = Literal["given", "container", "process"]
Progress = Callable[[str], None]

KAFKA_VERSION = "4.3.1"


class BrokerError(Exception):
    """No broker could be started, stopped or reached: says what, where, and what to do next."""


class Unavailable(BrokerError):  # noqa: N818 - it is an answer ("this way is not open here"), then perhaps an error
    """One way to a broker is not open on this machine; the message says why and how to open it."""


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker that answered when this was made.

    Attributes:
        bootstrap_servers: `host:port`, comma-separated, one for each broker.
        how: What it is: somebody else's (`given`), a Docker container, or a local Java process.
        started: True when this call started it, False when it was already up.
        pids: Process ids of the brokers; empty unless `how` is `process`.
        version: Apache Kafka's version; "unknown" for a given broker.
        notes: What a person should know, one sentence each: a way that was skipped, a port that was taken.
        data_dir: Where its files are; None unless `how` is `process`.
        log_paths: Log files, one for each broker; empty unless `how` is `process`.
    """

    bootstrap_servers: str
    how: How
    started: bool
    pids: tuple[int, ...] = ()
    version: str = KAFKA_VERSION
    notes: tuple[str, ...] = ()
    data_dir: Path | None = None
    log_paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known about a named broker; making it neither starts nor stops anything.

    Attributes:
        name: The name it was started under.
        state: `answering`; `silent`: it runs, or should, and does not answer; `stopped`; `absent`: never
            started.
        how: As in `RunningBroker`; None when absent.
        bootstrap_servers: As in `RunningBroker`; "" when absent. When stopped, where it will be when started
            again.
        since_s: When it was last started, seconds since the epoch; None unless it runs.
        pids: Process ids that are alive.
        version: Apache Kafka's version; "unknown" for a given broker.
        brokers: How many brokers it consists of.
        data_dir: Where its files are; None unless `how` is `process`.
        log_paths: Log files, one for each broker.
        notes: What a person should know, one sentence each.
    """

    name: str
    state: Literal["answering", "silent", "stopped", "absent"]
    how: How | None = None
    bootstrap_servers: str = ""
    since_s: float | None = None
    pids: tuple[int, ...] = ()
    version: str = KAFKA_VERSION
    brokers: int = 0
    data_dir: Path | None = None
    log_paths: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def answering(self) -> bool:
        """Whether clients can use it now."""
        return self.state == "answering"
