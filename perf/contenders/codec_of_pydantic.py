"""JSON by pydantic's core, for scale."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from perf.codec.coding import Coding, Schema


def codec(schema: Schema, model: type | None = None) -> Coding:
    """`to_json` and `from_json`, no schema; with a model, its own JSON, which is validated on the way back."""
    if model is None:
        return Coding(to_json, from_json)
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    return Coding(adapter.dump_json, adapter.validate_json)
