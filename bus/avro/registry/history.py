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
from bus.avro.plain import PLAIN
from bus.avro.registry.base import refuse_incompatible
from bus.avro.schema import AvroSchema
from bus.errors import ContractError


@dataclass(frozen=True, slots=True)
class _Claim:
    contract: str
    schema: AvroSchema
    compatibility: Mode


def version_key(contract: Contract) -> str:
    """The key of the claim that a schema is a version of the contract."""
    return f"{contract.name}@{contract.schema.sha256}"


def claim_of(contract: Contract) -> bytes:
    """The value of that key."""
    return json.dumps({"compatibility": contract.compatibility.value, "schema": contract.schema.text}).encode()


def entry_of(schema: AvroSchema) -> bytes:
    """The value of a schema's key, its SHA-256."""
    return json.dumps({"name": schema.name, "crc64": schema.frame[2:].hex(), "schema": schema.text}).encode()


class History:
    """What was read so far; an entry is parsed once."""

    def __init__(self) -> None:
        self._parsed: dict[str, tuple[bytes, AvroSchema | _Claim | None]] = {}
        self._owners: dict[bytes, AvroSchema] = {}
        self.read({})

    def read(self, items: Mapping[str, bytes]) -> None:
        """Takes the topic as it is now, in its order: the first schema of a CRC keeps it."""
        parsed = {}
        for key, value in items.items():
            known = self._parsed.get(key)
            parsed[key] = known if known is not None and known[0] == value else (value, _parse(key, value))
        self._parsed = parsed
        owners = {schema.frame: schema for schema in PLAIN.values()}
        for _, each in parsed.values():
            if isinstance(each, AvroSchema):
                owners.setdefault(each.frame, each)
        self._owners = owners

    def known(self, frame: bytes) -> AvroSchema | None:
        """The schema that values with this frame were written by."""
        return self._owners.get(frame)

    def is_version(self, contract: Contract) -> bool:
        """Whether the schema was let in as a version of the contract, and is entered."""
        sha256 = contract.schema.sha256
        return sha256 in self._parsed and any(each.sha256 == sha256 for each in self.versions(contract.name))

    def versions(self, name: str, before: str | None = None) -> list[AvroSchema]:
        """The versions of a contract, the oldest first, up to a key: the claims that may follow those before them."""
        let_in: list[AvroSchema] = []
        for claim in self._claims(before):
            if claim.contract == name:
                old = [each.json for each in let_in]
                if check(claim.schema.json, *old, mode=claim.compatibility).compatible:
                    let_in.append(claim.schema)
        return let_in

    def names(self) -> list[str]:
        """The contracts that have versions."""
        return sorted({claim.contract for claim in self._claims(None)})

    def refuse(self, contract: Contract) -> None:
        """Holds a contract to what stands before it: its own claim, or all that there is when it has none.

        Raises:
            ContractError: Another schema has its CRC and other logical types, or it breaks the rule of change; the one
                that its claim names, when there is one.
        """
        key, schema = version_key(contract), contract.schema
        claims = self._claims(key)
        others = [claim.schema for claim in claims] + [each for each in (self._owners.get(schema.frame),) if each]
        for other in others:
            if other.frame == schema.frame and other.sha256 != schema.sha256 and _decodes_otherwise(other, schema):
                raise ContractError(
                    f"contract {contract.name} and the registered {other.name} ({other.sha256[:12]}) have the same "
                    "Avro fingerprint but other logical types, so readers could not tell their values apart; rename "
                    "the record or keep the logical types"
                )
        claim = self._parsed.get(key, (b"", None))[1]
        held = Contract(
            contract.name, schema, claim.compatibility if isinstance(claim, _Claim) else contract.compatibility
        )
        refuse_incompatible(held, self.versions(contract.name, key))

    def _claims(self, before: str | None) -> list[_Claim]:
        claims = []
        for key, (_, each) in self._parsed.items():
            if key == before:
                break
            if isinstance(each, _Claim):
                claims.append(each)
        return claims


def _parse(key: str, value: bytes) -> AvroSchema | _Claim | None:
    """`None` for what is no entry of ours or not admitted: nothing is written or read by it."""
    contract, claimed, sha256 = key.rpartition("@")
    try:
        fields: Any = json.loads(value)
        schema = AvroSchema.from_json(fields["schema"], contract if claimed else str(fields["name"]))
        if schema.sha256 != sha256:
            return None
        schema = PLAIN.get(schema.sha256, schema)
        return _Claim(contract, schema, Mode.parse(fields["compatibility"])) if claimed else schema
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
