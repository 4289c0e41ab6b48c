"""How a contract stands to what was before it: versions that were pushed, or a folder. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bus.avro.compatibility import Verdict
from bus.avro.contract import Contract
from bus.avro.registry.rules import verdict_on
from bus.avro.schema import AvroSchema

State = Literal["registered", "unchanged", "new", "compatible", "incompatible", "gone"]


@dataclass(frozen=True, slots=True)
class Examined:
    """A contract and its standing.

    Attributes:
        contract: As it is here; as it was, when it is gone.
        state: `registered` (exactly this was pushed) or `unchanged` (exactly this is in the folder), `new` (there is
            nothing to compare with), `compatible`, `incompatible`, `gone` (it is in the folder and not here).
        versions: How many there are.
        version: Which of them it is, from 1; `None` when it is none.
        verdict: Of the comparison, when there was one.
    """

    contract: Contract
    state: State
    versions: int
    version: int | None = None
    verdict: Verdict | None = None

    @property
    def fine(self) -> bool:
        """Whether nothing speaks against it."""
        return self.state not in ("incompatible", "gone")

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "contract": self.contract.name,
            "state": self.state,
            "compatibility": self.contract.compatibility.value,
            "versions": self.versions,
            "version": self.version,
            "sha256": self.contract.schema.sha256,
            "reasons": [] if self.verdict is None or self.verdict.compatible else str(self.verdict).splitlines(),
        }

    def line(self) -> str:
        """In one line, and more where it is incompatible."""
        name, rule = self.contract.name, self.contract.compatibility.value
        match self.state:
            case "registered":
                return f"{name}: registered, version {self.version} of {self.versions}"
            case "unchanged":
                return f"{name}: unchanged"
            case "new":
                return f"{name}: new, there is nothing under this name to compare with"
            case "gone":
                return f"{name}: gone, it was there before and is not here"
            case "compatible":
                return f"{name}: compatible with {self.versions} before it ({rule})"
        return f"{name}: {self.verdict}"


def examined(contract: Contract, versions: Sequence[AvroSchema]) -> Examined:
    """How the contract stands to its pushed versions, the oldest first."""
    count = len(versions)
    same = [number for number, version in enumerate(versions, 1) if version.sha256 == contract.schema.sha256]
    if same:
        return Examined(contract, "registered", count, same[-1])
    if not versions:
        return Examined(contract, "new", 0)
    verdict = verdict_on(contract, versions)
    return Examined(contract, "compatible" if verdict.compatible else "incompatible", count, None, verdict)


def compared(contracts: Sequence[Contract], before: Mapping[str, Contract], *, all_: bool) -> list[Examined]:
    """How contracts stand to those of a folder, by name.

    Args:
        contracts: As they are here.
        before: Those of the folder.
        all_: The contracts are all that there are: what is only in the folder is gone.
    """
    found = []
    for contract in contracts:
        old = before.get(contract.name)
        standing = examined(contract, [] if old is None else [old.schema])
        found.append(replace(standing, state="unchanged") if standing.state == "registered" else standing)
    if all_:
        here = {contract.name for contract in contracts}
        found += [Examined(old, "gone", 1) for name, old in sorted(before.items()) if name not in here]
    return found
