"""A run that does not balance ends with 1 and says what is missing; the picture and the summary stand on their own."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console

from bus.message import TIERS, MessagePriority
from bus.routing.patterns import compile_pattern
from ops.cli.app import run
from ops.demo import picture
from ops.demo.accounts import Accounts
from ops.demo.latency import Histogram
from ops.demo.outcome import Outcome, report
from ops.demo.summary import tell
from ops.demo.table import Row, View, line


def outcome(lost: int = 0, **changes: Any) -> Outcome:
    accounts = Accounts({"everything": compile_pattern("**")})
    for number in range(1, 101):
        accounts.publish("logs.gateway", "gateway", MessagePriority.LOW)
        accounts.acknowledge(MessagePriority.LOW)
        if number > lost:
            accounts.receive("everything", "logs.gateway", "gateway", number, MessagePriority.LOW)
    latencies = [Histogram() for _ in TIERS]
    latencies[MessagePriority.LOW].record(12.5)
    return replace(
        Outcome(
            balance=accounts.balance(),
            latencies=latencies,
            sources=(),
            elapsed_s=2.0,
            given_up=0,
            refused=0,
            interrupted=False,
            troubles=(),
            namespace="demo-abc",
            broker="a broker",
        ),
        **changes,
    )


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (outcome(), 0),
        (outcome(interrupted=True), 0),
        (outcome(lost=3), 1),
        (outcome(troubles=("a handler failed",)), 1),
    ],
)
def test_the_exit_code_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: Outcome, code: int
) -> None:
    monkeypatch.setattr("ops.demo.run.run", lambda *_: found)
    assert run(["demo", "--servers", "h:1", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["fine"] is (code == 0)


def told(found: Outcome) -> str:
    stream = io.StringIO()
    tell(found, Console(file=stream, width=120), [Path("demo-results/latency.png")])
    return stream.getvalue()


def test_the_summary_says_what_is_missing() -> None:
    text = told(outcome(lost=3))
    assert "do NOT balance" in text
    assert "everything, low: 3 missing of 100 (logs.gateway)" in text
    assert "published = acknowledged = received" not in text


def test_the_summary_of_a_run_that_balances() -> None:
    text = told(outcome(refused=4, given_up=5))
    assert "100 messages in 2.0 s (50/s) over a broker" in text
    assert "published = acknowledged = received, 0 out of key order" in text
    assert "refused 4" in text
    assert "too slow for 5" in text
    assert text.count("\n  tierbus ") == 3


def test_the_report_is_json_and_has_no_latency_where_nothing_came() -> None:
    document = json.loads(json.dumps(report(outcome())))
    assert document["latency_ms"]["critical"] == {
        "count": 0,
        "p50": None,
        "p90": None,
        "p99": None,
        "p99.9": None,
        "max": 0.0,
    }
    assert document["latency_ms"]["low"]["p99"] == 12.5


def test_the_picture_is_drawn_with_and_without_messages(tmp_path: Path) -> None:
    rng = Random(5)
    latencies = {tier: Histogram() for tier in TIERS}
    picture.draw(latencies, "nothing", tmp_path / "a" / "empty.png")
    for _ in range(1_000):
        latencies[MessagePriority.HIGH].record(rng.expovariate(0.1))
    latencies[MessagePriority.LOW].record(3.0)
    picture.draw(latencies, "some", tmp_path / "some.png")
    assert (tmp_path / "a" / "empty.png").stat().st_size > 1_000
    assert (tmp_path / "some.png").stat().st_size > (tmp_path / "a" / "empty.png").stat().st_size


def test_percentiles_stand_by_their_nines() -> None:
    assert [picture.nines(p) for p in (0, 90, 99, 99.9)] == pytest.approx([0, 1, 2, 3])
    assert picture.nines(100) == pytest.approx(6)


ROWS = [Row(tier, 10, 100.0, 200.0, 1.25, None, 0.5, 3) for tier in TIERS]


def test_where_there_is_no_terminal_a_line_comes_every_few_seconds() -> None:
    stream = io.StringIO()
    with View(Console(file=stream, width=80)) as view:
        for tenth in range(100):
            view.show(ROWS, tenth / 10, "title")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == line(ROWS, 3.0)
    assert "low 100/s p50 1.2 p99 - ms lag 3" in lines[0]


def test_in_a_terminal_it_is_a_table() -> None:
    stream = io.StringIO()
    with View(Console(file=stream, force_terminal=True, width=100)) as view:
        view.show(ROWS, 0.5, "title")
        view.say("a sentence [with brackets]")
    text = stream.getvalue()
    assert "50.0%" in text
    assert "[with brackets]" in text
