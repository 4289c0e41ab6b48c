"""A lock that holds between processes and is let go when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.broker.values import BrokerError

if sys.platform == "win32":
    import msvcrt

    def _try(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, *, timeout_s: float, what: str, busy: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock file; waits for another holder up to `timeout_s`, after a call of `busy`.

    Raises:
        BrokerError: Another process still held it at the end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + timeout_s
    told = False
    try:
        while True:
            try:
                _try(fd)
                break
            except OSError:
                if not told:
                    busy()
                    told = True
                if time.monotonic() >= deadline:
                    raise BrokerError(
                        f"{what}: another process has held {path} for {timeout_s:g} s; "
                        "wait for it to finish, or end it, and try again"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(fd)
