"""A message before it is published."""

from __future__ import annotations

from typing import Any, NamedTuple


class Draft(NamedTuple):
    """Where it goes, what keeps it in order, and what it says."""

    topic: str
    key: str
    data: dict[str, Any]
