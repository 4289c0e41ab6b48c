"""`tierbus contracts` against a real broker: what a team does from its first file to a refused change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
