"""Brings what must be fetched into the user's cache: once for all processes, complete or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.broker.locking import held
from ops.broker.values import BrokerError, Progress, Unavailable

FETCH_TIMEOUT_S = 300.0

Fetch = Callable[[Path, Progress], None]


def ensure_folder(
    folder: Path, *, is_complete: Callable[[Path], bool], fill: Callable[[Path], None], what: str
) -> Path:
    """The folder, filled the first time.

    Two processes fill once: the second waits. A fill that was broken off leaves nothing that the next would trust.

    Args:
        folder: Where it is kept; the folder above is the cache's own for this.
        is_complete: Whether the folder can be used as it is.
        fill: Makes the folder that it is given, in a place of its own, so that `is_complete` holds.
        what: What is done, for the message to a process that waits too long.

    Raises:
        BrokerError: Another process took too long; or whatever `fill` raises.
    """
    if is_complete(folder):
        return folder
    home = folder.parent
    with held(home / "lock", timeout_s=2 * FETCH_TIMEOUT_S + 30, what=what):
        if is_complete(folder):
            return folder
        for broken_off in home.glob("fetch-*"):  # by a fetch that was killed: the lock is ours now
            shutil.rmtree(broken_off, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="fetch-") as work:
            fresh = Path(work) / folder.name
            fill(fresh)
            shutil.rmtree(folder, ignore_errors=True)
            fresh.replace(folder)
    return folder


def first_that_works(
    ways: Sequence[Fetch], folder: Path, *, verify: Callable[[Path], None], progress: Progress, what: str
) -> None:
    """Fetches into a new folder by the first way whose result `verify` accepts.

    Raises:
        Unavailable: None did; says why for each.
    """
    failures: list[str] = []
    for way in ways:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            way(folder, progress)
            verify(folder)
        except BrokerError as error:
            failures.append(str(error))
        else:
            return
    raise Unavailable(
        f"{what} could not be fetched: {'; '.join(failures)}; give this machine a way to a Maven repository, "
        "directly or by a mirror, and try again"
    )


def maven() -> str:
    """The path of Maven's command.

    Raises:
        Unavailable: It is not installed.
    """
    mvn = shutil.which("mvn")
    if mvn is None:
        raise Unavailable("Maven (`mvn`) is not installed")
    return mvn


def with_maven(mvn: str, arguments: Sequence[str], folder: Path) -> None:
    """Runs Maven, which is to fill the folder; its log goes beside it.

    Raises:
        BrokerError: It failed, or took longer than `FETCH_TIMEOUT_S`.
    """
    _run([mvn, "-q", "-B", *arguments], "mvn", folder)


def with_jgo(coordinates: Sequence[str], folder: Path) -> None:
    """Downloads artifacts into the folder with no Maven and no Java.

    Args:
        coordinates: `group:artifact:version`, or in full `group:artifact:packaging:classifier:version:scope`.
        folder: Where they go; the log goes beside it.

    Raises:
        BrokerError: jgo is missing, failed, or took longer than `FETCH_TIMEOUT_S`.
    """
    script = Path(__file__).with_name("fetch_with_jgo.py")
    _run([sys.executable, "-P", str(script), str(folder), *coordinates], "jgo", folder)


def _run(command: list[str], what: str, folder: Path) -> None:
    # A file and not a pipe: a grandchild that outlives a timeout would keep a pipe open, and us waiting for
    # its end.
    output = folder.parent / f"{what}.log"
    try:
        with output.open("wb") as sink:
            done = subprocess.run(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                timeout=FETCH_TIMEOUT_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise BrokerError(f"{what} had not finished after {FETCH_TIMEOUT_S:g} s") from None
    except OSError as error:
        raise BrokerError(f"{what} did not start: {error}") from error
    if done.returncode:
        last = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise BrokerError(f"{what} failed: {' | '.join(last) or f'exit code {done.returncode}'}")
