"""Processes known by id and birth, so that a recycled id is never taken for ours."""

# mypy: allow-untyped-calls
from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

# A process's birth is computed from the machine's boot time, which moves a little when the clock is set.
_BIRTH_TOLERANCE_S = 2.0


def spawn_detached(command: list[str], log: Path) -> tuple[int, float]:
    """Starts a process that outlives this one, in a session of its own, where our Ctrl-C does not reach it.

    Returns:
        Its id and its birth, seconds since the epoch.
    """
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    # It is not ours to wait for; without this Popen would warn about a child left behind.
    pid, process.returncode = process.pid, 0
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return pid, time.time()


def find(pid: int | None, created_s: float | None) -> psutil.Process | None:
    """The living process of that id and birth."""
    if pid is None or created_s is None:
        return None
    reap(pid)
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - created_s) > _BIRTH_TOLERANCE_S or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.Error:
        return None
    return process


def reap(pid: int) -> bool | None:
    """Takes the exit status of a dead child of ours, so that it does not stay as a zombie.

    Returns:
        Whether it is dead; None when it is no child of ours, or was taken before.
    """
    if sys.platform == "win32":
        return None
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return None


def with_last_argument(argument: str) -> list[psutil.Process]:
    """Every process whose command line ends with that word."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"]
        if words and words[-1] == argument:
            found.append(process)
    return found


def end(process: psutil.Process, *, timeout_s: float, hard: bool = False) -> bool:
    """Asks it to stop and after `timeout_s`, or at once when `hard`, kills it; returns when it is gone.

    A process that was paused is woken, or it would not hear the question.

    Returns:
        Whether it ended without being killed.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        if not hard:
            process.terminate()
            if sys.platform != "win32":
                process.resume()
            if _gone(process, timeout_s):
                return True
        process.kill()
        _gone(process, 10.0)
        return False
    return True


def _stands(process: psutil.Process) -> bool:
    return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE


def _gone(process: psutil.Process, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while True:
        # A killed JVM is a zombie while its last threads still hold its ports; it can be reaped only after them.
        dead = reap(process.pid)
        try:
            if dead or (dead is None and not _stands(process)):
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
