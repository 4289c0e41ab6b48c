"""Brings Kafka's jars into the user's cache, complete or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ops.broker.locking import held
from ops.broker.values import KAFKA_VERSION, BrokerError, Progress, Unavailable

FETCH_TIMEOUT_S = 300.0
_HERE = Path(__file__).parent
_MARKER = "complete"


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of jars.lock."""

    coordinate: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """Maven's name for it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def locked() -> tuple[Jar, ...]:
    """The jars that make up Kafka here, in the order of the class path."""
    lines = (_HERE / "jars.lock").read_text(encoding="ascii").splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(Jar(coordinate, int(size), sha256) for coordinate, size, sha256 in rows)


def cache_dir() -> Path:
    """Where jars and what is derived from them are kept."""
    return Path(platformdirs.user_cache_dir("tierbus")) / f"kafka-{KAFKA_VERSION}"


def class_path(folder: Path) -> str:
    """An explicit class path: a wildcard's order is the directory's, and a class archive fits one order."""
    return os.pathsep.join(str(folder / jar.filename) for jar in locked())


def ensure(progress: Progress) -> Path:
    """The folder with all jars; fetches them the first time (at most `FETCH_TIMEOUT_S` for each way).

    Two processes fetch once: the second waits. An interrupted fetch leaves nothing that the next would trust.

    Raises:
        Unavailable: Neither Maven nor jgo could bring them.
    """
    folder = cache_dir() / "libs"
    if is_complete(folder):
        return folder
    with held(cache_dir() / "lock", timeout_s=2 * FETCH_TIMEOUT_S + 30, what="fetching Kafka's jars"):
        if is_complete(folder):
            return folder
        for broken_off in cache_dir().glob("fetch-*"):  # by a fetch that was killed: the lock is ours now
            shutil.rmtree(broken_off, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="fetch-") as work:
            fresh = Path(work) / "libs"
            _fetch(fresh, progress)
            # The list of what was checked goes in last and the folder moves as one.
            (fresh / _MARKER).write_text(_fingerprint(), encoding="ascii")
            shutil.rmtree(folder, ignore_errors=True)
            fresh.replace(folder)
    return folder


def is_complete(folder: Path) -> bool:
    """Whether every jar is there at its size and was once checked against jars.lock as it is now."""
    try:
        if (folder / _MARKER).read_text(encoding="ascii") != _fingerprint():
            return False
        return all((folder / jar.filename).stat().st_size == jar.size for jar in locked())
    except OSError:
        return False


def _fingerprint() -> str:
    return hashlib.sha256((_HERE / "jars.lock").read_bytes()).hexdigest()


def _fetch(folder: Path, progress: Progress) -> None:
    failures: list[str] = []
    for way in (_by_maven, _by_jgo):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            way(folder, progress)
            verify(folder)
        except BrokerError as error:
            failures.append(str(error))
        else:
            return
    raise Unavailable(f"Kafka {KAFKA_VERSION} could not be fetched: " + "; ".join(failures))


def verify(folder: Path) -> None:
    """Checks every jar against jars.lock.

    Raises:
        BrokerError: One is missing or has other content.
    """
    for jar in locked():
        path = folder / jar.filename
        if not path.is_file():
            raise BrokerError(f"{jar.coordinate} is missing after the download; try again")
        if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
            raise BrokerError(f"{jar.coordinate} is not the file that jars.lock pins; check your Maven mirror or cache")


def _by_maven(folder: Path, progress: Progress) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise Unavailable("Maven (`mvn`) is not installed")
    progress(f"fetching Kafka {KAFKA_VERSION} with Maven, once for this user")
    pom = folder.parent / "pom.xml"  # a copy: Maven may write beside it
    shutil.copyfile(_HERE / "pom.xml", pom)
    _run(
        [mvn, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"],
        "mvn",
        folder,
    )


def _by_jgo(folder: Path, progress: Progress) -> None:
    progress(f"fetching Kafka {KAFKA_VERSION} (45 MB) with jgo, once for this user")
    script = _HERE / "fetch_with_jgo.py"
    coordinates = [jar.coordinate for jar in locked()]
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
