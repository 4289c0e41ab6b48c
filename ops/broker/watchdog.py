"""Script: ends what its parent started when the parent is gone, however it went (kill -9 too).

It reads orders from its standard input, one a line: `+pid N`, `-pid N`, `+folder PATH`, and `+docker LABEL` for all
containers and networks with that label. The end of that input, or another parent, means that the parent is gone: then
it kills and removes what stands. The parent waits for its children, so an id that stands is still theirs.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys


def main() -> None:
    """Reads orders until the parent is gone, then cleans up after it."""
    standing: dict[tuple[str, str], None] = {}
    parent = os.getppid()
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], 1.0)
        if ready:
            chunk = os.read(0, 4096)
            if not chunk:
                break
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                kind, _, what = line.decode().partition(" ")
                if kind[:1] == "+":
                    standing[kind[1:], what] = None
                else:
                    standing.pop((kind[1:], what), None)
        # A fork of the parent may hold the pipe open after the parent's death.
        elif os.getppid() != parent:
            break
    clean_up(list(standing))


def clean_up(standing: list[tuple[str, str]]) -> None:
    """Ends processes first, then containers, then removes folders."""
    for kind, what in standing:
        if kind == "pid":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(what), getattr(signal, "SIGKILL", signal.SIGTERM))
    for kind, what in standing:
        if kind == "docker":
            remove_labelled(what)
    for kind, what in standing:
        if kind == "folder":
            shutil.rmtree(what, ignore_errors=True)


def remove_labelled(label: str) -> None:
    """Removes what carries the label; found by it, nothing is missed that was made just before the end."""
    with contextlib.suppress(Exception):
        import docker  # type: ignore[import-untyped]

        client = docker.from_env(timeout=30)
        for container in client.containers.list(all=True, filters={"label": label}):
            with contextlib.suppress(Exception):
                container.remove(force=True, v=True)
        for network in client.networks.list(filters={"label": label}):
            with contextlib.suppress(Exception):
                network.remove()


if __name__ == "__main__":
    # The terminal's Ctrl-C is for the parent, which then stops things in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
    sys.exit(0)
