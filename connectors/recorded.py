"""Recorded replies that are shipped with a source, for when its service cannot be reached."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def replies(package: str) -> list[Any]:
    """The recorded replies of a source's package, such as `connectors.datagov`, in order of their names."""
    folder = files(package) / "recorded"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    return [json.loads(file.read_text(encoding="utf-8")) for file in found]
