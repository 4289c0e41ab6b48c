"""Contracts as files and beside those of another folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bus.avro.contract import Contract
from bus.avro.schema import AvroSchema
from bus.errors import ContractError
from ops.contracts.checking import compared
from ops.contracts.files import path_of, without_documentation, write

ITEM: dict[str, Any] = {"type": "record", "name": "Item", "fields": [{"name": "id", "type": "long"}]}


def contract(name: str, schema: Any) -> Contract:
    return Contract(name, AvroSchema(schema, name))


@pytest.mark.parametrize(
    ("name", "path"),
    [("shop.item", "shop/item.avsc"), ("a.b-c.d_1.Item", "a.b-c.d_1/Item.avsc"), ("_a.9", "_a/9.avsc")],
)
def test_the_file_of_a_name(name: str, path: str) -> None:
    assert path_of(name, Path("here")) == Path("here") / path


@pytest.mark.parametrize(
    "name",
    [
        "orders-value",
        "",
        ".item",
        "shop.",
        "a..b",
        "../a.b",
        "a/b.c",
        "-rf.item",
        "shop.-rf",
        "~root.item",
        "a b.c",
        "a\x1b[31m.b",
        "shop.item\n",
        "shop.caf\u00e9",
        "a." + "b" * 300,
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_a_name_that_is_no_file_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match="cannot be a file"):
        path_of(name, Path("here"))


def test_a_file_that_is_no_text_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "shop" / "item.avsc"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    schema = AvroSchema(ITEM, "shop.item")
    assert write("shop.item", schema, tmp_path) == (path, True)
    assert write("shop.item", schema, tmp_path) == (path, False)


def test_documentation_is_taken_out_wherever_it_is() -> None:
    field = {"name": "doc", "type": {"type": "record", "name": "In", "doc": "b", "fields": []}, "doc": "c"}
    plain = {"name": "doc", "type": {"type": "record", "name": "In", "fields": []}}
    assert without_documentation({"type": "record", "doc": "a", "fields": [field]}) == {
        "type": "record",
        "fields": [plain],
    }


def test_beside_a_folder_a_contract_is_unchanged_new_or_gone() -> None:
    here = [contract("shop.item", ITEM), contract("shop.more", ITEM)]
    before = {name: contract(name, ITEM) for name in ("shop.item", "shop.old")}
    found = compared(here, before, all_=True)
    assert [(each.contract.name, each.state, each.fine) for each in found] == [
        ("shop.item", "unchanged", True),
        ("shop.more", "new", True),
        ("shop.old", "gone", False),
    ]
    assert found[0].line() == "shop.item: unchanged"
    assert found[2].document()["state"] == "gone"
    assert [each.state for each in compared(here[:1], before, all_=False)] == ["unchanged"]
