"""What the types, fields and symbols of a schema are called in Python."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ops.contracts.model.outline import Outline, short
from ops.contracts.model.scope import Scope

_SYMBOLS_RESERVED = frozenset({*dir(str), "mro", "name", "value"})
_FIELDS_RESERVED = frozenset(dir(BaseModel))
_FIELDS_PROTECTED = ("model_dump", "model_validate")


class Names:
    """Names for one source: Avro's own wherever Python, and pydantic in its models, takes them.

    Attributes:
        classes: Of records and enums, by full name.
        references: What fields call them: the same, unless a field has that name too.
        fields: Of each record, by the field's Avro name.
        members: Of each enum, by symbol.
        literals: Full names of enums that are printed as a `Literal`: those by whose value records of a union are told
            apart, named as `derive` names the enum that it makes of a `Literal`.
    """

    def __init__(self, read: Outline, *, pydantic: bool) -> None:
        self.scope = Scope(read.short_names(), _FIELDS_RESERVED if pydantic else ())
        fields = {field["name"] for each in read.named.values() for field in each.get("fields", ())}
        self.classes: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.fields: dict[str, dict[str, str]] = {}
        self.members: dict[str, dict[str, str]] = {}
        self.literals: set[str] = set()
        for full, schema in read.named.items():
            name = short(full)
            if keyword.iskeyword(name) or name.startswith("__") or name in self.classes.values():
                name = _python(name, self.scope, "Type")
            self.classes[full] = name
            self.references[full] = self.scope.free(name) if name in fields else name
            self.fields[full] = {
                field["name"]: self._field(field["name"], pydantic) for field in schema.get("fields", ())
            }
            if full in read.sharing:
                self.literals |= {field["type"]["name"] for field in schema["fields"] if _is_literal(field, full, read)}
            if schema["type"] == "enum":
                self.members[full] = _members(schema["symbols"])

    def _field(self, name: str, pydantic: bool) -> str:
        return _python(name, self.scope, "field") if _is_reserved(name, pydantic) else name


def _python(avro: str, scope: Scope, instead: str) -> str:
    bare = avro.strip("_")
    if not bare.isidentifier() or bare.startswith(_FIELDS_PROTECTED):
        bare = f"{instead}_{bare}".rstrip("_")
    return scope.free(bare)


def _is_reserved(field: str, pydantic: bool) -> bool:
    if pydantic and (field in _FIELDS_RESERVED or field.startswith(("_", *_FIELDS_PROTECTED))):
        return True
    # Python mangles names with two underscores in a class; pydantic and `derive` take model_config for settings.
    return keyword.iskeyword(field) or field.startswith("__") or field == "model_config"


def _is_literal(field: Mapping[str, Any], record: str, read: Outline) -> bool:
    enum = field["type"]
    if not isinstance(enum, dict) or enum["type"] != "enum" or enum["name"] in read.referred:
        return False
    derived = short(record) + "".join(part[:1].upper() + part[1:] for part in field["name"].split("_"))
    return short(enum["name"]) == derived and not enum["aliases"] and "default" not in enum and "doc" not in enum


def _members(symbols: list[str]) -> dict[str, str]:
    scope = Scope({*symbols, *_SYMBOLS_RESERVED})
    reserved = (keyword.iskeyword(each) or each.startswith("_") or each in _SYMBOLS_RESERVED for each in symbols)
    return {
        each: _python(each, scope, "symbol") if wrong else each for each, wrong in zip(symbols, reserved, strict=True)
    }
