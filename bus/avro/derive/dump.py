"""A model's values as plain data."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel

_AS_IT_IS = frozenset({str, int, float, bool, type(None), bytes, Decimal, UUID, datetime, date, time})
"""Exactly these: to ask what else a value may be takes ten times as long."""


def dump(model: Any, *, deep: bool = False) -> Any:
    """The data of a pydantic model or a dataclass: dicts, lists and values, an enum being its value.

    Without computed fields, and without what a dataclass does not take. Anything else is given back as it is. Whether
    the values fit a contract is for its `encode` to say.

    Args:
        model: The instance.
        deep: Models inside of dicts and lists are looked for as well; what holds none is given back as it is.
    """
    return _plain(model) if _is_model(model) or (deep and _holds_model(model)) else model


def _is_model(value: Any) -> bool:
    return isinstance(value, BaseModel) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _holds_model(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_model(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_model(each) for each in value)
    return _is_model(value)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        # A list, for in a union a tuple says (name, value).
        return [_plain(each) for each in value]
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(round_trip=True, warnings=False))
    names: tuple[str, ...] | None = _taken(kind)  # type: ignore[arg-type]
    if names is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    return value


@lru_cache(1_000)
def _taken(kind: Any) -> tuple[str, ...] | None:
    """The fields that a dataclass takes; `None` for other classes."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)
