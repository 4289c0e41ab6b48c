"""Nothing that a payload holds can steer the terminal, and every JSON line is JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.message import TOPIC_HEADER, Message, MessagePriority
from ops.cli.printing import as_json, plain, printable, shown
from ops.cli.publish import headers_of, parsed
from ops.cli.tail import document, line

HOSTILE = "\x1b[2J\x07\x9b31m\r\n\u2028\u202e\u200b\x00\U000e0041"


class Record:
    """A record as a transport would hand it over."""

    topic, partition, offset, timestamp = "bus.a.b.low", 1, 42, 1_700_000_000_123
    value = b""

    def __init__(self, key: bytes | None = None, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        self.key = key
        self.headers = ((TOPIC_HEADER, b"a.b"), *headers)


@given(st.text())
def test_what_is_printed_can_be_printed(text: str) -> None:
    assert printable(text).isprintable()
    assert shown({"text": text, text: [text]}).isprintable()
    assert as_json({"text": text}).isascii()
    assert as_json({"text": text}).isprintable()


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_hostile_message_is_one_harmless_line() -> None:
    message = Message(
        f"a.b{HOSTILE}", HOSTILE, MessagePriority.LOW, Record(HOSTILE.encode(), ((HOSTILE, HOSTILE.encode()),))
    )
    assert line(message).isprintable()
    assert r"\x1b[2J" in line(message)
    assert json.loads(as_json(document(message)))["data"] == HOSTILE


def test_a_line_for_a_person() -> None:
    message = Message("a.b", {"id": 7}, MessagePriority.LOW, Record(b"k", (("trace", b"1"),)))
    assert line(message)[12:] == ' low      a.b key=k trace=1 {"id": 7}'
    message = Message("a.b", None, MessagePriority.CRITICAL, Record(b"a.b"))
    assert line(message)[12:] == " critical a.b (tombstone)"
    assert line(Message("a.b", b"\x1b[31m", MessagePriority.LOW, Record()))[12:] == r" low      a.b b'\x1b[31m'"


def test_a_document_for_a_program() -> None:
    message = Message("a.b", {"id": 7}, MessagePriority.LOW, Record(b"k\xff", (("trace", b"1"),)))
    assert json.loads(as_json(document(message))) == {
        "topic": "a.b",
        "tier": "low",
        "key": "k\udcff",
        "headers": {"trace": "1"},
        "timestamp": "2023-11-14T22:13:20.123000+00:00",
        "id": "bus.a.b.low/1/42",
        "data": {"id": 7},
    }


def test_values_that_json_does_not_have() -> None:
    values = {
        "when": datetime(2026, 1, 2, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "price": Decimal("1.50"),
        "raw": b"\xff\x00",
        "nan": float("nan"),
        "many": (1, {2}),
        7: object,
    }
    assert plain(values) == {
        "when": "2026-01-02T00:00:00+00:00",
        "day": "2026-01-02",
        "price": "1.50",
        "raw": {"base64": "/wA="},
        "nan": "nan",
        "many": [1, [2]],
        "7": "<class 'object'>",
    }
    json.loads(as_json(values), parse_constant=pytest.fail)


def test_headers_of_pairs() -> None:
    assert headers_of(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}


def test_json_of_an_argument() -> None:
    assert parsed('{"id": 7, "price": 1.5}', "DATA") == {"id": 7, "price": 1.5}
    assert parsed("null", "DATA") is None
