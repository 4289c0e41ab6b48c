"""Schemas proposed from random examples: each example fits, and comes back as it was."""

from __future__ import annotations

import datetime as dt
import string
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from bus.avro.schema import AvroSchema
from bus.errors import ContractError
from ops.contracts.infer import infer

QUICK = settings(max_examples=80, deadline=None, derandomize=True, database=None)

NAMES = st.sampled_from(["a", "b", "b_c", "_d", "B"])
STRANGE = st.text(max_size=3)
JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-9, 9),
    st.floats(allow_nan=False),
    st.text(max_size=4),
)
AVRO_VALUES = st.one_of(
    JSON_VALUES,
    st.binary(max_size=3),
    st.datetimes(
        timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=2))]), min_value=dt.datetime(2, 1, 1)
    ),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.uuids(),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
)


KINDS = [
    st.integers(-9, 9) | st.floats(-9, 9),
    st.text(max_size=4),
    st.decimals(min_value=-100, max_value=100, places=2),
    st.lists(st.dictionaries(NAMES, st.integers(-9, 9), max_size=3), max_size=3),
    st.dictionaries(st.integers(0, 99).map(str), st.text(max_size=2) | st.integers(-9, 9), max_size=9),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.dictionaries(NAMES, st.lists(st.none() | st.lists(st.binary(max_size=2))), max_size=2),
]


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(NAMES, inner, max_size=3),
            st.dictionaries(STRANGE, inner, max_size=3),
        ),
        max_leaves=8,
    )


@st.composite
def alike(draw: Any) -> list[dict[str, Any]]:
    """Objects whose fields are of the same kinds in all of them, now and then missing or null."""
    kinds = draw(st.dictionaries(NAMES, st.sampled_from(KINDS), min_size=1))
    row = st.fixed_dictionaries({}, optional={key: st.one_of(st.none(), kind) for key, kind in kinds.items()})
    rows: list[dict[str, Any]] = draw(st.lists(row, min_size=1, max_size=5))
    return rows


def same(back: Any, given: Any) -> bool:
    """Equal, and of the same types but for a double that was an int, and fields that are null for being missing."""
    if isinstance(given, dict):
        there = {key: value for key, value in given.items() if value is not None}
        came = {key: value for key, value in back.items() if value is not None}
        return there.keys() == came.keys() and all(same(came[key], there[key]) for key in there)
    if isinstance(given, list):
        return len(back) == len(given) and all(map(same, back, given))
    kinds = (type(back), type(given))
    return back == given and (kinds[0] is kinds[1] or kinds == (float, int))


def fit(examples: list[dict[str, Any]]) -> bool:
    """Whether there was a schema; it fits all examples."""
    try:
        proposal = infer(examples, name="Random", namespace="test.it")
    except ContractError as error:
        reason = str(error)
        assert "one type in Avro" in reason or "is no Avro name; call it" in reason
        event("refused")
        return False
    schema = AvroSchema(proposal.schema, "random")
    for example in examples:
        assert same(schema.decode(schema.encode(example)), example)
    assert all(note.endswith(tuple(string.ascii_letters + ")?")) for note in proposal.notes)
    return True


@QUICK
@given(st.lists(st.dictionaries(NAMES, nested(JSON_VALUES), max_size=4), min_size=1, max_size=5))
def test_json_examples_fit(examples: list[dict[str, Any]]) -> None:
    fit(examples)


@QUICK
@given(st.lists(st.dictionaries(NAMES, nested(AVRO_VALUES), max_size=4), min_size=1, max_size=3))
def test_decoded_examples_fit(examples: list[dict[str, Any]]) -> None:
    fit(examples)


@QUICK
@given(alike())
def test_examples_of_one_kind_always_have_a_schema(examples: list[dict[str, Any]]) -> None:
    assert fit(examples)


@QUICK
@given(alike(), st.randoms(use_true_random=False))
def test_the_order_of_examples_plays_no_part(examples: list[dict[str, Any]], chance: Any) -> None:
    shuffled = list(examples)
    chance.shuffle(shuffled)
    assert unordered(infer(shuffled, name="R").schema) == unordered(infer(examples, name="R").schema)


def unordered(schema: Any) -> Any:
    """Without the order of fields, and the names that depend on it."""
    if isinstance(schema, list):
        return [unordered(branch) for branch in schema]
    if isinstance(schema, dict) and "fields" in schema:
        return {field["name"]: (unordered(field["type"]), field.get("default", 0)) for field in schema["fields"]}
    if isinstance(schema, dict):
        return {key: unordered(value) for key, value in schema.items()}
    return schema
