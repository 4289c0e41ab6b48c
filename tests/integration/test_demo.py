"""The demonstration and the examples, as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from ops.broker import Cluster

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 90

pytestmark = pytest.mark.broker


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIERBUS_")}
    return kept | settings | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def demo(folder: Path, *options: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "demo", "--offline", *options],
        cwd=folder,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(stream: IO[str] | None, text: str) -> str:
    """The first line with the text in it."""
    assert stream is not None
    seen = []
    for line in stream:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"{text!r} did not come:\n{''.join(seen)}")


def test_every_message_is_accounted_for(broker: str, namespace: str, tmp_path: Path) -> None:
    options = ("--seconds", "4", "--rate", "400", "--json", "--namespace", namespace)
    with demo(tmp_path, *options, TIERBUS_BOOTSTRAP_SERVERS=broker) as process:
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["fine"] is True
    assert report["namespace"] == namespace
    assert report["published"] > 1_000
    for tier, counts in report["accounts"]["tiers"].items():
        assert counts["published"] == counts["acknowledged"] > 0, tier
        assert report["latency_ms"][tier]["p50"] <= report["latency_ms"][tier]["p99"]
    audited = [row for row in report["accounts"]["consumers"] if row["consumer"] == "lone subscriber"]
    assert sum(row["received"] for row in audited) == report["published"]
    assert {row["consumer"] for row in report["accounts"]["consumers"]} == {
        "risk: orders",
        "catalogue: datagov",
        "catalogue: dbnomics",
        "wildcard: BTC-USD",
        "lone subscriber",
    }
    assert "The accounts balance" in err
    assert json.loads((tmp_path / "demo-results" / "report.json").read_text()) == report
    assert (tmp_path / "demo-results" / "latency.png").read_bytes().startswith(b"\x89PNG")


def test_it_can_be_stopped_and_still_balances(broker: str, tmp_path: Path) -> None:
    options = ("--seconds", "600", "--rate", "300")
    with demo(tmp_path, *options, TIERBUS_BOOTSTRAP_SERVERS=broker) as process:
        until(process.stdout, " s | critical ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, out + err
    assert "stopped by hand" in out
    assert "The accounts balance" in out
    assert "Try next" in out
    assert err == ""


def test_a_broker_that_is_killed_and_comes_back_costs_time_and_no_message(
    restartable_cluster: Cluster, tmp_path: Path
) -> None:
    options = ("--seconds", "12", "--rate", "300", "--json")
    with demo(tmp_path, *options, TIERBUS_BOOTSTRAP_SERVERS=restartable_cluster.bootstrap_servers) as process:
        until(process.stderr, " s | critical ")
        restartable_cluster.stop(0, hard=True)
        restartable_cluster.start(0)
        out, err = process.communicate(timeout=SECONDS_MAX)
    accounts = json.loads(out)["accounts"]
    for row in accounts["consumers"]:  # at least once: a repetition would be no broken promise
        assert row["received"] == row["expected"], err
        assert (row["missing"], row["out_of_order"], row["unexpected"]) == (0, 0, 0), err
    for counts in accounts["tiers"].values():
        assert counts["published"] == counts["acknowledged"], err


def test_without_a_broker_it_brings_one_of_its_own(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", "1", "--rate", "200", "--json") as process:
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, err
    assert json.loads(out)["broker"].startswith("a Kafka broker of its own")


def test_a_broker_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    with demo(tmp_path, TIERBUS_BOOTSTRAP_SERVERS="127.0.0.1:1") as process:
        _, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 1
    assert err.startswith("tierbus: nothing listens at 127.0.0.1:1")
    assert err.count("\n") == 1


def example(name: str, broker: str, namespace: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / f"{name}.py")],
        env=environment(TIERBUS_BOOTSTRAP_SERVERS=broker, TIERBUS_NAMESPACE=namespace),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_example(name: str, broker: str, namespace: str) -> str:
    with example(name, broker, namespace) as process:
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert (process.returncode, err) == (0, "")
    return out


def test_hello_receives_what_it_published(broker: str, namespace: str) -> None:
    out = run_example("hello", broker, namespace)
    assert out == ("trading.orders.BINANCE.new critical BTC-USD {'id': 7, 'symbol': 'BTC-USD', 'quantity': 0.5}\n")


def test_a_contract_refuses_a_wrong_value(broker: str, namespace: str) -> None:
    received, refused = run_example("contract", broker, namespace).splitlines()
    assert received == "received 9.95"
    assert refused.startswith("refused Order.price: expected decimal")
    assert "got str '9.95'" in refused


def test_the_worker_handles_each_of_the_producers_orders_once_and_drains(broker: str, namespace: str) -> None:
    assert run_example("producer", broker, namespace) == "delivered 1000 of 1000\n"
    run_example("hello", broker, namespace)
    handled = set()
    with example("worker", broker, namespace) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            assert line not in handled
            handled.add(line)
            if len(handled) == 1_001:
                break
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=SECONDS_MAX)
    assert (worker.returncode, out, err) == (0, "", "")
    numbers = sorted(int(line.split()[1]) for line in handled)
    assert numbers == sorted([*range(1, 1_001), 7])
