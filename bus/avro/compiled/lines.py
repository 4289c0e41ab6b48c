"""The text of an encoder while it is written: its lines, its variables and its constants."""

from __future__ import annotations

import struct
from itertools import groupby
from typing import Any

_TEXT_MAX = 100_000
"""In characters. A named type is written out wherever it is used, which in a small schema can be 2^64 times."""
_INDENT_MAX = 16
"""Python takes no more than 20 loops inside each other; a loop indents by two."""

Part = tuple[str, str]
"""An expression of a piece of the value: bytes as they are (""), or what goes into a struct with this format."""


class Unsupported(Exception):  # noqa: N818 - no error: the other way is taken
    """The schema has a type that is left to fastavro."""


class Lines:
    """A text that grows.

    Attributes:
        lines: What is written so far.
        constants: The values that it names.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._count = self._text = 0

    def line(self, indent: int, text: str) -> None:
        """Writes one.

        Raises:
            Unsupported: The text grows too long or too deep.
        """
        self._text += len(text)
        if self._text > _TEXT_MAX or indent > _INDENT_MAX:
            raise Unsupported
        self.lines.append(" " * indent + text)

    def unless(self, wrong: str, indent: int) -> None:
        """Writes that the data is unusual if the condition holds."""
        self.line(indent, f"if {wrong}: raise Unusual")

    def variable(self) -> str:
        """A new name."""
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: Any) -> str:
        """A new name of a value."""
        self._count += 1
        self.constants[name := f"C{self._count}"] = value
        return name

    def packed(self, parts: list[Part]) -> list[str]:
        """Expressions of bytes; neighbours of fixed size are packed by one struct."""
        out: list[str] = []
        for fixed, run in groupby(parts, key=lambda part: part[0] != ""):
            forms, pieces = zip(*run, strict=True)
            pack = struct.Struct(f"<{''.join(forms)}").pack
            out += [f"{self.constant(pack)}({', '.join(pieces)})"] if fixed else pieces
        return out
