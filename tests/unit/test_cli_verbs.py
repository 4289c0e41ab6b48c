"""Verbs without a broker: exit codes, one sentence an error, JSON, and what the local broker's verbs say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ops.broker
from ops.broker import BrokerError, BrokerStatus, RunningBroker
from ops.cli import where
from ops.cli.app import run
from ops.cli.failing import FINE, TROUBLE, WRONG_USE

NOWHERE = "127.0.0.1:1"
ROOT = Path(__file__).parents[2]
HEAVY = ("bus", "ops.broker", "aiokafka", "pydantic", "matplotlib", "aiohttp", "rich.console", "perf")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIERBUS_BOOTSTRAP_SERVERS", raising=False)


class Said:
    """What a command line came to."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def sentence(self) -> str:
        """The one line on standard error."""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("tierbus: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("tierbus: ").rstrip()


@pytest.fixture
def tierbus(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> Said:
        code = run(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


def test_help_names_every_verb(tierbus: Any) -> None:
    said = tierbus("--help")
    assert said.code == FINE
    for verb in ("up", "down", "status", "demo", "publish", "tail", "topics", "bench"):
        assert f"\n  {verb} " in said.out


@pytest.mark.parametrize("verb", ["up", "down", "status", "demo", "publish", "tail", "topics", "topics list"])
def test_every_verb_has_json_and_debug(tierbus: Any, verb: str) -> None:
    said = tierbus(*verb.split(), "--help")
    assert said.code == FINE
    assert "--json" in said.out
    assert "--debug" in said.out


def test_starting_up_imports_nothing_heavy() -> None:
    program = f"import sys, ops.cli.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nope"], "No such command"),
        (["publish"], "Missing argument"),
        (["publish", "a.b", "1", "--nope"], "No such option"),
        (["publish", "a..b", "1"], "a segment is empty"),
        (["publish", "a.*", "1"], "'*' is for patterns"),
        (["publish", "_schemas", "1"], "begins with '_'"),
        (["publish", "a.b", "{oops"], "DATA is no JSON"),
        (["publish", "a.b", "[" * 100_000], "DATA is no JSON"),
        (["publish", "a.b", "1", "--priority", "urgent"], "priority 'urgent' is unknown"),
        (["publish", "a.b", "1", "--header", "trace"], "header 'trace' is no pair"),
        (["publish", "a.b", "1", "--servers", " "], "--servers is empty"),
        (["publish", "a.b", "1", "--namespace", "a.b"], "namespace"),
        (["tail", "a**"], "pattern 'a**' is not valid"),
        (["tail", "a.*", "--from-start", "--group", "g"], "leave out --group"),
        (["tail", "a.*", "--count", "0"], "--count"),
        (["topics", "create"], "name a family"),
        (["topics", "create", "--internal", "--tier", "low"], "are of a family"),
        (["topics", "--json", "list"], "give options behind the verb"),
        (["up", "--brokers", "10"], "--brokers"),
        (["demo", "--seconds", "0"], "--seconds"),
    ],
)
def test_wrong_use_is_one_sentence_and_two(
    tierbus: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], what: str
) -> None:
    monkeypatch.setenv("TIERBUS_BOOTSTRAP_SERVERS", NOWHERE)
    said = tierbus(*arguments)
    assert said.code == WRONG_USE
    assert what in said.sentence
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["publish", "a.b", "1"],
        ["publish", "a.b", "x", "--text"],
        ["tail", "**"],
        ["topics"],
        ["topics", "create", "a.b"],
    ],
)
def test_nobody_listening_is_trouble(tierbus: Any, arguments: list[str]) -> None:
    said = tierbus(*arguments, "--servers", NOWHERE)
    assert said.code == TROUBLE
    assert NOWHERE in said.sentence
    assert "tierbus up" in said.sentence


def test_wrong_settings_are_wrong_use_and_keep_secrets(tierbus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("TIERBUS_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("TIERBUS_LINGER", "3")
    said = tierbus("publish", "a.b", "1", "--servers", NOWHERE)
    assert said.code == WRONG_USE
    assert "TIERBUS_LINGER" in said.sentence
    assert "sasl_mechanism" in said.sentence
    assert "hunter2" not in said.err


def broken(**_: Any) -> Any:
    raise RuntimeError("a fault\x1b[31m of ours")


def test_a_fault_of_ours_is_a_sentence_too(tierbus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.broker, "status", broken)
    said = tierbus("status")
    assert said.code == TROUBLE
    assert said.sentence == r"unexpected RuntimeError: a fault\x1b[31m of ours; run it again with --debug to see where"


def test_debug_shows_the_traceback(tierbus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.broker, "status", broken)
    said = tierbus("status", "--debug")
    assert said.code == TROUBLE
    assert "Traceback" in said.err
    assert "in broken" in said.err
    assert "Traceback" not in tierbus("status").err  # and only when asked for


RUNNING = RunningBroker("127.0.0.1:9092", "process", started=True, pids=(41,), notes=("port 9093 was taken",))


def test_up_says_where(tierbus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def up(**arguments: Any) -> RunningBroker:
        asked.update(arguments)
        return RUNNING

    monkeypatch.setattr(ops.broker, "up", up)
    said = tierbus("up", "--brokers", "3", "--fresh")
    assert (said.code, asked["brokers"], asked["fresh"]) == (FINE, 3, True)
    assert said.out.startswith("broker started: 127.0.0.1:9092 (process, Kafka ")
    assert said.sentence == "port 9093 was taken"
    said = tierbus("up", "--json")
    assert json.loads(said.out)["bootstrap_servers"] == "127.0.0.1:9092"
    assert said.err == ""


def test_up_that_cannot_is_trouble(tierbus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def up(**_: Any) -> RunningBroker:
        raise BrokerError("no broker can be had: install Java")

    monkeypatch.setattr(ops.broker, "up", up)
    said = tierbus("up")
    assert (said.code, said.sentence) == (TROUBLE, "no broker can be had: install Java")


@pytest.mark.parametrize(("stopped", "text"), [(True, "broker stopped"), (False, "no broker of ours was running")])
def test_down(tierbus: Any, monkeypatch: pytest.MonkeyPatch, stopped: bool, text: str) -> None:
    monkeypatch.setattr(ops.broker, "down", lambda: stopped)
    assert text in tierbus("down").out
    assert json.loads(tierbus("down", "--json").out) == {"stopped": stopped}


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (BrokerStatus("default", "absent"), TROUBLE, "`tierbus up` starts one"),
        (BrokerStatus("default", "stopped", "process", "127.0.0.1:9092"), TROUBLE, "starts it again"),
        (BrokerStatus("default", "silent", "process", "127.0.0.1:9092", since_s=0.0), TROUBLE, "1970-01-01"),
        (BrokerStatus("default", "answering", "process", "127.0.0.1:9092", pids=(41,)), FINE, "process  41"),
    ],
)
def test_status(tierbus: Any, monkeypatch: pytest.MonkeyPatch, status: BrokerStatus, code: int, text: str) -> None:
    monkeypatch.setattr(ops.broker, "status", lambda: status)
    said = tierbus("status")
    assert said.code == code
    assert text in said.out
    said = tierbus("status", "--json")
    assert said.code == code
    assert json.loads(said.out)["state"] == status.state


def test_servers_are_those_given_then_the_environment_then_the_local_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    answering = BrokerStatus("default", "answering", "process", "127.0.0.1:29999")
    monkeypatch.setattr(ops.broker, "status", lambda: answering)
    assert where.settings_for("h:1", None).bootstrap_servers == "h:1"
    assert where.settings_for(None, "mine").bootstrap_servers == "127.0.0.1:29999"
    assert where.settings_for(None, "mine").namespace == "mine"
    monkeypatch.setattr(ops.broker, "status", lambda: BrokerStatus("default", "stopped", "process", "127.0.0.1:29999"))
    assert where.settings_for(None, None).bootstrap_servers == "127.0.0.1:9092"
    monkeypatch.setenv("TIERBUS_BOOTSTRAP_SERVERS", "e:1")
    assert where.settings_for(None, None).bootstrap_servers == "e:1"
    assert where.settings_for("h:1", None).bootstrap_servers == "h:1"


def test_bench_says_where_it_is_when_it_is_not_installed(tierbus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.cli.bench.available", lambda: False)
    said = tierbus("bench", "publish", "--json")
    assert said.code == TROUBLE
    assert "make bench" in said.sentence
