"""`tierbus contracts` without Kafka: exit codes, folders, classes, and a schema registry that others use too."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ops.cli.app import run
from ops.cli.failing import FINE, TROUBLE, WRONG_USE
from tests.faulty_registry import FaultyRegistry
from tests.registry_faults import reply

ITEM: dict[str, Any] = {"type": "record", "name": "Item", "fields": [{"name": "id", "type": "long"}]}
CLASS = """
from dataclasses import dataclass

print("a module may print")

@dataclass
class Item:
    id: int

class Outer:
    @dataclass
    class Item:
        id: int

@dataclass
class Wrong:
    id: object

number = 1
"""


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIERBUS_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.chdir(tmp_path)


class Tierbus:
    """`tierbus contracts`, and what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = run(["contracts", *arguments])
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.err
        return code


@pytest.fixture
def tierbus(capsys: pytest.CaptureFixture[str]) -> Tierbus:
    return Tierbus(capsys)


def put(name: str, schema: Any = ITEM) -> None:
    path = Path(name + ".avsc")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))


def written(folder: str) -> list[str]:
    return [path.as_posix() for path in sorted(Path(folder).rglob("*.*"))]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["check", "shop.none", "--dir", "own"], "contract shop.none is unknown"),
        (["push", "shop.none", "--dir", "own"], "or give a class as module:Model"),
        (["check", "--dir", "own", "--compatibility", "wrong"], "--compatibility wrong is unknown; take one of NONE"),
        (["push", "--dir", "own", "--compatibility", "wrong"], "--compatibility wrong is unknown"),
        (["check", "--dir", "missing"], "--dir missing is no folder"),
        (["push", "--dir", "missing"], "--dir missing is no folder"),
        (["list", "--dir", "missing"], "--dir missing is no folder"),
        (["show", "shop.item", "--dir", "missing"], "--dir missing is no folder"),
        (["model", "shop.item", "--dir", "missing"], "--dir missing is no folder"),
        (["diff", "shop.item", "--dir", "missing"], "--dir missing is no folder"),
        (["check", "--dir", "own", "--against", "missing"], "--against missing is no folder"),
        (["diff", "shop.item", "--dir", "own", "--against", "missing"], "--against missing is no folder"),
        (["diff", "shop.none", "--dir", "own", "--against", "own"], "contract shop.none is unknown"),
        (["push", "shop.item", "--dir", "own", "--record-namespace", "shop"], "--record-namespace is for classes"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_names_the_option_and_exits_2(tierbus: Tierbus, arguments: list[str], what: str) -> None:
    put("own/shop/item")
    assert tierbus(*arguments) == WRONG_USE
    assert what in tierbus.err
    assert tierbus.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--dir", "broken"],
        ["push", "--dir", "broken"],
        ["list", "--dir", "broken"],
        ["show", "shop.item", "--dir", "broken"],
        ["model", "shop.item", "--dir", "broken"],
        ["model", "broken/shop/item.avsc"],
        ["diff", "shop.item", "--dir", "broken"],
        ["check", "--dir", "own", "--against", "broken"],
    ],
    ids="-".join,
)
def test_a_broken_file_is_trouble(tierbus: Tierbus, arguments: list[str]) -> None:
    put("own/shop/item")
    put("broken/shop/item", '{"type": "record"')
    assert tierbus(*arguments) == TROUBLE
    assert "item is no JSON" in tierbus.err


def test_check_against_a_folder_tells_what_is_gone(tierbus: Tierbus) -> None:
    put("old/shop/item")
    put("new/shop/item")
    assert tierbus("check", "--dir", "new", "--against", "old") == FINE
    assert tierbus.out == "shop.item: unchanged\n"
    put("old/shop/basket")
    assert tierbus("check", "--dir", "new", "--against", "old") == TROUBLE
    assert tierbus.out.splitlines()[1].startswith("shop.basket: gone")
    assert tierbus("check", "--dir", "new", "--against", "old", "--json") == TROUBLE
    assert [each["state"] for each in json.loads(tierbus.out)["contracts"]] == ["unchanged", "gone"]
    assert tierbus("check", "shop.item", "--dir", "new", "--against", "old") == FINE
    assert tierbus("diff", "shop.item", "--dir", "new", "--against", "new") == FINE
    assert tierbus("diff", "trading.order", "--against", "new") == TROUBLE
    assert "trading.order is not in new" in tierbus.err


def test_what_is_here_is_shown_without_a_client_of_the_registry(
    tierbus: Tierbus, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("own/shop/item")
    monkeypatch.setenv("TIERBUS_SCHEMA_REGISTRY_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("TIERBUS_SCHEMA_REGISTRY_CAFILE", "missing.pem")
    monkeypatch.setenv("TIERBUS_WIRE_FORMAT", "confluent_guid")
    Path("lines").write_text('{"id": 1}\n')
    assert tierbus("list", "--dir", "own") == FINE
    assert tierbus("show", "shop.item", "--dir", "own") == FINE
    assert tierbus("model", "shop.item", "--dir", "own") == FINE
    assert tierbus("infer", "shop.item", "lines") == FINE
    assert tierbus("check", "--dir", "own", "--against", "own") == FINE
    assert tierbus("check", "--dir", "own") == WRONG_USE
    assert "missing.pem cannot be loaded" in tierbus.err


def test_a_class_is_found_in_the_current_folder(tierbus: Tierbus) -> None:
    Path("shop_classes.py").write_text(CLASS)
    put("old/shop/Item", ITEM | {"namespace": "shop"})
    put("old/shop/item", ITEM | {"fields": [{"name": "id", "type": "string"}]})
    # In a folder that does not exist nothing is looked for.
    given = ("--against", "old", "--dir", "missing")
    assert tierbus("check", "shop_classes:Item", "--record-namespace", "shop", *given) == FINE
    assert tierbus.out == "shop.Item: unchanged\n"
    assert tierbus("check", "shop_classes:Outer.Item=shop.item", *given, "--json") == TROUBLE
    (found,) = json.loads(tierbus.out)["contracts"]
    assert (found["contract"], found["state"]) == ("shop.item", "incompatible")
    assert tierbus("check", "shop_classes:Item", "shop_classes:Item", *given) == FINE
    assert tierbus.out.count("Item: new") == 1
    assert tierbus("check", "shop_classes:Item=trading.order", "trading.order", "--against", "old") == WRONG_USE
    assert "trading.order is given twice" in tierbus.err


@pytest.mark.parametrize(
    ("given", "code", "what"),
    [
        ("no_such_module:Item", WRONG_USE, "module no_such_module is not found"),
        ("odd_classes:Nope", WRONG_USE, "module odd_classes has no Nope"),
        ("odd_classes:number", WRONG_USE, "odd_classes:number is no class"),
        ("odd_classes:Wrong", TROUBLE, "Wrong.id"),
        ("odd_classes.py:Item", WRONG_USE, "module odd_classes.py is not found"),
        ("./odd_classes:Item", WRONG_USE, "give module:Model or module:Model=NAME"),
        (":Item", WRONG_USE, "give module:Model"),
        ("odd_classes:", WRONG_USE, "give module:Model"),
        ("odd_classes:Item=", WRONG_USE, "give module:Model"),
        ("needs_more:Item", TROUBLE, "module needs_more cannot be imported: No module named 'no_such_module'"),
        ("fails:Item", TROUBLE, "module fails cannot be imported: ZeroDivisionError"),
        ("leaves:Item", TROUBLE, "module leaves cannot be imported: SystemExit"),
    ],
)
def test_a_class_that_cannot_be_had(tierbus: Tierbus, given: str, code: int, what: str) -> None:
    Path("odd_classes.py").write_text(CLASS)
    Path("needs_more.py").write_text("import no_such_module")
    Path("fails.py").write_text("1 / 0")
    Path("leaves.py").write_text("raise SystemExit(0)")
    assert tierbus("check", given, "--against", ".") == code
    assert what in tierbus.err
    assert tierbus.out == ""


async def test_pull_leaves_out_what_others_keep_in_the_registry(
    tierbus: Tierbus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FaultyRegistry() as registry:
        monkeypatch.setenv("TIERBUS_SCHEMA_REGISTRY_URL", registry.url)
        text = json.dumps(ITEM)
        for subject in ("orders-value", "a\x1b[31m.b", "-rf.item", "shop.basket", "shop.proto", "tierbus.json"):
            registry.contents.register(subject, text)
        proto = {"subject": "shop.proto", "version": 1, "id": 9, "schemaType": "PROTOBUF", "schema": "message A {}"}
        registry.inject(reply(200, json.dumps(proto)), path="/subjects/shop.proto/versions/1")
        assert await asyncio.to_thread(tierbus, "pull", "--dir", "out") == FINE
        assert tierbus.out == "out/shop/basket.avsc: version 1\n"
        assert written("out") == ["out/shop/basket.avsc"]
        notes = tierbus.err.splitlines()
        assert len(notes) == 4
        assert all(note.startswith("tierbus: left out: ") for note in notes)
        assert "shop.proto in the schema registry is PROTOBUF" in tierbus.err
        assert "'orders-value' cannot be a file" in tierbus.err
        assert "\x1b" not in tierbus.err
        for named in (["shop.proto"], ["orders-value"], ["shop.basket", "shop.none"], ["--", "-rf.item"]):
            assert await asyncio.to_thread(tierbus, "pull", "--dir", "other", *named) == TROUBLE
            assert tierbus.out == ""
        assert written("other") == []
        assert await asyncio.to_thread(tierbus, "check", "shop.proto", "--dir", "missing") == WRONG_USE
        put("own/shop/proto")
        assert await asyncio.to_thread(tierbus, "check", "--dir", "own") == TROUBLE
        assert await asyncio.to_thread(tierbus, "show", "shop.basket", "--version", "1", "--dir", "missing") == FINE
        assert json.loads(tierbus.out) == ITEM


async def test_pull_prints_nothing_that_steers_a_terminal(tierbus: Tierbus, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyRegistry() as registry:
        monkeypatch.setenv("TIERBUS_SCHEMA_REGISTRY_URL", registry.url)
        registry.contents.register("shop.item", json.dumps(ITEM | {"doc": "\u009b31m"}))
        assert await asyncio.to_thread(tierbus, "pull", "--dir", "out\x1b[31m") == FINE
        assert tierbus.out == "out\\x1b[31m/shop/item.avsc: version 1\n"
        assert await asyncio.to_thread(tierbus, "show", "shop.item", "--version", "1") == FINE
        assert tierbus.out.isascii()
        assert json.loads(tierbus.out)["doc"] == "\u009b31m"


async def test_push_takes_the_names_of_plain_values_once(tierbus: Tierbus, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyRegistry() as registry:
        monkeypatch.setenv("TIERBUS_SCHEMA_REGISTRY_URL", registry.url)
        assert await asyncio.to_thread(tierbus, "push", "tierbus.json", "--json") == FINE
        rows = json.loads(tierbus.out)["contracts"]
        assert [row["contract"] for row in rows] == ["tierbus.json", "tierbus.bytes", "tierbus.text"]
        assert all(row["pushed"] for row in rows)
        assert await asyncio.to_thread(tierbus, "pull", "--dir", "out") == FINE
        assert "no contract was pushed yet" in tierbus.err
