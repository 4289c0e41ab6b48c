"""What is remembered between commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.broker import state
from ops.broker.layout import Layout, Node
from ops.broker.state import State
from ops.broker.values import BrokerError


def example(folder: Path) -> State:
    nodes = (
        Node(1, 9092, 19092, folder / "node-1", pid=7, created_s=12.5),
        Node(2, 9093, 19093, folder / "node-2", container="abc"),
    )
    return State("process", Layout("default", "id", nodes), started_s=100.0, image="apache/kafka:4.3.1")


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    state.save(tmp_path, example(tmp_path))
    assert state.load(tmp_path) == example(tmp_path)


def test_the_folder_may_be_moved(tmp_path: Path) -> None:
    state.save(tmp_path / "a", example(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    assert state.load(tmp_path / "b") == example(tmp_path / "b")


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"how": "magic"}, {"nodes": []}, {"nodes": [{}]}, {"started_s": None}],
)
def test_a_strange_file_is_an_error_that_names_it(tmp_path: Path, change: dict[str, object]) -> None:
    content = state.to_json(example(tmp_path)) | change
    (tmp_path / "state.json").write_text(json.dumps(content))
    with pytest.raises(BrokerError, match=r"state\.json cannot be read"):
        state.load(tmp_path)


def test_half_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"format": 1,')
    with pytest.raises(BrokerError, match=r"state\.json cannot be read"):
        state.load(tmp_path)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "A", "-x", "x" * 41, "a\n", "a_b"])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(BrokerError, match="is no name for a broker"):
        state.directory(name)


def test_the_state_s_place_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_STATE_DIR", str(tmp_path))
    assert state.directory("default") == tmp_path / "broker" / "default"
