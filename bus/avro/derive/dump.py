"""A model's values as plain data that fits its contract."""

from __future__ import annotations

import dataclasses
import datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel

from bus.errors import EncodeError


def dump(model: Any, *, naive: bool = False) -> Any:
    """The data of a pydantic model or a dataclass: dicts, lists and values, an enum being its value.

    Without computed fields, and without what a dataclass does not take. Anything else is given back as it is.

    Args:
        model: The instance.
        naive: Whether datetimes without a time zone are let through, for a contract with local timestamps.

    Raises:
        EncodeError: A datetime without a time zone, or a time of day with one; names the field.
    """
    if isinstance(model, BaseModel) or (dataclasses.is_dataclass(model) and not isinstance(model, type)):
        return _plain(model, type(model).__name__, naive)
    return model


def _plain(value: Any, place: str, naive: bool) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {_plain(key, place, naive): _plain(each, f"{place}.{key}", naive) for key, each in value.items()}
    if isinstance(value, list | tuple):
        # A list, for in a union a tuple says (name, value).
        return [_plain(each, f"{place}[]", naive) for each in value]
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(round_trip=True), place, naive)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (field.name for field in dataclasses.fields(value) if field.init)
        return {name: _plain(getattr(value, name), f"{place}.{name}", naive) for name in fields}
    if isinstance(value, datetime.datetime) and value.tzinfo is None and not naive:
        raise EncodeError(f"{place}: {value} has no time zone; give it one, as datetime.now(UTC) does")
    if isinstance(value, datetime.time) and value.tzinfo is not None:
        raise EncodeError(f"{place}: {value} has a time zone, which Avro's time of day cannot keep; use a datetime")
    return value
