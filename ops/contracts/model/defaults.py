"""The JSON of an Avro default as a Python expression."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from ops.contracts.model.names import Names
from ops.contracts.model.source import Expression, Group, prefixed, quoted

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """Writes defaults for the classes of one module.

    Attributes:
        names: What its classes, fields and symbols are called.
        named: Definitions by their full names.
    """

    names: Names
    named: Mapping[str, Mapping[str, Any]]

    def expression(self, value: Any, schema: Any) -> Expression:
        """The value that Avro reads where a field with this default is missing.

        Raises:
            ValueError: It is no value of the type.
            ArithmeticError: Python has no date so far away.
        """
        if isinstance(schema, list):
            return self.of_union(value, schema)[1]
        if isinstance(schema, str):
            schema = self.named.get(schema, {"type": schema})
        match schema["type"], schema.get("logicalType"), value:
            case "null", _, None:
                return "None"
            case "boolean", _, bool():
                return repr(value)
            case "int" | "long" as kind, logical, int() if type(value) is int:
                if not -(1 << (bits := 31 if kind == "int" else 63)) <= value < 1 << bits:
                    raise ValueError(f"it does not fit {kind}")
                return self._instant(value, f"{kind} {logical}")
            case "float" | "double", _, int() | float() if type(value) is not bool and math.isfinite(value):
                return repr(float(value))
            case "string", "uuid", str():
                return Group(f"{self.names.scope.imported('UUID')}(", (quoted(str(UUID(value))),), ")")
            case "string", _, str():
                return quoted(value)
            case "bytes" | "fixed", "decimal", str():
                return self._decimal(value.encode("latin-1"), schema)
            case "bytes" | "fixed", _, str():
                return quoted(value.encode("latin-1"))
            case "enum", _, str() if value in schema["symbols"]:
                return self._symbol(schema["name"], value)
            case "array", _, list():
                return Group("[", tuple(self.expression(item, schema["items"]) for item in value), "]")
            case "map", _, dict():
                pairs = ((quoted(key), self.expression(each, schema["values"])) for key, each in value.items())
                return Group("{", tuple(prefixed(f"{key}: ", each) for key, each in pairs), "}")
            case "record", _, dict():
                return self._record(value, schema)
        raise ValueError(f"it is no {schema['type']}")

    def of_union(self, value: Any, schema: list[Any]) -> tuple[Any, Expression]:
        """The first branch of a union that the value is one of, and the expression.

        Raises:
            ValueError: It is in none, or Python has no such value.
        """
        for branch in schema:
            try:
                return branch, self.expression(value, branch)
            except (ValueError, ArithmeticError):
                continue
        raise ValueError("it is in no branch of the union")

    def _record(self, value: Mapping[str, Any], schema: Mapping[str, Any]) -> Expression:
        fields = self.names.fields[schema["name"]]
        arguments = []
        for field in schema["fields"]:
            if field["name"] in value:
                argument = self.expression(value[field["name"]], field["type"])
                arguments.append(prefixed(f"{fields[field['name']]}=", argument))
            elif "default" not in field:
                raise ValueError(f"{field['name']} is missing")
        return Group(f"{self.names.references[schema['name']]}(", tuple(arguments), ")")

    def _symbol(self, enum: str, symbol: str) -> str:
        if enum in self.names.literals:
            return quoted(symbol)
        return f"{self.names.references[enum]}.{self.names.members[enum][symbol]}"

    def _decimal(self, raw: bytes, schema: Mapping[str, Any]) -> Expression:
        number = int.from_bytes(raw, "big", signed=True)
        digits = tuple(map(int, str(abs(number))))
        if len(digits) > schema["precision"]:
            raise ValueError(f"it has more than {schema['precision']} digits")
        value = Decimal((int(number < 0), digits, -(schema.get("scale") or 0)))
        return Group(f"{self.names.scope.imported('Decimal')}(", (quoted(format(value, "f")),), ")")

    def _instant(self, value: int, kind: str) -> Expression:
        """What the number stands for in its logical type."""
        match kind:
            case "int date":
                day = _EPOCH.date() + dt.timedelta(days=value)
                return self._called("date", day.year, day.month, day.day)
            case "int time-millis" | "long time-micros":
                since = value * 1_000 if kind == "int time-millis" else value
                if not 0 <= since < _DAY_US:
                    raise ValueError("it is no time of a day")
                return self._called("time", *_trimmed(_clock(_EPOCH + dt.timedelta(microseconds=since)), keep=1))
            case "long timestamp-millis" | "long timestamp-micros":
                at = _EPOCH + dt.timedelta(microseconds=value * 1_000 if kind == "long timestamp-millis" else value)
                zone = f"tzinfo={self.names.scope.imported('UTC')}"
                return self._called("datetime", at.year, at.month, at.day, *_trimmed(_clock(at), keep=0), zone)
            case "long local-timestamp-millis" | "long local-timestamp-micros":
                raise ValueError("a contract that is derived has no default without a time zone")
        return repr(value)

    def _called(self, name: str, *arguments: int | str) -> Expression:
        return Group(f"{self.names.scope.imported(name)}(", tuple(map(str, arguments)), ")")


def _clock(at: dt.datetime) -> tuple[int, ...]:
    return at.hour, at.minute, at.second, at.microsecond


def _trimmed(numbers: tuple[int, ...], keep: int) -> tuple[int, ...]:
    """Without zeros at the end."""
    while len(numbers) > keep and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers
