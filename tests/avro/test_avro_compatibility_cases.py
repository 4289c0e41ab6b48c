"""The checker against the pairs and histories that other checkers are held to."""

from __future__ import annotations

from typing import Any

import pytest

from bus.avro.compatibility import Mode, can_read, check
from tests.avro.case_files import cases

PAIRS = {case["id"]: case for case in cases("avro-reader-writer-pairs")}
EDGES = {case["name"]: case for case in cases("avro-edge-pairs")}
HISTORIES = cases("registry-mode-cases")

STRICTER_PAIRS = {"p020": "bytes-as-text", "p042": "bytes-as-text"}
"""Others call these compatible; not all bytes are text."""

STRICTER_EDGES = {
    "decimal precision change": "logical-type",
    "decimal scale change": "logical-type",
    "timestamp-millis->micros": "logical-type",
    "string->uuid": "logical-type",
    "uuid->string": "logical-type",
    "date(int)->timestamp(long)": "logical-type",
    "bytes<->string field": "bytes-as-text",
    "default type wrong (string for int)": "default-type",
}
"""Others call these compatible, and data is read as something else."""

RULES = {
    "type_mismatch": {"type"},
    "missing_union_branch": {"union-branch", "type"},
    "reader_field_missing_default_value": {"field-default"},
    "fixed_size_mismatch": {"fixed-size"},
    "name_mismatch": {"name"},
    "missing_enum_symbols": {"enum-symbols"},
}
"""Which of our rules say what the other checkers' reasons say."""


@pytest.mark.parametrize("case", PAIRS.values(), ids=PAIRS)
def test_pairs_of_the_other_checkers(case: dict[str, Any]) -> None:
    findings = can_read(case["reader"], case["writer"])
    if case["id"] in STRICTER_PAIRS:
        assert [finding.rule for finding in findings] == [STRICTER_PAIRS[case["id"]]]
        return
    assert (not findings) == case["compatible"]
    allowed = set().union(*(RULES[reason] for reason in case["incompatibilities"]))
    assert {finding.rule for finding in findings} <= allowed


@pytest.mark.parametrize("case", EDGES.values(), ids=EDGES)
def test_edge_pairs(case: dict[str, Any]) -> None:
    findings = can_read(case["reader"], case["writer"])
    if case["name"] in STRICTER_EDGES:
        assert case["avro_python_1_12_2"], "not stricter than the other checkers any more"
        assert [finding.rule for finding in findings] == [STRICTER_EDGES[case["name"]]]
    else:
        assert (not findings) == case["avro_python_1_12_2"]


@pytest.mark.parametrize("case", HISTORIES, ids=range(len(HISTORIES)))
def test_histories(case: dict[str, Any]) -> None:
    # A registry answers 404 where nothing was registered; with nothing to compare, anything may come first.
    verdict = check(case["new"], *case["history"], mode=Mode(case["mode"]))
    assert verdict.compatible == case.get("compatible", True)
    if "status" in case:
        assert verdict.compared == 0


def test_every_case_is_there() -> None:
    assert (len(PAIRS), len(EDGES), len(HISTORIES)) == (157, 33, 25)
