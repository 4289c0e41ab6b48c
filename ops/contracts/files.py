"""Contracts as files, for people and version control: pretty JSON at `<folder>/<family>/<name>.avsc`."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

from bus.avro.schema import AvroSchema
from bus.errors import ContractError

# Nothing that a shell, a terminal or another system's files would take for something else.
_PART = "[A-Za-z0-9_][A-Za-z0-9_-]*"
_NAME = re.compile(rf"(?P<family>{_PART}(?:\.{_PART})*)\.(?P<own>{_PART})")
_NAME_CHARACTERS_MAX = 249


def pretty(schema: Any) -> str:
    """JSON in lines, as an .avsc file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def path_of(name: str, folder: Path) -> Path:
    """Where the file of a contract is.

    Raises:
        ContractError: The name has no family, is too long, or has more than letters, digits, `_` and `-` between dots.
    """
    parts = _NAME.fullmatch(name)
    if parts is None or len(name) > _NAME_CHARACTERS_MAX:
        raise ContractError(
            f"contract {name[:_NAME_CHARACTERS_MAX]!r} cannot be a file; name it <family>.<name>, of letters, digits, "
            f"_ and -, in at most {_NAME_CHARACTERS_MAX} characters"
        )
    return folder / parts["family"] / f"{parts['own']}.avsc"


def write(name: str, schema: AvroSchema, folder: Path) -> tuple[Path, bool]:
    """Writes a contract's file; whether it changed anything."""
    path, text = path_of(name, folder), pretty(schema.json).encode()
    if path.exists() and path.read_bytes() == text:
        return path, False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return path, True


def difference(old: Any, new: Any, old_name: str, new_name: str) -> str:
    """A unified diff of two schemas in lines; empty when they are the same text."""
    lines = difflib.unified_diff(pretty(old).splitlines(), pretty(new).splitlines(), old_name, new_name, lineterm="")
    return "\n".join(lines)


def without_documentation(schema: Any) -> Any:
    """The schema without what is only for people to read."""
    if isinstance(schema, dict):
        return {key: without_documentation(value) for key, value in schema.items() if key != "doc"}
    if isinstance(schema, list):
        return [without_documentation(value) for value in schema]
    return schema
