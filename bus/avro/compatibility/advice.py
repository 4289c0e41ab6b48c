"""What a finding advises, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bus.avro.compatibility.tree import Field, Node

_WIDTH = {"int": 1, "long": 2, "float": 3, "double": 4}
_SHOWN_MAX = 8


def other_type(reader: Node, writer: Node) -> str:
    """For kinds that do not promote."""
    if writer.kind == "null":
        return "keep null among its types: older data has it"
    if reader.kind in _WIDTH and writer.kind in _WIDTH:
        return f"numbers may be widened, not narrowed: keep {writer.kind}, or add a new field"
    return f"keep {writer.kind}, or add a new field with a default and leave this one as it is"


def other_meaning(reader: Node, writer: Node) -> str:
    """For the same bytes with another logical type."""
    kept = writer.logical or f"{writer.kind} without a logical type"
    if reader.logical.startswith("decimal") and writer.logical.startswith("decimal"):
        return f"a decimal's digits mean nothing without its scale: keep {kept}, or add a new field"
    return f"the same bytes would be read as another value: keep {kept}, or add a new field"


def order(taking: Node, meant: Node) -> str:
    """For a union in which one branch takes what another is made for."""
    if {taking.kind, meant.kind} == {"string", "bytes"}:
        return "readers take the first branch that promotes: keep only one of string and bytes"
    if taking.name:
        return f"readers compare the last part of names: let only one branch be called {meant.short}"
    return f"readers take the first branch that promotes: put {meant.kind} before {taking.kind}"


def no_default(field: Field) -> str:
    """For a field that the writer lacks."""
    hint = "; null will do" if field.node.kind == "union" and any(b.kind == "null" for b in field.node.inner) else ""
    return f"give it a default{hint}, or an alias when it was renamed"


def two_sources(names: Sequence[str], field: Field) -> str:
    """For a field that could be read from several of the writer's."""
    dropped = [name for name in names if name != field.name]
    return f"the writer has all of them, so drop the alias {_listed(dropped)}"


def unknown_symbols(symbols: Sequence[str]) -> str:
    """For symbols that the reader does not know."""
    return f"give the reader's enum a default of its own (a field's default is no help), or keep {_listed(symbols)}"


def grown(symbols: Sequence[str]) -> str:
    """For an enum that grew without a default."""
    return (
        f"give the enum a default of its own before {_listed(symbols)} is added, for readers that know no such symbol"
    )


def _listed(symbols: Sequence[str]) -> str:
    rest = len(symbols) - _SHOWN_MAX
    return ", ".join(symbols[:_SHOWN_MAX]) + (f" and {rest} more" if rest > 0 else "")
