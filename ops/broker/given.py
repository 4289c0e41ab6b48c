"""A broker that somebody else runs, named by TIERBUS_BOOTSTRAP_SERVERS."""

from __future__ import annotations

import os
import re

from ops.broker import probe
from ops.broker.values import BrokerError, BrokerStatus, RunningBroker

VARIABLE = "TIERBUS_BOOTSTRAP_SERVERS"


def servers() -> str | None:
    """The servers that the environment names, as `host:port,...`; None when it names none."""
    # pydantic-settings reads a list from JSON, so a user may have written one.
    entries = re.split(r"[,\s]+", os.environ.get(VARIABLE, "").strip().strip("[]").replace('"', ""))
    return ",".join(entry for entry in entries if entry) or None


def use(named: str) -> RunningBroker:
    """The given broker, after a look at whether anything listens there.

    Raises:
        BrokerError: Nothing does.
    """
    if not any(reachable(server) for server in named.split(",")):
        raise BrokerError(
            f"{VARIABLE} names {named} and nothing accepts connections there: "
            f"start that broker, correct the variable, or unset it to have one started here"
        )
    return RunningBroker(named, "given", started=False, version="unknown")


def status(name: str, named: str) -> BrokerStatus:
    """What is known of it."""
    up = any(reachable(server) for server in named.split(","))
    return BrokerStatus(
        name=name,
        state="answering" if up else "silent",
        how="given",
        bootstrap_servers=named,
        version="unknown",
        brokers=len(named.split(",")),
        notes=(f"named by {VARIABLE}; tierbus neither starts nor stops it",),
    )


def reachable(server: str) -> bool:
    """Whether `host:port` accepts a connection; it may speak TLS, so no more is asked."""
    host, _, port = server.rpartition(":")
    return port.isdigit() and probe.reachable(host.strip("[]"), int(port))
