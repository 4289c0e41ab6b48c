"""Which versions a new schema is compared with, and in which direction."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from bus.avro.compatibility.findings import Conflict, Verdict
from bus.avro.compatibility.resolution import can_read, growth
from bus.errors import ContractError


class Mode(StrEnum):
    """Confluent's seven: who must be able to read whose data."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @classmethod
    def parse(cls, mode: Mode | str) -> Mode:
        """The mode for itself or for its name in any case.

        Raises:
            ContractError: It is none of the seven.
        """
        try:
            return cls(mode.upper())
        except ValueError:
            raise ContractError(f"compatibility {mode!r} is unknown; take one of {', '.join(cls)}") from None

    @property
    def backward(self) -> bool:
        """The new schema reads old data."""
        return self.startswith(("BACKWARD", "FULL"))

    @property
    def forward(self) -> bool:
        """Old schemas read new data."""
        return self.startswith(("FORWARD", "FULL"))

    @property
    def transitive(self) -> bool:
        """All old versions count, not only the latest."""
        return self.endswith("_TRANSITIVE")


def check(new: Any, *old: Any, mode: Mode | str = Mode.BACKWARD_TRANSITIVE, name: str | None = None) -> Verdict:
    """Whether a new schema may follow the old ones; a pure function of plain JSON schemas.

    With a mode that looks backward there is one rule beyond reading: a symbol that the latest version does not have may
    be added only to an enum that has a default of its own, or the next reader that does not know a symbol stands still.

    Args:
        new: The new schema.
        *old: The versions before it, the oldest first; none is fine, anything may come first.
        mode: Who must be able to read whose data.
        name: What paths begin with; the reader's own name unless given.

    Raises:
        ContractError: One of them is no Avro schema, is nested deeper than 64, or the mode is not one of the seven.
    """
    wanted = Mode.parse(mode)
    first = 0 if wanted.transitive else max(0, len(old) - 1)
    compared = range(first, len(old)) if wanted is not Mode.NONE else range(0)
    conflicts = []
    for index in compared:
        if wanted.backward:
            grown = growth(new, old[index], name=name) if index == len(old) - 1 else ()
            findings = can_read(new, old[index], name=name) + grown
            if findings:
                conflicts.append(Conflict(index + 1, True, findings))
        if wanted.forward:
            findings = can_read(old[index], new, name=name)
            if findings:
                conflicts.append(Conflict(index + 1, False, findings))
    return Verdict(wanted.value, len(compared), tuple(conflicts))
