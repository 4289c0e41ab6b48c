"""Reads the case files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_CASES = Path(__file__).parent / "cases"


def cases(name: str) -> Any:
    """The content of a case file, by its name without `.json`."""
    return json.loads((_CASES / f"{name}.json").read_text(encoding="utf-8"))
