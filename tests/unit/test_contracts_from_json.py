from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bus.avro.contracts import load_contracts
from ops.cli.printing import as_json
from ops.contracts.from_json import from_json
from perf.codec.examples import EXAMPLES

MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
INSTANT = {"type": "long", "logicalType": "timestamp-micros"}
UUID_TEXT = "89791762-2336-4186-9674-299b90a802e2"


def of(kind: Any) -> Any:
    return {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (MONEY, '"9.95"', Decimal("9.95")),
        (MONEY, "9.95", Decimal("9.95")),
        (MONEY, "9", Decimal(9)),
        (MONEY, '"free"', "free"),
        ("double", "9.95", 9.95),
        (
            {"type": "long", "logicalType": "timestamp-micros"},
            '"2026-01-02T03:04:05Z"',
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        ),
        ({"type": "long", "logicalType": "timestamp-micros"}, "7", 7),
        ({"type": "long", "logicalType": "timestamp-micros"}, '"soon"', "soon"),
        ({"type": "int", "logicalType": "date"}, '"2026-01-02"', date(2026, 1, 2)),
        ({"type": "string", "logicalType": "uuid"}, f'"{UUID_TEXT}"', UUID(UUID_TEXT)),
        ("bytes", '{"base64": "AAE="}', b"\x00\x01"),
        ("bytes", '{"base64": "?"}', {"base64": "?"}),
        (["null", MONEY], "null", None),
        (["null", MONEY], '"1.5"', Decimal("1.5")),
        (["null", "string", MONEY], '"1.5"', "1.5"),
        (["null", "string", MONEY], "1.5", Decimal("1.5")),
        (["null", "string", "double"], "1.5", 1.5),
        (["null", {"type": "array", "items": MONEY}], '["1.5"]', [Decimal("1.5")]),
        ({"type": "map", "values": MONEY}, '{"x": "1.5"}', {"x": Decimal("1.5")}),
        (of(MONEY) | {"name": "I"}, '{"a": "1.5", "b": 1.5}', {"a": Decimal("1.5"), "b": 1.5}),
        ("string", "[1.5]", [1.5]),
    ],
)
def test_text_becomes_what_the_contract_has(kind: Any, text: str, value: Any) -> None:
    given = json.loads(f'{{"a": {text}}}', parse_float=Decimal)
    made = from_json(of(kind), given)
    assert made == {"a": value}
    assert type(made["a"]) is type(value)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_tail_prints_can_be_published_again(name: str) -> None:
    schema = load_contracts(None)[name]
    data = schema.decode(schema.encode(EXAMPLES[name]))
    assert schema.decode(schema.encode(from_json(schema.json, json.loads(as_json(data), parse_float=Decimal)))) == data
