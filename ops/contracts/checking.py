"""How a contract stands to the versions that were pushed before it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bus.avro.compatibility import Verdict, check
from bus.avro.contract import Contract
from bus.avro.registry.rules import short_name
from bus.avro.schema import AvroSchema

State = Literal["registered", "new", "compatible", "incompatible"]


@dataclass(frozen=True, slots=True)
class Examined:
    """A contract and its standing.

    Attributes:
        contract: As it is here.
        state: `registered` (exactly this is a version), `new` (there is none), `compatible`, `incompatible`.
        versions: How many there are.
        version: Which of them it is, from 1; `None` when it is none.
        verdict: Of the comparison, when there was one.
    """

    contract: Contract
    state: State
    versions: int
    version: int | None = None
    verdict: Verdict | None = None

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
            case "new":
                return f"{name}: new, nothing was pushed under this name"
            case "compatible":
                return f"{name}: compatible with {self.versions} before it ({rule})"
        return f"{name}: {self.verdict}"


def examined(contract: Contract, versions: Sequence[AvroSchema]) -> Examined:
    """How the contract stands to its versions, the oldest first."""
    count = len(versions)
    same = [number for number, version in enumerate(versions, 1) if version.sha256 == contract.schema.sha256]
    if same:
        return Examined(contract, "registered", count, same[-1])
    if not versions:
        return Examined(contract, "new", 0)
    old = [version.json for version in versions]
    verdict = check(contract.avsc, *old, mode=contract.compatibility, name=short_name(contract.name))
    return Examined(contract, "compatible" if verdict.compatible else "incompatible", count, None, verdict)
