"""JSON by Python's own module, for scale."""

from __future__ import annotations

import json
from typing import Any

from perf.codec.coding import Coding, Schema

_dumps = json.dumps
_loads = json.loads


def codec(schema: Schema, model: type | None = None) -> Coding:
    """`dumps` to UTF-8 and `loads`; no schema is looked at."""
    return Coding(_encode, _loads)


def _encode(data: Any) -> bytes:
    return _dumps(data).encode()  # its default separators: with others it makes an encoder a call
