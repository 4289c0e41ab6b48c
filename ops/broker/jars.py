"""Brings Kafka's jars into the user's cache, complete or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ops.broker import fetching
from ops.broker.values import KAFKA_VERSION, BrokerError, Progress

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
    """The folder with all jars; fetches them the first time (at most `fetching.FETCH_TIMEOUT_S` for each way).

    Two processes fetch once: the second waits. An interrupted fetch leaves nothing that the next would trust.

    Raises:
        Unavailable: Neither Maven nor jgo could bring them.
    """

    def fill(folder: Path) -> None:
        what = f"Kafka {KAFKA_VERSION}"
        fetching.first_that_works((_by_maven, _by_jgo), folder, verify=verify, progress=progress, what=what)
        # The list of what was checked goes in last, and then the folder moves as one.
        (folder / _MARKER).write_text(_fingerprint(), encoding="ascii")

    return fetching.ensure_folder(
        cache_dir() / "libs", is_complete=is_complete, fill=fill, what="fetching Kafka's jars"
    )


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
    mvn = fetching.maven()
    progress(f"fetching Kafka {KAFKA_VERSION} with Maven, once for this user")
    pom = folder.parent / "pom.xml"  # a copy: Maven may write beside it
    shutil.copyfile(_HERE / "pom.xml", pom)
    fetching.with_maven(mvn, ["-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"], folder)


def _by_jgo(folder: Path, progress: Progress) -> None:
    progress(f"fetching Kafka {KAFKA_VERSION} (45 MB) with jgo, once for this user")
    fetching.with_jgo([jar.coordinate for jar in locked()], folder)
