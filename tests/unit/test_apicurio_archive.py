"""The schema registry for tests is unpacked once, and only from the archive that is pinned."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from ops.broker.values import BrokerError, Unavailable
from tests import apicurio_archive


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


ARCHIVE = packed({"quarkus-run.jar": b"runner", "lib/main/one.jar": b"one"})


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the next fetches bring, in a cache in a temporary folder that expects `ARCHIVE`."""
    coming: list[bytes] = []

    def fetch(folder: Path, progress: object) -> None:
        if not coming:
            raise BrokerError("the network is down")
        (folder / "apicurio-registry-app-3.3.3-all.tar.gz").write_bytes(coming.pop(0))

    monkeypatch.setattr(apicurio_archive, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(apicurio_archive, "SHA256", hashlib.sha256(ARCHIVE).hexdigest())
    monkeypatch.setattr(apicurio_archive, "_by_maven", fetch)
    monkeypatch.setattr(apicurio_archive, "_by_jgo", fetch)
    return coming


def test_it_is_unpacked_once(fetched: list[bytes], tmp_path: Path) -> None:
    fetched += [ARCHIVE, ARCHIVE]
    for _ in range(2):
        runner = apicurio_archive.ensure(lambda _: None)
    assert len(fetched) == 1
    assert runner.read_bytes() == b"runner"
    assert (runner.parent / "lib/main/one.jar").read_bytes() == b"one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app", "lock"]


def test_one_that_was_not_unpacked_to_its_end_is_fetched_again(fetched: list[bytes]) -> None:
    fetched += [ARCHIVE, ARCHIVE]
    runner = apicurio_archive.ensure(lambda _: None)
    (runner.parent / "complete").unlink()
    apicurio_archive.ensure(lambda _: None)
    assert not fetched


def test_other_content_is_refused(fetched: list[bytes], tmp_path: Path) -> None:
    fetched.append(packed({"quarkus-run.jar": b"changed"}))
    with pytest.raises(Unavailable, match=r"not the file that is pinned.*the network is down.*try again"):
        apicurio_archive.ensure(lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]


def test_what_would_land_elsewhere_is_refused(
    fetched: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = packed({"../../elsewhere": b"x"})
    fetched.append(outside)
    monkeypatch.setattr(apicurio_archive, "SHA256", hashlib.sha256(outside).hexdigest())
    with pytest.raises(tarfile.OutsideDestinationError):
        apicurio_archive.ensure(lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]
