"""Bytes: what they are read as, what is refused, and what is passed over."""

from __future__ import annotations

import datetime as dt
import tracemalloc
import uuid
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest

from bus.avro.resolving import compiled_reader
from bus.errors import DecodeError
from tests.avro.schema_shapes import (
    DECIMAL,
    EMPTY,
    INNER,
    array,
    encoded,
    enum,
    field,
    fixed,
    logical,
    mapping,
    read,
    record,
)


def by_fastavro(schema: Any, raw: bytes) -> Any:
    return fastavro.schemaless_reader(BytesIO(raw), fastavro.parse_schema(schema), None)


SAME: list[tuple[Any, str, Any]] = [
    ("null", "", None),
    ("boolean", "01", True),
    ("int", "0f", -8),
    ("int", "ffffffff0f", -(2**31)),
    ("long", "feffffffffffffffff01", 2**63 - 1),
    ("long", "8000", 0),
    ("float", "cdcc8c3f", 1.100000023841858),
    ("double", "9a9999999999f13f", 1.1),
    ("double", "000000000000f87f", float("nan")),
    ("double", "0000000000000080", -0.0),
    ("bytes", "0400ff", b"\x00\xff"),
    ("string", "04c3a9", "é"),
    ("string", "8001" + "61" * 64, "a" * 64),
    (fixed(2), "0001", b"\x00\x01"),
    (fixed(0), "", b""),
    (enum("BUY", "SELL"), "02", "SELL"),
    (enum("BUY", "SELL"), "8200", "SELL"),
    (enum(*(f"S{at}" for at in range(70))), "8a01", "S69"),
    (array("int"), "00", []),
    (array("int"), "04020402" + "0600", [1, 2, 3]),
    (array("int"), "0304020400", [1, 2]),
    (mapping("int"), "020261020202610400", {"a": 2}),
    (mapping("int"), "010602610200", {"a": 1}),
    (["null", "int"], "00", None),
    (["null", "int"], "0202", 1),
    (["null", "int"], "820002", 1),
    (["bytes", "string"], "020261", "a"),
    ([array("bytes"), array("string")], "0202026100", ["a"]),
    (logical("long", "timestamp-millis"), "05", dt.datetime(1969, 12, 31, 23, 59, 59, 997_000, dt.UTC)),
    (logical("long", "timestamp-micros"), "04", dt.datetime(1970, 1, 1, 0, 0, 0, 2, dt.UTC)),
    (logical("long", "local-timestamp-millis"), "04", dt.datetime(1970, 1, 1, 0, 0, 0, 2_000)),
    (logical("long", "local-timestamp-micros"), "04", dt.datetime(1970, 1, 1, 0, 0, 0, 2)),
    (logical("long", "timestamp-nanos"), "04", 2),
    (logical("long", "local-timestamp-nanos"), "04", 2),
    (logical("int", "date"), "05", dt.date(1969, 12, 29)),
    (logical("int", "time-millis"), "feefb252", dt.time(23, 59, 59, 999_000)),
    (logical("long", "time-micros"), "feffbadd8305", dt.time(23, 59, 59, 999_999)),
    (logical("string", "uuid"), "48" + str(uuid.UUID(int=7)).encode().hex(), uuid.UUID(int=7)),
    (fixed(16, logicalType="uuid"), "00" * 16, bytes(16)),
    (fixed(12, logicalType="duration"), "00" * 12, bytes(12)),
    (logical("bytes", "big-decimal"), "06020104", b"\x02\x01\x04"),
    (DECIMAL, "040096", Decimal("1.50")),
    (DECIMAL, "02ff", Decimal("-0.01")),
    (DECIMAL, "0200", Decimal("0.00")),
    (DECIMAL, "00", Decimal("0.00")),
    (DECIMAL, "08ffffd8f1", Decimal("-99.99")),
    (logical("bytes", "decimal", precision=40), "22" + "01" + "00" * 16, Decimal(2**128)),
    (fixed(2, logicalType="decimal", precision=4, scale=4), "ff6a", Decimal("-0.0150")),
    (logical("long", "of-somebody"), "04", 2),
    (logical("int", "timestamp-millis"), "04", 2),
    (record(field("a", "int", logicalType="date"), name="Inner"), "02", {"a": 1}),
    (EMPTY, "", {}),
    ({**EMPTY, "type": "error"}, "", {}),
]


@pytest.mark.parametrize(("schema", "raw", "expected"), SAME, ids=range(len(SAME)))
def test_types_are_those_of_fastavro(schema: Any, raw: str, expected: Any) -> None:
    seen = read(schema, schema, bytes.fromhex(raw))
    assert repr(seen) == repr(expected) == repr(by_fastavro(schema, bytes.fromhex(raw)))
    assert type(seen) is type(expected)


WRONG: list[tuple[Any, str, str]] = [
    ("boolean", "02", "a boolean is the byte 2"),  # fastavro: True, Java: False
    ("boolean", "", "is cut short"),
    ("int", "", "is cut short"),
    ("int", "80", "is cut short"),
    ("int", "808080808000", "a number of 32 bits has more than 5 bytes"),
    ("int", "ffffffff1f", "a number does not fit 32 bits"),
    ("long", "ffffffffffffffffff03", "a number does not fit 64 bits"),
    ("long", "80" * 10 + "00", "a number of 64 bits has more than 10 bytes"),
    ("long", "ff" * 40 + "01", "has more than 10 bytes"),  # fastavro: -9223372036854775808
    ("float", "000000", "is cut short"),
    ("double", "00" * 7, "is cut short"),
    ("bytes", "01", "a length is -1"),
    ("bytes", "0461", "a length is 2, with 1 bytes left"),
    ("string", "0461", "a length is 2, with 1 bytes left"),
    ("string", "80d0acf30e616263", "a length is 2000000000, with 3 bytes left"),
    ("string", "feffffffffffffffff01", "a length is 9223372036854775807, with 0 bytes left"),
    ("string", "04c328", "not UTF-8"),
    ("string", "06eda080", "not UTF-8"),
    (fixed(2), "00", "is cut short"),
    (enum("BUY", "SELL"), "01", "symbol -1 of an enum that has 2"),  # fastavro: the last
    (enum("BUY", "SELL"), "04", "symbol 2 of an enum that has 2"),
    (["null", "int"], "0102", "branch -1 of a union that has 2"),  # fastavro: the last
    (["null", "int"], "04", "branch 2 of a union that has 2"),
    (logical("long", "timestamp-millis"), "feffffffffffffffff01", "is no time in the years 1 to 9999"),
    (logical("long", "timestamp-micros"), "ffffffffffffffffff01", "is no time in the years 1 to 9999"),
    (logical("long", "local-timestamp-millis"), "ffffffffffffffffff01", "is no time in the years 1 to 9999"),
    (logical("int", "date"), "feffffff0f", "2147483647 is no day in the years 1 to 9999"),
    (logical("int", "date"), "ffffffff0f", "-2147483648 is no day"),
    (logical("int", "time-millis"), "01", "-1 is no time of a day"),  # fastavro: 00:00:00.999
    (logical("int", "time-millis"), "80f0b252", "86400000 is no time of a day"),
    (logical("long", "time-micros"), "01", "-1 is no time of a day"),
    (logical("string", "uuid"), "0261", "badly formed hexadecimal UUID"),
    (DECIMAL, "042710", "a decimal has more than 4 digits"),  # fastavro rounds it
    (DECIMAL, "04d8f0", "a decimal has more than 4 digits"),
    (array("int"), "0402", "a block says that it has 2 items, with 1 bytes left"),
    (array("int"), "80a8d6b90702", "a block says that it has 1000000000 items, with 1 bytes left"),
    (array("int"), "02", "a block says that it has 1 items, with 0 bytes left"),
    (array("int"), "0202", "is cut short"),
    (array("double"), "02" + "00" * 7, "a block says that it has 1 items, with 7 bytes left"),
    (array(record(field("a", "double"), field("b", "string"))), "04" + "00" * 17, "it has 2 items, with 17 bytes left"),
    (mapping("int"), "0402610200", "is cut short"),
    (mapping("int"), "02c3", "a block says that it has 1 items, with 1 bytes left"),
    (array("int"), "0306020400", "a block says that it ends at byte 5 and ends at 4"),
    (array("int"), "03020204", "a block says that it has 2 items, with 1 bytes left"),
    (array("int"), "030102", "a length is -1"),
    (array("int"), "ffffffffffffffffff0100", "a block says that it has 9223372036854775808 items, with 0 bytes left"),
    ("int", "0202", "has 1 bytes left over"),
    ("null", "02", "has 1 bytes left over"),
]


@pytest.mark.parametrize(("schema", "raw", "reason"), WRONG, ids=range(len(WRONG)))
def test_what_is_no_value(schema: Any, raw: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason) as refused:
        read(schema, schema, bytes.fromhex(raw))
    assert refused.value.raw == bytes.fromhex(raw)


SKIPPED = [
    *SAME,
    (logical("long", "timestamp-millis"), "feffffffffffffffff01", None),  # what is passed over is not looked into
    ("string", "04c328", None),
    (record(field("a", "double"), field("b", "boolean"), field("c", fixed(3)), name="Inner"), "07" * 12, None),
    (record(field("a", "double"), field("b", "string"), field("c", "float"), name="Inner"), "00" * 13, None),
    (array("double"), "02" + "00" * 9, None),
    (array(record(field("a", "string"), field("b", "int"), name="Inner")), "0402610202610200", None),
    (array("int"), "0310" + "ff" * 8 + "00", None),
    (mapping("null"), "0402610262" + "00", None),
    (mapping("string"), "02026102" + "6200", None),
    (["null", record(field("a", "string"), name="Inner")], "020261", None),
]


@pytest.mark.parametrize(("schema", "raw", "_"), SKIPPED, ids=range(len(SKIPPED)))
def test_what_only_the_writer_has_is_passed_over(schema: Any, raw: str, _: Any) -> None:
    reader = record(field("a", "int"), field("b", "int"))
    old = [field("old", schema), field("older", "double")]
    before = record(*old, field("a", "int"), field("b", "int"))
    between = record(field("a", "int"), *old, field("b", "int"))
    after = record(field("b", "int"), field("a", "int"), *old)
    value = bytes.fromhex(raw) + bytes(8)
    assert read(reader, before, value + b"\2\4") == {"a": 1, "b": 2}
    assert read(reader, between, b"\2" + value + b"\4") == {"a": 1, "b": 2}
    assert list(read(reader, after, b"\4\2" + value).items()) == [("a", 1), ("b", 2)]
    with pytest.raises(DecodeError, match="in old, older, which only the writer has"):
        read(reader, after, b"\4\2" + value[:-1])


@pytest.mark.parametrize(
    ("schema", "raw", "reason"),
    [
        ("string", "01", "a length is -1"),
        ("bytes", "7f", "a length is -64"),
        ("string", "feffffffffffffffff01", "a length is 9223372036854775807"),
        ("int", "808080808000", "more than 5 bytes"),
        ("long", "80" * 10 + "00", "more than 10 bytes"),
        (fixed(9), "00" * 8, "cut short"),
        (array("int"), "03010000", "a length is -1"),
        (array("int"), "010a0000", "a length is 5, with 2 bytes left"),
        (array("int"), "80a8d6b90702", "1000000000 items"),
        (array("double"), "80a8d6b90702", "1000000000 items"),
        (mapping("null"), "80a8d6b90702", "1000000000 items"),
        (array("string"), "020100", "a length is -1"),
        (["null", "int"], "01", "branch -1"),
        (["null", "int"], "04", "branch 2"),
    ],
    ids=str,
)
def test_what_is_passed_over_leads_only_onwards(schema: Any, raw: str, reason: str) -> None:
    writer = record(field("a", "int"), field("old", schema), field("b", "int"))
    with pytest.raises(DecodeError, match=f"Order.b: .*{reason}.*, in old, which only the writer has"):
        read(record(field("a", "int"), field("b", "int")), writer, b"\2" + bytes.fromhex(raw))


def legs(price: Any) -> dict[str, Any]:
    leg = record(field("price", price), name="Leg")
    return record(field("legs", array(leg)), field("more", mapping(["null", "Leg"])))


def test_what_is_wrong_names_its_place() -> None:
    decode = compiled_reader({**legs("string"), "aliases": ["x"]}, legs("string"), name="order")
    assert decode(b"frame\0\0", 5) == {"legs": [], "more": {}}
    for raw, place in [
        (b"\4\2a\2\xff", "order.legs[].price: the text is not UTF-8"),
        (b"\0\2\2k\2\7", "order.more{}.price: a length is -4, with 0 bytes left"),
        (b"\0\2\2k\6", "order.more{}: branch 3 of a union that has 2"),
        (b"\0\2\3\0\0", "order.more{}: a length is -2"),
        (b"\0\3\3", "order.more: a length is -2"),
        (b"\1", "order.legs: "),
        (b"", "order.legs: the value is cut short"),
    ]:
        with pytest.raises(DecodeError) as refused:
            decode(b"frame" + raw, 5)
        assert str(refused.value).startswith(f"value cannot be read at {place}")
        assert refused.value.raw == b"frame" + raw
    with pytest.raises(DecodeError, match="value of order has 2 bytes left over"):
        decode(b"frame\0\0\0\0", 5)
    with pytest.raises(DecodeError, match="value of order begins beyond its bytes"):
        compiled_reader(record(), record(), name="order")(b"frame", 6)


@pytest.mark.parametrize("schema", [array(array("int")), array(mapping("int")), array(INNER), array("int"), "string"])
def test_a_small_value_takes_little_memory(schema: Any) -> None:
    """A count or a length of 2^62 in a few bytes, at the place of each byte of a value."""
    decode = compiled_reader(schema, schema)
    huge = bytes.fromhex("feffffffffffffff7f")
    for raw in (b"\2" * at + huge + bytes(left) for at in range(4) for left in range(20)):
        tracemalloc.start()
        try:
            decode(raw, 0)
        except DecodeError:
            pass
        else:
            pytest.fail(f"{raw.hex()} was read")
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 100_000


def test_a_decimal_of_a_million_bytes_is_refused_before_it_is_made() -> None:
    """Digits of a number take time with the square of their count: this would be minutes."""
    with pytest.raises(DecodeError, match="more than 4 digits"):
        read(DECIMAL, DECIMAL, encoded("bytes", b"\1" * 1_000_000))
