"""A Python default as the JSON that Avro has for it."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from bus.errors import ContractError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)

Definitions = Mapping[str, dict[str, Any]]


def default_json(value: Any, schema: Any, definitions: Definitions, place: str) -> Any:
    """The JSON of a default.

    Raises:
        ContractError: It is no value of the field's type.
    """
    try:
        return _json(value, schema, definitions)
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise ContractError(f"{place}: the default {value!r} does not fit its type: {error}") from error


def _json(value: Any, schema: Any, definitions: Definitions) -> Any:
    if isinstance(schema, list):
        return _of_union(value, schema, definitions)
    if isinstance(schema, str):
        schema = definitions.get(schema, {"type": schema})
    match schema.get("logicalType") or schema["type"]:
        case "null" if value is None:
            return None
        case "boolean" if isinstance(value, bool):
            return value
        case "long" if isinstance(value, int) and not isinstance(value, bool):
            return int(value)
        case "double" if isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise ValueError("JSON has no such number; leave the default out")
            return float(value)
        case "string" if isinstance(value, str):
            return str(value)
        case "bytes" if isinstance(value, bytes):
            return value.decode("latin-1")
        case "enum" if (symbol := value.value if isinstance(value, Enum) else value) in schema["symbols"]:
            return symbol
        case "uuid" if isinstance(value, UUID):
            return str(value)
        case "decimal" if isinstance(value, Decimal):
            return _unscaled(value, schema).decode("latin-1")
        case "timestamp-micros" if isinstance(value, datetime.datetime):
            if value.tzinfo is None:
                raise ValueError("it has no time zone; give it one, such as UTC")
            return (value - _EPOCH) // _MICROSECOND
        case "date" if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return (value - _EPOCH.date()).days
        case "time-micros" if isinstance(value, datetime.time) and value.tzinfo is None:
            return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
        case "array" if isinstance(value, list):
            return [_json(item, schema["items"], definitions) for item in value]
        case "map" if isinstance(value, dict):
            return {str(key): _json(item, schema["values"], definitions) for key, item in value.items()}
        case "record":
            return _of_record(value, schema, definitions)
    raise TypeError(f"it is {type(value).__name__}, expected {schema.get('logicalType') or schema['type']}")


def _of_union(value: Any, branches: list[Any], definitions: Definitions) -> Any:
    for branch in branches:
        try:
            return _json(value, branch, definitions)
        except (TypeError, KeyError):
            continue
    raise TypeError(f"it is {type(value).__name__}, which is in no branch of the union")


def _of_record(value: Any, schema: Mapping[str, Any], definitions: Definitions) -> Any:
    if not isinstance(value, BaseModel) and not dataclasses.is_dataclass(value):
        raise TypeError(f"it is {type(value).__name__}, expected {schema['name']}")
    if type(value).__name__ != schema["name"]:
        raise TypeError(f"it is {type(value).__name__}, expected {schema['name']}")
    return {
        field["name"]: _json(getattr(value, field["name"]), field["type"], definitions) for field in schema["fields"]
    }


def _unscaled(value: Decimal, schema: Mapping[str, Any]) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("it is not finite")
    shift = exponent + schema["scale"]
    if shift < 0:
        raise ValueError(f"it has more than {schema['scale']} decimal places")
    number = int("".join(map(str, digits))) * int(10**shift)
    if len(str(number)) > schema["precision"]:
        raise ValueError(f"it has more than {schema['precision']} digits")
    number = -number if sign else number
    return number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)
