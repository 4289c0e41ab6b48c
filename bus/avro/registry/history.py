"""What the topic `_schemas` says: the schemas that values were written by, and the versions of contracts. Pure.

A version is claimed before its schema is entered. Whoever claims reads the claims back and steps back from one that
may not follow those before it; so a schema that is entered was let in, wherever its writer was stopped, and a claim
that never was completed takes nobody's place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bus.avro.compatibility import Mode, check
from bus.avro.contract import Contract
from bus.avro.framing import SINGLE_OBJECT
from bus.avro.plain import PLAIN
from bus.avro.registry.rules import refuse_incompatible
from bus.avro.schema import AvroSchema
from bus.errors import ContractError


@dataclass(frozen=True, slots=True)
class _Claim:
    """That a schema is a version of a contract.

    Attributes:
        key: Its key in the topic.
        order: How many claims of the contract its writer knew. The topic's own order is not kept by compaction when two
            have claimed the same.
    """

    key: str
    contract: str
    schema: AvroSchema
    compatibility: Mode
    order: int


def version_key(contract: Contract) -> str:
    """The key of the claim that a schema is a version of the contract."""
    return f"{contract.name}@{contract.schema.sha256}"


def entry_of(schema: AvroSchema) -> bytes:
    """The value of a schema's key, its SHA-256."""
    return json.dumps({"name": schema.name, "crc64": schema.frame[2:].hex(), "schema": schema.text}).encode()


class History:
    """What was read so far; an entry is parsed when it is asked for, and once."""

    def __init__(self) -> None:
        self._items: dict[str, bytes] = {}
        self._frames: dict[bytes, list[str]] = {}
        self._claimed: dict[str, list[str]] = {}
        self._parsed: dict[str, tuple[bytes, AvroSchema | _Claim | None]] = {}
        self._let_in: dict[str, tuple[list[str], list[AvroSchema]]] = {}

    def read(self, items: Mapping[str, bytes]) -> None:
        """Takes the topic as it is now, in its order."""
        if items.keys() == self._items.keys() and all(self._items[key] is value for key, value in items.items()):
            return
        self._items = dict(items)
        self._frames, self._claimed = {}, {}
        for key, value in items.items():
            contract, claimed, _ = key.rpartition("@")
            if claimed:
                self._claimed.setdefault(contract, []).append(key)
            elif (frame := _frame_in(value)) is not None:
                self._frames.setdefault(frame, []).append(key)
        same = {key: known for key, known in self._parsed.items() if known[0] == items.get(key)}
        if len(same) < len(self._parsed):  # a claim may have been taken back and made anew, with another rule
            self._parsed = same
            self._let_in.clear()

    def known(self, frame: bytes) -> AvroSchema | None:
        """The schema that values with this frame were written by: of two with one CRC, the first in the topic."""
        for schema in PLAIN.values():
            if schema.frame == frame:
                return schema
        for key in self._frames.get(frame, ()):
            entered = self._at(key)
            if isinstance(entered, AvroSchema) and entered.frame == frame:
                return entered
        return None

    def is_version(self, contract: Contract) -> bool:
        """Whether the schema was let in as a version of the contract, and is entered."""
        sha256 = contract.schema.sha256
        return sha256 in self._items and any(each.sha256 == sha256 for each in self.versions(contract.name))

    def versions(self, name: str) -> list[AvroSchema]:
        """The versions of a contract, the oldest first: the claims that may follow those before them."""
        return self._followed(name, None)

    def names(self) -> list[str]:
        """The contracts that have versions."""
        return sorted(name for name in self._claimed if self.versions(name))

    def claim_of(self, contract: Contract) -> bytes:
        """The value of a new claim."""
        fields = {
            "compatibility": contract.compatibility.value,
            "order": len(self._claimed.get(contract.name, ())),
            "schema": contract.schema.text,
        }
        return json.dumps(fields).encode()

    def refuse(self, contract: Contract) -> None:
        """Holds a contract to what stands before it: its own claim, or all that there is when it has none.

        Raises:
            ContractError: Another schema has its CRC and other logical types, or it breaks the rule of change; the one
                that its claim names, when there is one.
        """
        key = version_key(contract)
        claim = self._at(key) if key in self._items else None
        mode = claim.compatibility if isinstance(claim, _Claim) else contract.compatibility
        # First, for it names the field.
        refuse_incompatible(Contract(contract.name, contract.schema, mode), self._followed(contract.name, key))
        self._refuse_clash(contract, key)

    def _refuse_clash(self, contract: Contract, key: str) -> None:
        """With the owner of the CRC; while nobody has it, with those who claimed it before."""
        schema = contract.schema
        owner = self.known(schema.frame)
        others = [owner] if owner is not None else self._claimed_before(key)
        for other in others:
            if other.frame == schema.frame and other.sha256 != schema.sha256 and _decodes_otherwise(other, schema):
                raise ContractError(
                    f"contract {contract.name} and the registered {other.name} ({other.sha256[:12]}) have the same "
                    "Avro fingerprint but other logical types, so readers could not tell their values apart; rename "
                    "the record or keep the logical types"
                )

    def _claimed_before(self, key: str) -> list[AvroSchema]:
        schemas = []
        for other in self._items:
            if other == key:
                break
            if "@" in other and isinstance(claim := self._at(other), _Claim):
                schemas.append(claim.schema)
        return schemas

    def _followed(self, name: str, before: str | None) -> list[AvroSchema]:
        """The schemas of a contract's claims up to a key, without those that may not follow the ones before them."""
        claims = {}
        for claim in self._claims(name):
            if claim.key == before:
                break
            claims[claim.key] = claim
        keys = list(claims)
        known_keys, let_in = self._let_in.get(name, ([], []))
        if known_keys != keys[: len(known_keys)]:
            known_keys, let_in = [], []
        let_in = list(let_in)
        for key in keys[len(known_keys) :]:
            claim = claims[key]
            old = [each.json for each in let_in]
            if check(claim.schema.json, *old, mode=claim.compatibility).compatible:
                let_in.append(claim.schema)
        self._let_in[name] = keys, let_in
        return list(let_in)

    def _claims(self, name: str) -> list[_Claim]:
        claims = [claim for key in self._claimed.get(name, ()) if isinstance(claim := self._at(key), _Claim)]
        return sorted(claims, key=lambda claim: claim.order)  # of one order, as they are in the topic

    def _at(self, key: str) -> AvroSchema | _Claim | None:
        known = self._parsed.get(key)
        if known is None:
            known = self._parsed[key] = self._items[key], _parse(key, self._items[key])
        return known[1]


def _frame_in(value: bytes) -> bytes | None:
    try:
        return SINGLE_OBJECT + bytes.fromhex(json.loads(value)["crc64"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _parse(key: str, value: bytes) -> AvroSchema | _Claim | None:
    """`None` for what is no entry of ours or not admitted: nothing is written or read by it."""
    contract, claimed, sha256 = key.rpartition("@")
    try:
        fields: Any = json.loads(value)
        schema = AvroSchema.from_json(fields["schema"], contract if claimed else str(fields["name"]))
        if schema.sha256 != sha256:
            return None
        schema = PLAIN.get(schema.sha256, schema)
        if not claimed:
            return schema
        return _Claim(key, contract, schema, Mode.parse(fields["compatibility"]), int(fields["order"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _decodes_otherwise(one: AvroSchema, other: AvroSchema) -> bool:
    return bool(_logical(json.loads(one.normalised)) != _logical(json.loads(other.normalised)))


def _logical(schema: Any) -> Any:
    """The schema with only what decides how bytes become data."""
    if isinstance(schema, dict):
        skip = ("default", "aliases", "order")
        return {key: _logical(value) for key, value in schema.items() if key not in skip}
    if isinstance(schema, list):
        return [_logical(value) for value in schema]
    return schema
