"""Canonical forms, fingerprints, resolved values, framing and hostile values."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from typing import Any

import fastavro
import pytest

from bus.avro.compatibility import can_read
from bus.avro.framing import framing_of
from bus.avro.schema import FRAME_BYTES, AvroSchema
from bus.errors import ContractError, DecodeError
from tests.avro.case_files import cases

CANONICAL = cases("avro-canonical-fingerprint")
DECODING = cases("avro-decoding-cases")
WIRE = cases("wire-vectors")
HOSTILE = {case["name"]: case for case in cases("hostile-payloads")}

REFUSED = {"031": "items take no bytes", "033": "contains itself"}
NOT_ADMITTED = {"recursive-depth", "zero-size-items", "zero-size-records"}
ACCEPTED = {"overlong-varint"}
"""fastavro reads a number of more than ten bytes as some number; it harms nobody but its reader."""

STRICTER_DECODINGS = {
    6: "enum-symbols",  # these values would read, others of the same writer would not
    7: "enum-symbols",
    32: "enum-symbols",
    9: "type",
    24: "type",
    25: "type",
    26: "type",
    10: "union-branch",
    12: "union-order",  # Java takes the branch that is meant, others the first that promotes
    29: "bytes-as-text",
    30: "bytes-as-text",
}
"""Values that were read, of writers whose other values could not be."""


def plain(value: Any) -> Any:
    """Bytes as the case files write them, made bytes."""
    if isinstance(value, dict):
        return bytes.fromhex(value["$bytes_hex"]) if "$bytes_hex" in value else {k: plain(v) for k, v in value.items()}
    return value


def datum_of(case: dict[str, Any]) -> Any:
    """The datum with the branch that Java's test wrote, where a Python value alone does not tell."""
    datum = plain(case["datum"])
    return {name: (case["branch"], value) for name, value in datum.items()} if "branch" in case else datum


@pytest.mark.parametrize("case", CANONICAL, ids=[case["n"] for case in CANONICAL])
def test_canonical_form_and_fingerprint(case: dict[str, Any]) -> None:
    parsed = fastavro.parse_schema(json.loads(case["input"]))
    assert fastavro.schema.to_parsing_canonical_form(parsed) == case["canonical"]
    fingerprint = case.get("crc64_avro_le_hex")
    assert fingerprint is None or fastavro.schema.fingerprint(case["canonical"], "CRC-64-AVRO") == fingerprint
    if case["n"] in REFUSED:
        with pytest.raises(ContractError, match=REFUSED[case["n"]]):
            AvroSchema.from_json(case["input"], "case")
    elif fingerprint is not None:
        assert AvroSchema.from_json(case["input"], "case").frame.hex() == "c301" + fingerprint


@pytest.mark.parametrize("case", DECODING, ids=range(len(DECODING)))
def test_values_written_by_others(case: dict[str, Any]) -> None:
    schema = AvroSchema(case["writer"], "case")
    value = schema.frame + bytes.fromhex(case["encoded_hex"])
    assert schema.encode(datum_of(case)) == value
    assert schema.decode(value) == plain(case["datum"])


@pytest.mark.parametrize("index", range(len(DECODING)))
def test_a_compatible_reader_reads_what_java_reads(index: int) -> None:
    case = DECODING[index]
    findings = can_read(case["reader"], case["writer"])
    if "error" in case:
        assert findings
    else:
        expected = {STRICTER_DECODINGS[index]} if index in STRICTER_DECODINGS else set()
        assert {finding.rule for finding in findings} == expected
    if not findings:
        source = BytesIO(bytes.fromhex(case["encoded_hex"]))
        read = fastavro.schemaless_reader(
            source, fastavro.parse_schema(case["writer"]), fastavro.parse_schema(case["reader"])
        )
        # Java's float has 32 bits, Python's 64.
        assert read == (case["datum"] if "note" in case else plain(case["decoded"]))


def test_the_single_object_message_of_avro() -> None:
    case = WIRE["single_object"]
    schema = AvroSchema(case["schema"], "case")
    assert schema.frame.hex() == "c301" + case["crc64_avro_le_hex"]
    assert schema.encode(case["value"]).hex() == case["hex"]
    assert schema.decode(bytes.fromhex(case["hex"])) == case["value"]


@pytest.mark.parametrize("case", WIRE["reject"], ids=[case["why"] for case in WIRE["reject"]])
def test_framing_that_is_not_ours(case: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="no Avro framing"):
        framing_of(bytes.fromhex(case["hex"]))


HOSTILE_PROGRAM = """
import json, sys
from bus.avro.schema import AvroSchema
from bus.errors import ContractError, DecodeError

case = json.loads(sys.stdin.read())
try:
    schema = AvroSchema(case["schema"], "hostile")
except ContractError:
    print("not admitted")
else:
    try:
        print("read", schema.decode(schema.frame + bytes.fromhex(case["payload_hex"])))
    except DecodeError as error:
        print("refused", error)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values(name: str) -> None:
    """In a process of its own: without admission some of these end it, or stall it for half a minute."""
    case = {"payload_hex": "0002" * 5_000 + "0000", **HOSTILE[name]}
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE_PROGRAM], input=json.dumps(case), capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    expected = "not admitted" if name in NOT_ADMITTED else "read" if name in ACCEPTED else "refused"
    assert done.stdout.startswith(expected), done.stdout


def test_every_case_is_there() -> None:
    assert (len(CANONICAL), len(DECODING), len(HOSTILE), FRAME_BYTES) == (34, 34, 7, 10)
