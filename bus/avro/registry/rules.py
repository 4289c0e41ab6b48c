"""Whether a contract may follow the versions before it, told in the contract's words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bus.avro.compatibility import check
from bus.avro.contract import Contract
from bus.avro.schema import AvroSchema
from bus.errors import ContractError


def refuse_incompatible(contract: Contract, versions: Sequence[AvroSchema]) -> None:
    """Holds a contract to its rule of change against the versions before it.

    Raises:
        ContractError: It breaks the rule; tells every finding.
    """
    if any(version.sha256 == contract.schema.sha256 for version in versions):
        return
    verdict = check(
        contract.avsc,
        *(version.json for version in versions),
        mode=contract.compatibility,
        name=short_name(contract.name),
    )
    if not verdict.compatible:
        raise ContractError(f"contract {contract.name}: {verdict}")


def short_name(name: str) -> str:
    """What the paths of a contract's fields begin with: `trading.order` gives `order`."""
    return name.rpartition(".")[2]
