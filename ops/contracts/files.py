"""Contracts as files, for people and version control: pretty JSON at `<folder>/<family>/<name>.avsc`."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from bus.avro.schema import AvroSchema
from bus.errors import ContractError


def pretty(schema: Any) -> str:
    """JSON in lines, as an .avsc file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def path_of(name: str, folder: Path) -> Path:
    """Where the file of a contract is.

    Raises:
        ContractError: The name has no family, or could lead out of the folder.
    """
    family, _, own = name.rpartition(".")
    parts = (family, own)
    if not all(part and not part.startswith(".") and not set(part) & set("/\\:\0") for part in parts):
        raise ContractError(f"contract {name!r} cannot be a file; name it <family>.<name>")
    return folder / family / f"{own}.avsc"


def write(name: str, schema: AvroSchema, folder: Path) -> tuple[Path, bool]:
    """Writes a contract's file; whether it changed anything."""
    path, text = path_of(name, folder), pretty(schema.json)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path, False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path, True


def difference(old: Any, new: Any, old_name: str, new_name: str) -> str:
    """A unified diff of two schemas in lines; empty when they are the same text."""
    lines = difflib.unified_diff(pretty(old).splitlines(), pretty(new).splitlines(), old_name, new_name, lineterm="")
    return "\n".join(lines)
