"""`tierbus contracts` against a real broker: what a team does from its first file to a refused change."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from bus import ContractError, MessageBus, Settings
from examples.contract import Order
from tests.integration.programs.command_line import CommandLine

pytestmark = pytest.mark.broker

Schema = dict[str, Any]


@pytest.fixture
def tierbus(broker: str, namespace: str) -> CommandLine:
    return CommandLine(broker, namespace)


def item(*fields: Schema) -> Schema:
    return {"type": "record", "name": "Item", "namespace": "shop", "fields": list(fields)}


ID = {"name": "id", "type": "long"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}


def put(folder: Path, schema: Schema, name: str = "item") -> Path:
    path = folder / "shop" / f"{name}.avsc"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema))
    return path


def register(url: str, subject: str, schema: str, kind: str) -> None:
    """As another program does it."""
    body = json.dumps({"schemaType": kind, "schema": schema}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    with urlopen(Request(f"{url}/subjects/{subject}/versions", body, headers), timeout=30) as answer:
        assert answer.status == 200


def test_from_the_first_file_to_a_refused_change(tierbus: CommandLine, tmp_path: Path) -> None:
    own = ("--dir", str(tmp_path))
    put(tmp_path, item(ID))
    assert "shop.item: new" in tierbus("contracts", "check", *own).stdout
    assert "was not pushed yet" in tierbus("contracts", "diff", "shop.item", *own, code=1).stderr
    assert tierbus("contracts", "push", *own).stdout == "shop.item: pushed\n"
    assert tierbus("contracts", "push", *own).stdout == "shop.item: registered already\n"
    assert "shop.item: registered, version 1 of 1" in tierbus("contracts", "check", *own).stdout
    assert tierbus("contracts", "diff", "shop.item", *own).stdout.endswith("old reads new: yes\n")

    put(tmp_path, item(ID, NOTE))
    assert "shop.item: compatible with 1 before it" in tierbus("contracts", "check", *own).stdout
    shown = tierbus("contracts", "diff", "shop.item", *own, code=1).stdout
    assert '+      "name": "note",' in shown
    assert "new reads old: yes\nold reads new: yes\n" in shown
    tierbus("contracts", "push", *own)

    put(tmp_path, item({"name": "id", "type": "string"}))
    refused = tierbus.document("contracts", "check", *own, code=1)["contracts"][0]
    assert (refused["state"], refused["versions"]) == ("incompatible", 2)
    assert any("item.id: type: reader has string, writer has long" in reason for reason in refused["reasons"])
    done = tierbus("contracts", "push", *own, code=1)
    assert "nothing was pushed" in done.stderr
    assert "item.id: type" in done.stderr
    assert "compatible" in tierbus("contracts", "check", *own, "--compatibility", "none").stdout
    assert tierbus.document("contracts", "show", "shop.item", "--version", "2", *own)["schema"] == item(ID, NOTE)


def test_pull_writes_what_was_pushed_and_check_compares_with_a_folder(tierbus: CommandLine, tmp_path: Path) -> None:
    put(tmp_path / "one", item(ID))
    tierbus("contracts", "push", "--dir", str(tmp_path / "one"))
    pulled = tmp_path / "pulled"
    assert tierbus("contracts", "pull", "--dir", str(pulled)).stdout == f"{pulled}/shop/item.avsc: version 1\n"
    assert json.loads((pulled / "shop" / "item.avsc").read_text()) == item(ID)
    assert "unchanged" in tierbus("contracts", "pull", "shop.item", "--dir", str(pulled)).stdout
    assert "was never pushed" in tierbus("contracts", "pull", "shop.none", "--dir", str(pulled), code=1).stderr
    put(tmp_path / "two", item({"name": "id", "type": "int"}))
    nobody = {"TIERBUS_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = tierbus(
        "contracts", "check", "--dir", str(tmp_path / "two"), "--against", str(pulled), code=1, environment=nobody
    )
    assert "item.id: type: reader has int, writer has long" in done.stdout


def test_looking_at_what_nobody_pushed_makes_no_topic(tierbus: CommandLine, tmp_path: Path) -> None:
    put(tmp_path / "own", item(ID))
    own = ("--dir", str(tmp_path / "own"))
    assert tierbus("contracts", "check", *own).stdout.startswith("shop.item: new")
    assert "was not pushed yet" in tierbus("contracts", "diff", "shop.item", *own, code=1).stderr
    assert "was not pushed yet" in tierbus("contracts", "show", "shop.item", "--version", "1", code=1).stderr
    assert "was never pushed" in tierbus("contracts", "pull", "shop.item", *own, code=1).stderr
    pulled = tierbus("contracts", "pull", *own)
    assert (pulled.stdout, pulled.stderr) == ("", "tierbus: no contract was pushed yet; nothing was written\n")
    # Declaring makes the topic, and says so: it was not there.
    assert "created" in tierbus("topics", "create", "--internal").stdout


def test_what_is_here_plays_no_part_in_a_pull(tierbus: CommandLine, tmp_path: Path) -> None:
    put(tmp_path / "own", item(ID))
    tierbus("contracts", "push", "--dir", str(tmp_path / "own"))
    for folder in ("fresh", "broken"):
        here = tmp_path / folder
        rule = json.dumps([{"pattern": "shop.**", "contract": "shop.item"}])
        bound = {"TIERBUS_CONTRACTS_DIR": str(here), "TIERBUS_ROUTES": rule}
        if folder == "broken":
            put(here, item(ID)).write_bytes(b"\xff{")
        shown = tierbus.document("contracts", "show", "shop.item", "--version", "1", environment=bound)
        assert shown["schema"] == item(ID)
        (row,) = tierbus.document("contracts", "pull", "--dir", str(here), environment=bound)["contracts"]
        assert (row["contract"], row["version"], row["changed"]) == ("shop.item", 1, True)
        assert tierbus("contracts", "check", environment=bound).stdout == "shop.item: registered, version 1 of 1\n"


def test_documentation_alone_is_no_difference(tierbus: CommandLine, tmp_path: Path) -> None:
    own = ("--dir", str(tmp_path))
    put(tmp_path, item(ID))
    tierbus("contracts", "push", *own)
    put(tmp_path, item(ID | {"doc": "Counts from 1."}))
    shown = tierbus("contracts", "diff", "shop.item", *own).stdout
    assert "Counts from 1." in shown
    assert "\nonly documentation differs\n" in shown
    assert tierbus.document("contracts", "diff", "shop.item", *own)["only"] == "documentation"
    put(tmp_path, {"type": "record", "name": "shop.Item", "fields": [ID]})
    assert "\nonly the way it is written differs\n" in tierbus("contracts", "diff", "shop.item", *own).stdout
    put(tmp_path, item(ID | {"doc": "Counts from 1."}, NOTE))
    assert tierbus.document("contracts", "diff", "shop.item", *own, code=1)["only"] is None


async def test_a_class_that_was_pushed_is_published_in_production(
    tierbus: CommandLine, broker: str, namespace: str
) -> None:
    async def call(*arguments: str) -> str:
        return (await asyncio.to_thread(tierbus, *arguments)).stdout

    await call("topics", "create", "shop.orders")
    await call("topics", "create", "--internal")
    place, family = "examples.contract:Order", ("--record-namespace", "shop")
    assert (await call("contracts", "check", place, *family)).startswith("shop.Order: new")
    order = Order(id=7, price=Decimal("9.95"), placed_at=datetime.now(UTC))
    settings = Settings.production(bootstrap_servers=broker, namespace=namespace, replication_factor=1)
    async with MessageBus(settings) as bus:
        bus.contract(Order, "shop.orders.**", namespace="shop")
        with pytest.raises(ContractError, match=r"shop\.Order is not registered"):
            await bus.publish("shop.orders.new", order)
        assert await call("contracts", "push", place, *family) == "shop.Order: pushed\n"
        assert await call("contracts", "push", place, *family) == "shop.Order: registered already\n"
        await bus.publish("shop.orders.new", order, confirm=True)
    assert await call("contracts", "push", place + "=shop.other") == "shop.other: pushed\n"
    assert await call("contracts", "push", "tierbus.json", "tierbus.text") == (
        "tierbus.json: pushed\ntierbus.text: pushed\n"
    )


def test_a_broken_file_is_trouble_that_names_it(tierbus: CommandLine, tmp_path: Path) -> None:
    put(tmp_path, item(ID)).write_text('{"type": "record"')
    assert "shop.item is no JSON" in tierbus("contracts", "check", "--dir", str(tmp_path), code=1).stderr


def test_list_and_show_need_no_broker(tierbus: CommandLine) -> None:
    nobody = {"TIERBUS_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    rows = {each["contract"]: each for each in tierbus.document("contracts", "list", environment=nobody)["contracts"]}
    assert rows["datagov.dataset"]["topics"] == ["datagov.datasets.**"]
    assert {"requests.request", "requests.reply", "dead-letters.letter", "trading.order"} <= rows.keys()
    assert json.loads(tierbus("contracts", "show", "trading.order", environment=nobody).stdout)["name"] == "Order"
    assert "contract no.such is unknown" in tierbus("contracts", "show", "no.such", code=2).stderr


@pytest.mark.timeout(300)
def test_pull_from_a_registry_that_others_use_too(
    tierbus: CommandLine, registry_url: str, namespace: str, tmp_path: Path
) -> None:
    own, out = tmp_path / "own", tmp_path / "out"
    served = {"TIERBUS_SCHEMA_REGISTRY_URL": registry_url}
    # The registry is shared by the tests of a run, so the family is this test's own.
    path = own / namespace / "item.avsc"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(item(ID)))
    tierbus("contracts", "push", "--dir", str(own), environment=served)
    register(registry_url, f"{namespace}.proto", 'syntax = "proto3"; message A { int64 id = 1; }', "PROTOBUF")
    register(registry_url, f"{namespace}-value", json.dumps(item(ID)), "AVRO")
    done = tierbus("contracts", "pull", "--dir", str(out), environment=served)
    assert f"{out}/{namespace}/item.avsc: version 1\n" in done.stdout
    assert f"left out: {namespace}.proto in the schema registry is PROTOBUF" in done.stderr
    assert f"left out: contract '{namespace}-value' cannot be a file" in done.stderr
    done = tierbus("contracts", "pull", f"{namespace}.proto", "--dir", str(out), code=1, environment=served)
    assert "is PROTOBUF, not Avro" in done.stderr
    assert not (out / namespace / "proto.avsc").exists()


def test_a_contract_proposed_from_lines_and_from_traffic_takes_the_data(tierbus: CommandLine, tmp_path: Path) -> None:
    lines = '{"id": 1, "tags": ["a"]}\n\n{"id": 2, "price": 1.5, "tags": []}\n'
    proposed = tierbus.document("contracts", "infer", "shop.item", "-", stdin=lines)["schema"]
    assert (proposed["namespace"], proposed["name"]) == ("shop", "Item")
    with tierbus.running(
        "contracts", "infer", "shop.item", "--topic", "shop.items.*", "--count", "2", "--json"
    ) as live:
        assert live.stderr is not None
        assert live.stdout is not None
        assert "listening" in live.stderr.readline()
        for line in lines.split("\n\n"):
            tierbus("publish", "shop.items.a", line.strip())
        assert json.loads(live.stdout.read())["schema"] == proposed
    put(tmp_path, proposed)
    rule = json.dumps([{"pattern": "shop.**", "contract": "shop.item"}])
    bound = {"TIERBUS_ROUTES": rule, "TIERBUS_CONTRACTS_DIR": str(tmp_path)}
    tierbus("publish", "shop.items.b", '{"id": 3, "price": null, "tags": ["x"]}', environment=bound)
    done = tierbus("publish", "shop.items.b", '{"id": "3", "price": null, "tags": []}', code=2, environment=bound)
    assert "item.id: expected long, got str" in done.stderr
    assert "no JSON" in tierbus("contracts", "infer", "shop.item", "-", stdin="{", code=2).stderr
    assert "give either" in tierbus("contracts", "infer", "shop.item", code=2).stderr


def test_a_contract_as_a_class(tierbus: CommandLine, tmp_path: Path) -> None:
    path = put(tmp_path, item(ID, NOTE))
    namespace: dict[str, Any] = {}
    exec(tierbus("contracts", "model", str(path)).stdout, namespace)
    assert namespace["Item"](id=1).note is None
    assert "class Order" in tierbus("contracts", "model", "trading.order", "--dataclass").stdout
