"""Brings Apicurio Registry into the user's cache, unpacked, complete or not at all."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import platformdirs

from ops.broker import fetching
from ops.broker.values import BrokerError, Progress

VERSION = "3.3.3"
SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
_GROUP, _ARTIFACT, _PACKAGING, _CLASSIFIER = "io.apicurio", "apicurio-registry-app", "tar.gz", "all"
_ARCHIVE = f"{_ARTIFACT}-{VERSION}-{_CLASSIFIER}.{_PACKAGING}"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_RUNNER = "quarkus-run.jar"
_MARKER = "complete"


def cache_dir() -> Path:
    """Where the unpacked registry is kept."""
    return Path(platformdirs.user_cache_dir("tierbus")) / f"apicurio-registry-{VERSION}"


def ensure(progress: Progress) -> Path:
    """The jar to start; fetches 158 MB the first time and unpacks them to 168 MB.

    Two processes fetch once: the second waits. An interrupted fetch leaves nothing that the next would trust.

    Raises:
        Unavailable: Neither Maven nor jgo could bring it.
    """
    what = f"Apicurio Registry {VERSION}"

    def fill(folder: Path) -> None:
        download = folder.parent / "download"
        fetching.first_that_works((_by_maven, _by_jgo), download, verify=verify, progress=progress, what=what)
        with tarfile.open(download / _ARCHIVE) as archive:
            archive.extractall(folder, filter="data")  # which refuses what would land elsewhere
        (folder / _MARKER).write_text(SHA256, encoding="ascii")

    return (
        fetching.ensure_folder(cache_dir() / "app", is_complete=is_complete, fill=fill, what=f"fetching {what}")
        / _RUNNER
    )


def is_complete(folder: Path) -> bool:
    """Whether the archive that is pinned here was unpacked there to its end."""
    try:
        return (folder / _MARKER).read_text(encoding="ascii") == SHA256 and (folder / _RUNNER).is_file()
    except OSError:
        return False


def verify(folder: Path) -> None:
    """Checks the downloaded archive.

    Raises:
        BrokerError: It is missing or has other content.
    """
    path = folder / _ARCHIVE
    if not path.is_file():
        raise BrokerError(f"{_ARCHIVE} is missing after the download; try again")
    with path.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != SHA256:
            raise BrokerError(f"{_ARCHIVE} is not the file that is pinned; check your Maven mirror or cache")


def _by_maven(folder: Path, progress: Progress) -> None:
    mvn = fetching.maven()
    progress(f"fetching Apicurio Registry {VERSION} (158 MB) with Maven, once for this user")
    artifact = f"{_GROUP}:{_ARTIFACT}:{VERSION}:{_PACKAGING}:{_CLASSIFIER}"
    fetching.with_maven(mvn, [_COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"], folder)


def _by_jgo(folder: Path, progress: Progress) -> None:
    progress(f"fetching Apicurio Registry {VERSION} (158 MB) with jgo, once for this user")
    # All six parts: of fewer jgo guesses which is which, and knows no packaging of this kind.
    fetching.with_jgo([f"{_GROUP}:{_ARTIFACT}:{_PACKAGING}:{_CLASSIFIER}:{VERSION}:compile"], folder)
