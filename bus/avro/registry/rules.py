"""Whether a contract may follow the versions before it, told in the contract's words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bus.avro.compatibility import Verdict, check
from bus.avro.contract import Contract
from bus.avro.schema import AvroSchema, short_name
from bus.errors import ContractError


def verdict_on(contract: Contract, versions: Sequence[AvroSchema]) -> Verdict:
    """Whether the contract may follow the versions, the oldest first, under its rule of change."""
    old = [version.json for version in versions]
    return check(contract.avsc, *old, mode=contract.compatibility, name=short_name(contract.name))


def refuse_incompatible(contract: Contract, versions: Sequence[AvroSchema]) -> None:
    """Holds a contract to its rule of change against the versions before it.

    Raises:
        ContractError: It breaks the rule; tells every finding.
    """
    if any(version.sha256 == contract.schema.sha256 for version in versions):
        return
    verdict = verdict_on(contract, versions)
    if not verdict.compatible:
        raise ContractError(f"contract {contract.name}: {verdict}")
