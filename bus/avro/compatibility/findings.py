"""What a check found: the place, the rule, both sides, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where data of the writer could not be read, or would be read as something else.

    Attributes:
        path: Where, as `order.legs[].price`; `[]` is an array's item, `{}` a map's value.
        rule: Which rule refuses it: `type`, `name`, `field-default`, `default-type`, `field-alias`, `enum-symbols`,
            `enum-default`, `enum-growth`, `fixed-size`, `union-branch`, `union-order`, `logical-type`, `bytes-as-text`.
        reader: The reader's side, in words.
        writer: The writer's side, in words.
        suggestion: What to do, in words.
    """

    path: str
    rule: str
    reader: str
    writer: str
    suggestion: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.path}: {self.rule}: reader has {self.reader}, writer has {self.writer}; {self.suggestion}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two versions of a contract that do not fit, in one direction.

    Attributes:
        version: Which of the old schemas, counted from 1, the oldest.
        backward: True when the new schema cannot read the old one's data; False when the old cannot read the new one's.
        findings: Why; at least one.
    """

    version: int
    backward: bool
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        """A heading, and a line for each finding."""
        pair = f"version {self.version}"
        head = f"the new schema cannot read {pair}" if self.backward else f"{pair} cannot read the new schema"
        return "\n".join([f"{head}:", *(f"  {finding}" for finding in self.findings)])


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a new schema may follow the old ones.

    Attributes:
        mode: What was asked for, such as `BACKWARD_TRANSITIVE`.
        compared: How many old versions were compared; 0 when there were none, or the mode is NONE.
        conflicts: What speaks against it; empty when nothing does.
    """

    mode: str
    compared: int
    conflicts: tuple[Conflict, ...]

    @property
    def compatible(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.conflicts

    def __str__(self) -> str:
        """The verdict, and every finding on a line of its own."""
        if self.compatible:
            return f"compatible: {self.mode}, {self.compared} compared"
        return "\n".join([f"not compatible: {self.mode}", *map(str, self.conflicts)])
