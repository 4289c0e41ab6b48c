"""The command line against a real broker, as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.integration.programs.command_line import SECONDS_MAX, CommandLine

TOPIC = "trading.orders.BINANCE.new"

pytestmark = pytest.mark.broker


@pytest.fixture
def tierbus(broker: str, namespace: str) -> CommandLine:
    return CommandLine(broker, namespace)


def listening(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    assert "listening to" in process.stderr.readline()


def test_what_is_published_is_told_and_read_from_the_start(tierbus: CommandLine, namespace: str) -> None:
    said = tierbus("publish", TOPIC, '{"id": 7}', "--key", "BTC", "--header", "trace=1", "--confirm").stdout
    assert said.startswith(f"published to {TOPIC} (critical): {namespace}.trading.orders.critical/")
    second = tierbus.document("publish", TOPIC, "plain", "--text", "--priority", "low")
    assert (second["tier"], second["kafka_topic"]) == ("low", f"{namespace}.trading.orders.low")
    lines = tierbus(
        "tail", "trading.**", "--from-start", "--count", "2", "--timeout", "30", "--json"
    ).stdout.splitlines()
    messages = {message["tier"]: message for message in map(json.loads, lines)}
    assert messages["critical"]["data"] == {"id": 7}
    assert (messages["critical"]["key"], messages["critical"]["headers"]) == ("BTC", {"trace": "1"})
    assert messages["low"]["data"] == "plain"
    assert messages["low"]["id"] == second["id"]


def test_tail_prints_as_messages_come_and_ends_by_a_signal(tierbus: CommandLine) -> None:
    with tierbus.running("tail", "trading.orders.*.new") as tail:
        listening(tail)
        assert tail.stdout is not None
        for number in range(3):
            tierbus("publish", TOPIC, json.dumps({"id": number}))
            line = tail.stdout.readline()
            assert line.endswith(f'critical {TOPIC} {{"id": {number}}}\n')
        tail.send_signal(signal.SIGINT)
        out, err = tail.communicate(timeout=SECONDS_MAX)
    assert (tail.returncode, out, err) == (0, "", "")


def test_tail_ends_when_nobody_reads_it_any_more(tierbus: CommandLine) -> None:
    with tierbus.running("tail", "**") as tail:
        listening(tail)
        assert tail.stdout is not None
        tail.stdout.close()
        tierbus("publish", TOPIC, "1")
        assert tail.wait(SECONDS_MAX) == 0
        assert tail.stderr is not None
        assert tail.stderr.read() == ""


def test_fewer_messages_than_asked_for_are_trouble(tierbus: CommandLine) -> None:
    tierbus("publish", TOPIC, "1")
    done = tierbus("tail", TOPIC, "--from-start", "--count", "2", "--timeout", "5", code=1)
    assert "1 of 2 messages came within 5 s" in done.stderr
    assert done.stdout.count("\n") == 1
    tierbus("tail", TOPIC, "--timeout", "0.2")


def test_a_group_goes_on_where_it_was(tierbus: CommandLine) -> None:
    tierbus("publish", TOPIC, "-", "--key", "k", stdin="".join(f"{n}\n" for n in range(6)))
    seen = []
    for _ in range(3):
        done = tierbus("tail", TOPIC, "--group", "g", "--count", "2", "--timeout", "30", "--json")
        seen += [json.loads(line)["data"] for line in done.stdout.splitlines()]
    assert seen == [0, 1, 2, 3, 4, 5]


def test_lines_of_standard_input(tierbus: CommandLine) -> None:
    lines = "".join(json.dumps({"n": n}) + "\n\n" for n in range(2_000))
    assert tierbus.document("publish", "logs.gateway", "-", stdin=lines) == {
        "topic": "logs.gateway",
        "tier": "low",
        "published": 2_000,
        "acknowledged": 2_000,
    }
    assert tierbus.document("publish", "logs.gateway", "-", "--text", "--confirm", stdin="a\n b")["published"] == 2
    assert tierbus.document("publish", "logs.gateway", "-")["published"] == 0
    (family,) = tierbus.document("topics")["families"]
    assert family["tiers"][0]["written"] == 2_002


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [
        (b"1\n2\n{oops\n4\n", "line 3 is no JSON"),
        (b"1\n2\n\xff\n", "line 3 of standard input is no UTF-8"),
        (b"1\n2\n" + b"9" * 2_000_000, "line 3 of standard input is over"),
    ],
)
def test_a_bad_line_is_told_and_those_before_it_are_published(
    tierbus: CommandLine, stdin: bytes, sentence: str
) -> None:
    done = tierbus("publish", TOPIC, "-", stdin=stdin, code=2)
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    (family,) = tierbus.document("topics")["families"]
    assert family["tiers"][0]["written"] == 2


def test_data_that_does_not_fit_its_contract_is_wrong_use(tierbus: CommandLine) -> None:
    done = tierbus("publish", "datagov.datasets.ed", '{"id": "x"}', code=2)
    assert "datagov.dataset" in done.stderr
    assert "title" in done.stderr
    tierbus("publish", "datagov.datasets.ed", '{"id": "x", "title": "Schools"}')
    lines = tierbus("tail", "datagov.**", "--from-start", "--count", "1", "--timeout", "30", "--json").stdout
    assert json.loads(lines)["data"]["title"] == "Schools"


def test_payloads_cannot_steer_the_terminal(tierbus: CommandLine) -> None:
    tierbus("publish", TOPIC, "\x1b[2J\x9b31m\u202e", "--text", "--header", "a=\x1b[2J", "--key", "\x1b[2J")
    for options in ((), ("--json",)):
        out = tierbus("tail", TOPIC, "--from-start", "--count", "1", "--timeout", "30", *options).stdout
        assert out.removesuffix("\n").isprintable()


def test_topics_are_created_as_routes_say_and_left_as_they_are(tierbus: CommandLine, namespace: str) -> None:
    assert "no topics in namespace" in tierbus("topics").stdout
    made = tierbus.document("topics", "create", "risk.alerts", "--partitions", "2")
    assert made["topics"] == [{"kafka_topic": f"{namespace}.risk.alerts.critical", "partitions": 2, "created": True}]
    again = tierbus.document("topics", "create", "risk.alerts")
    assert again["topics"][0]["created"] is False
    done = tierbus(
        "topics", "create", "risk.alerts", "--partitions", "3", "--tier", "critical", "--tier", "low", code=1
    )
    assert "another number of partitions" in done.stderr
    (family,) = tierbus.document("topics", "list")["families"]
    assert [(tier["tier"], tier["partitions"]) for tier in family["tiers"]] == [("critical", 2), ("low", 3)]
    assert "risk.alerts" in tierbus("topics").stdout


def test_production_publishes_once_its_topics_are_declared(tierbus: CommandLine) -> None:
    production = {"TIERBUS_ENVIRONMENT": "production"}
    contracted = '{"id": "x", "title": "Schools"}'
    done = tierbus("publish", "datagov.datasets.ed", contracted, code=1, environment=production)
    assert "tierbus topics create datagov.datasets --tier low" in done.stderr
    tierbus("topics", "create", "datagov.datasets", "--tier", "low", environment=production)
    done = tierbus("publish", "datagov.datasets.ed", contracted, code=1, environment=production)
    assert "tierbus topics create --internal" in done.stderr
    tierbus("topics", "create", "--internal", environment=production)
    done = tierbus("publish", "datagov.datasets.ed", contracted, code=2, environment=production)
    assert "tierbus contracts push datagov.dataset" in done.stderr
    tierbus("contracts", "push", "datagov.dataset", environment=production)
    tierbus("publish", "datagov.datasets.ed", contracted, environment=production)


def test_a_namespace_by_option_is_another_one(tierbus: CommandLine, namespace: str) -> None:
    tierbus("publish", TOPIC, "1", "--namespace", f"{namespace}-b")
    assert tierbus.document("topics")["families"] == []
    assert len(tierbus.document("topics", "--namespace", f"{namespace}-b")["families"]) == 1


def test_status_of_a_given_broker(tierbus: CommandLine) -> None:
    assert tierbus.document("status")["state"] == "answering"
    nobody = {"TIERBUS_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    assert tierbus.document("status", code=1, environment=nobody)["state"] == "silent"
