"""What a finding says, which versions a mode compares, and the bounds of the checker."""

from __future__ import annotations

from typing import Any

import pytest

from bus.avro.compatibility import Mode, can_read, check
from bus.avro.compatibility.resolution import FINDINGS_MAX
from bus.errors import ContractError


def record(*fields: dict[str, Any], name: str = "Order", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "Side", "symbols": list(symbols), **more}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def rules(reader: Any, writer: Any) -> list[str]:
    return [finding.rule for finding in can_read(reader, writer)]


def test_a_finding_names_the_place_both_sides_and_what_to_do() -> None:
    def order(price: Any) -> dict[str, Any]:
        leg = record(field("price", price), name="Leg")
        return record(field("legs", {"type": "array", "items": leg}))

    (finding,) = can_read(order(decimal(10, 3)), order(decimal(10, 2)), name="order")
    assert finding.path == "order.legs[].price"
    assert finding.rule == "logical-type"
    assert finding.reader == "bytes decimal(10, 3)"
    assert finding.writer == "bytes decimal(10, 2)"
    assert "keep decimal(10, 2), or add a new field" in finding.suggestion
    assert str(finding).startswith("order.legs[].price: logical-type: reader has bytes decimal(10, 3), writer has")


def test_all_findings_are_told_at_once() -> None:
    reader = record(field("a", "int"), field("b", "string"), field("m", {"type": "map", "values": "int"}))
    writer = record(field("a", "long"), field("m", {"type": "map", "values": "string"}))
    assert [(finding.path, finding.rule) for finding in can_read(reader, writer)] == [
        ("Order.a", "type"),
        ("Order.b", "field-default"),
        ("Order.m{}", "type"),
    ]


@pytest.mark.parametrize(
    ("reader", "writer"),
    [
        ({"type": "long", "logicalType": "timestamp-micros"}, "long"),
        ("long", {"type": "long", "logicalType": "timestamp-micros"}),
        ({"type": "long", "logicalType": "time-micros"}, {"type": "long", "logicalType": "timestamp-micros"}),
        ("double", {"type": "int", "logicalType": "date"}),
        (["null", decimal(9, 2)], decimal(9, 3)),
        ({"type": "int", "logicalType": "time-millis"}, {"type": "int", "logicalType": "date"}),
        (
            {"type": "long", "logicalType": "local-timestamp-micros"},
            {"type": "long", "logicalType": "timestamp-micros"},
        ),
        (
            {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"},
            {"type": "fixed", "name": "F", "size": 12},
        ),
    ],
)
def test_another_logical_type_is_another_value(reader: Any, writer: Any) -> None:
    assert rules(reader, writer) == ["logical-type"]


def test_a_logical_type_that_avro_does_not_know_is_ignored_as_avro_says() -> None:
    assert rules({"type": "long", "logicalType": "colour"}, "long") == []
    assert rules({"type": "string", "logicalType": "date"}, "string") == []


def test_a_scale_left_out_is_zero() -> None:
    bare = {"type": "bytes", "logicalType": "decimal", "precision": 4}
    assert rules(bare, decimal(4, 0)) == []


@pytest.mark.parametrize(
    ("branches", "writer"),
    [(["bytes", "string"], "string"), (["double", "long"], "int"), (["float", "long"], "long")],
)
def test_a_branch_that_promotes_before_the_one_that_is_meant(branches: list[str], writer: str) -> None:
    found = rules(branches, writer)
    assert found == (["union-order"] if writer in branches else [])


def test_a_schema_reads_its_own_data_and_documentation_is_none_of_it() -> None:
    both = record(field("a", ["bytes", "string"]))
    assert rules(both, both) == []
    assert rules(both, record(field("a", ["bytes", "string"], doc="what it is"), doc="an order")) == []
    assert rules(record(field("a", ["bytes", "string"]), field("b", "int", default=0)), both) == ["union-order"]


def test_two_records_of_one_short_name_in_a_union() -> None:
    first = record(field("a", "int"), name="one.Leg")
    second = record(field("a", "int"), name="two.Leg")
    assert rules([first, second], second) == ["union-order"]
    assert rules([second, first], second) == []


def test_aliases() -> None:
    renamed = record(field("amount", "int", aliases=["quantity"]))
    assert rules(renamed, record(field("quantity", "int"))) == []
    assert rules(renamed, record(field("quantity", "int"), field("amount", "int"))) == ["field-alias"]
    # A field is read once: by the one that has its name, not by the one that has it as an alias.
    both = record(field("quantity", "int"), field("amount", "int", aliases=["quantity"]))
    assert rules(both, record(field("quantity", "int"))) == ["field-default"]
    # A name's alias is in its namespace.
    reader = record(name="new.Order", aliases=["Bill"])
    assert rules(reader, record(name="new.Bill")) == []
    assert rules(reader, record(name="old.Bill")) == ["name"]


@pytest.mark.parametrize(
    ("kind", "default", "good"),
    [
        ("null", None, True),
        ("boolean", 1, False),
        ("int", 2**31, False),
        ("long", 2**31, True),
        ("long", True, False),
        ("double", 1, True),
        ("double", "1", False),
        ("bytes", "\xff", True),
        ("bytes", "\u0100", False),
        ({"type": "fixed", "name": "F", "size": 2}, "ab", True),
        ({"type": "fixed", "name": "F", "size": 2}, "abc", False),
        (enum("BUY", "SELL"), "BUY", True),
        (enum("BUY", "SELL"), "HOLD", False),
        (["null", "int"], 3, True),
        (["null", "int"], "3", False),
        ({"type": "array", "items": "int"}, [1, 2], True),
        ({"type": "array", "items": "int"}, [1, "2"], False),
        ({"type": "map", "values": "string"}, {"a": "b"}, True),
        ({"type": "map", "values": "string"}, {"a": 1}, False),
        (record(field("a", "int"), field("b", "int", default=1), name="Leg"), {"a": 1}, True),
        (record(field("a", "int"), field("b", "int", default=1), name="Leg"), {"b": 1}, False),
    ],
)
def test_a_default_that_is_filled_in_must_fit(kind: Any, default: Any, good: bool) -> None:
    reader = record(field("new", kind, default=default))
    assert rules(reader, record()) == ([] if good else ["default-type"])


def test_an_enum_needs_a_default_of_its_own_for_symbols_that_it_does_not_know() -> None:
    grown = enum("BUY", "SELL", "HOLD")
    assert rules(enum("BUY", "SELL"), grown) == ["enum-symbols"]
    assert rules(enum("BUY", "SELL", default="BUY"), grown) == []
    assert rules(enum("BUY", "SELL", default="NONE"), grown) == ["enum-default"]


def test_a_symbol_is_added_only_to_an_enum_with_a_default() -> None:
    old, grown, ready = enum("BUY"), enum("BUY", "SELL"), enum("BUY", "SELL", default="BUY")
    (conflict,) = check(grown, old, mode=Mode.BACKWARD).conflicts
    assert [finding.rule for finding in conflict.findings] == ["enum-growth"]
    assert "default of its own before SELL is added" in conflict.findings[0].suggestion
    assert check(ready, old, mode=Mode.BACKWARD).compatible
    # What older versions did is past: only the latest counts.
    assert check(grown, old, grown).compatible
    assert not check(grown, old, mode=Mode.FORWARD).compatible
    assert not check(ready, old, mode=Mode.FORWARD).compatible, "the old readers have no default"
    assert check(grown, old, mode=Mode.NONE).compatible


@pytest.mark.parametrize(
    ("mode", "compared", "conflicts"),
    [
        (Mode.NONE, 0, []),
        (Mode.BACKWARD, 1, []),
        (Mode.BACKWARD_TRANSITIVE, 2, [(1, True)]),
        (Mode.FORWARD, 1, [(2, False)]),
        (Mode.FORWARD_TRANSITIVE, 2, [(2, False)]),
        (Mode.FULL, 1, [(2, False)]),
        (Mode.FULL_TRANSITIVE, 2, [(1, True), (2, False)]),
    ],
)
def test_modes(mode: Mode, compared: int, conflicts: list[tuple[int, bool]]) -> None:
    first = record(field("a", "int"))
    second = record(field("a", "int"), field("b", "int"), field("c", "int"))
    new = record(field("a", "int"), field("b", "int"))  # cannot read the first; the second cannot read it
    verdict = check(new, first, second, mode=mode)
    assert verdict.compared == compared
    assert [(conflict.version, conflict.backward) for conflict in verdict.conflicts] == conflicts
    assert verdict.compatible == (not conflicts)


def test_a_verdict_in_words() -> None:
    verdict = check(record(field("a", "int")), record(), name="trading.order")
    assert str(verdict).splitlines() == [
        "not compatible: BACKWARD_TRANSITIVE",
        "the new schema cannot read version 1:",
        "  trading.order.a: field-default: reader has int, writer has no such field; "
        "give it a default, or an alias when it was renamed",
    ]
    assert str(check("int", "int")) == "compatible: BACKWARD_TRANSITIVE, 1 compared"


def test_an_unknown_mode() -> None:
    with pytest.raises(ContractError, match="compatibility 'SIDEWAYS' is unknown; take one of NONE, BACKWARD"):
        check("int", mode="SIDEWAYS")


@pytest.mark.parametrize(
    "schema",
    [
        "Order",
        7,
        None,
        {},
        {"type": "record", "fields": []},
        {"type": "record", "name": "R", "fields": [{"type": "int"}]},
        {"type": "array"},
        {"type": "fixed", "name": "F"},
        {"type": "enum", "name": "E", "symbols": "AB"},
        [enum("A"), enum("A")],
    ],
)
def test_what_is_no_schema(schema: Any) -> None:
    with pytest.raises(ContractError):
        can_read(schema, "int")


def test_recursion_ends() -> None:
    def tree(kind: str, name: str) -> dict[str, Any]:
        children = {"type": "array", "items": name}
        return record(field("value", kind), field("left", ["null", name]), field("children", children), name=name)

    assert rules(tree("long", "Tree"), tree("int", "Tree")) == []
    (finding,) = can_read(tree("int", "Tree"), tree("long", "Tree"))
    assert finding.path == "Tree.value", "each pair of names is compared once"


def test_nesting_is_bounded() -> None:
    deep: Any = "int"
    for _ in range(5_000):
        deep = {"type": "array", "items": deep}
    with pytest.raises(ContractError, match="nested deeper than 64"):
        can_read(deep, deep)
    junk: Any = 1
    for _ in range(5_000):
        junk = [junk]
    with pytest.raises(ContractError, match="nested deeper than"):
        can_read({"type": "int", "note": junk}, "int")


def test_work_and_findings_are_bounded() -> None:
    # Every level names the one below twice: 2^40 paths, 40 pairs of names.
    levels: list[Any] = [record(field("value", "int"), name="L0")]
    for level in range(1, 40):
        below = f"L{level - 1}"
        levels.append(record(field("one", below), field("two", below), name=f"L{level}"))
    reader = record(*(field(f"f{at}", each) for at, each in enumerate(levels)), name="Top")
    writer = record(*(field(f"f{at}", each) for at, each in enumerate(levels)), field("x", "int"), name="Top")
    assert rules(reader, writer) == []
    many = record(*(field(f"f{at}", "int") for at in range(1_000)))
    assert len(can_read(many, record())) == FINDINGS_MAX


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ({"type": "string", "logicalType": "uuid"}, "x"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 0}, "\u0000d"),
        ("double", 10**400),
        ({"type": "int", "logicalType": "date"}, 2_932_897),
        ({"type": "long", "logicalType": "timestamp-micros"}, 253_402_300_800_000_000),
        ({"type": "long", "logicalType": "time-micros"}, -1),
    ],
)
def test_a_default_that_no_value_is_made_of_is_refused(kind: Any, default: Any) -> None:
    old = {"type": "record", "name": "R", "fields": []}
    new = {**old, "fields": [{"name": "a", "type": kind, "default": default}]}
    assert [finding.rule for finding in can_read(new, old)] == ["default-type"]


@pytest.mark.timeout(10)
def test_defaults_that_unfold_are_compared_once() -> None:
    inner: Any = {"type": "record", "name": "L0", "fields": [{"name": "a", "type": "int", "default": 0}]}
    for level in range(1, 40):
        fields = [
            {"name": "a", "type": inner, "default": {}},
            {"name": "b", "type": f"L{level - 1}", "default": {}},
        ]
        inner = {"type": "record", "name": f"L{level}", "fields": fields}
    old = {"type": "record", "name": "R", "fields": []}
    assert can_read({**old, "fields": [{"name": "x", "type": inner, "default": {}}]}, old) == ()
