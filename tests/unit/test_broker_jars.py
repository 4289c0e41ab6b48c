"""The jars are all there and the right ones, or are fetched again."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ops.broker import jars
from ops.broker.jars import Jar
from ops.broker.values import KAFKA_VERSION, BrokerError, Unavailable

CONTENT = {"a-1.jar": b"one", "b-2.jar": b"two"}


@pytest.fixture
def two_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in a temporary folder for a lock of two jars."""
    rows = [("g:a:1", CONTENT["a-1.jar"]), ("g:b:2", CONTENT["b-2.jar"])]
    lock = tuple(Jar(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in rows)
    monkeypatch.setattr(jars, "locked", lambda: lock)
    monkeypatch.setattr(jars, "cache_dir", lambda: tmp_path)
    return tmp_path


def fetcher(content: dict[str, bytes], calls: list[str]) -> object:
    def fetch(folder: Path, progress: object) -> None:
        calls.append("fetch")
        for name, data in content.items():
            (folder / name).write_bytes(data)

    return fetch


def failing(folder: Path, progress: object) -> None:
    (folder / "a-1.jar").write_bytes(b"half")
    raise BrokerError("the network is down")


def test_they_are_fetched_once(two_jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(jars, "_by_maven", fetcher(CONTENT, calls))
    for _ in range(2):
        folder = jars.ensure(lambda _: None)
    assert calls == ["fetch"]
    assert jars.class_path(folder).split(":") == [str(folder / "a-1.jar"), str(folder / "b-2.jar")]
    assert sorted(path.name for path in two_jars.iterdir()) == ["libs", "lock"]


@pytest.mark.parametrize("damage", ["missing", "short", "no marker"])
def test_a_damaged_cache_is_repaired(two_jars: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    calls: list[str] = []
    monkeypatch.setattr(jars, "_by_maven", fetcher(CONTENT, calls))
    folder = jars.ensure(lambda _: None)
    if damage == "missing":
        (folder / "a-1.jar").unlink()
    elif damage == "short":
        (folder / "a-1.jar").write_bytes(b"o")
    else:
        (folder / "complete").unlink()
    jars.ensure(lambda _: None)
    assert calls == ["fetch", "fetch"]
    assert (folder / "a-1.jar").read_bytes() == b"one"


def test_what_maven_leaves_undone_jgo_does(two_jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(jars, "_by_maven", failing)
    monkeypatch.setattr(jars, "_by_jgo", fetcher(CONTENT, calls))
    assert jars.is_complete(jars.ensure(lambda _: None))


def test_other_content_is_refused(two_jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "_by_maven", fetcher(CONTENT | {"b-2.jar": b"2wo"}, []))
    monkeypatch.setattr(jars, "_by_jgo", failing)
    with pytest.raises(Unavailable, match=r"g:b:2 is not the file that jars\.lock pins.*the network is down"):
        jars.ensure(lambda _: None)
    assert sorted(path.name for path in two_jars.iterdir()) == ["lock"]


def test_the_lock_is_of_the_version_that_the_pom_names() -> None:
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(Path(jars.__file__).with_name("pom.xml"))
    wanted = {
        ":".join(dependency.findtext(f"m:{part}", "", space) for part in ("groupId", "artifactId", "version"))
        for dependency in pom.iterfind("m:dependencies/m:dependency", space)
    }
    locked = {jar.coordinate for jar in jars.locked()}
    assert wanted < locked
    assert f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}" in wanted
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars.locked())
