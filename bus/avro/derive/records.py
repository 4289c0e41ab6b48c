"""From a model's types to a schema."""

from __future__ import annotations

from enum import Enum, Flag
from typing import Any, Literal, get_args, get_origin

from bus.avro.admission import AVRO_NAME
from bus.avro.derive.defaults import default_json
from bus.avro.derive.members import NO_DEFAULT, Member, description_of, is_model, members
from bus.avro.derive.unions import branches, is_union, kind_of, unwrapped
from bus.errors import ContractError

_PLAIN: dict[str, Any] = {
    "null": "null",
    "bool": "boolean",
    "int": "long",
    "float": "double",
    "str": "string",
    "bytes": "bytes",
    "UUID": {"type": "string", "logicalType": "uuid"},
    "datetime": {"type": "long", "logicalType": "timestamp-micros"},
    "date": {"type": "int", "logicalType": "date"},
    "time": {"type": "long", "logicalType": "time-micros"},
}

_INSTEAD = {
    "Any": "the type that it has, or str with JSON in it",
    "object": "the type that it has, or str with JSON in it",
    "dict": "dict[str, X]",
    "Mapping": "dict[str, X]",
    "list": "list[X]",
    "tuple": "list[X], or a model with a field for each",
    "set": "list[X]",
    "frozenset": "list[X]",
    "Sequence": "list[X]",
    "Iterable": "list[X]",
    "timedelta": "int, with the unit in the field's name",
    "complex": "two float fields",
    "Path": "str",
    "SecretStr": "str; but secrets do not belong in messages",
    "NaiveDatetime": "datetime or AwareDatetime, with a time zone",
}


def derive(model: type, *, namespace: str | None = None) -> dict[str, Any]:
    """The Avro schema of a pydantic model or a dataclass, ready for `AvroSchema`.

    The same model gives the same schema; its module plays no part, so a model may move. What becomes of what:

    | Python | Avro |
    |---|---|
    | `bool int float str bytes` | boolean, long, double, string, bytes |
    | `Annotated[Decimal, Field(max_digits=28, decimal_places=8)]` | decimal(28, 8) in bytes |
    | `datetime` | timestamp-micros: an instant in UTC; a naive one is refused when it is encoded |
    | `date time UUID` | date, time-micros, uuid in a string |
    | an `Enum` of strings, `Literal["a", "b"]` | enum, its symbols being the values |
    | a model, a dataclass | record |
    | `list[X]`, `dict[str, X]` | array, map |
    | `X | None` | union with null, and null is the default unless there is another |
    | `X | Y` | union, when values tell which it is |

    Docstrings and descriptions become `doc`, and defaults defaults; the value of a factory other than `list` and `dict`
    is none of the contract's. `Annotated[X, RenamedFrom("old")]` and `__avro_aliases__ = ("Old",)` on a class become
    aliases. An enum has a default of its own only when its class says so, by `__avro_default__ = "OTHER"`: no symbol is
    safe to read an unknown one as unless its author says which.

    Args:
        model: The class.
        namespace: The record's namespace, such as `tierbus.trading`.

    Raises:
        ContractError: A field has a type that is not in the table; names the model, the field and what to use.
    """
    if not is_model(model):
        raise ContractError(
            f"{model!r} is neither a pydantic model nor a dataclass; derive contracts from one of these"
        )
    schema = _Deriver().record(model, model.__name__)
    assert isinstance(schema, dict), "the first use of a name defines it"
    if namespace:
        schema = {"type": schema.pop("type"), "name": schema.pop("name"), "namespace": namespace, **schema}
    return schema


class _Deriver:
    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        self._definitions: dict[str, dict[str, Any]] = {}
        self._open: list[type] = []

    def record(self, model: type, place: str) -> dict[str, Any] | str:
        if model in self._open:
            raise ContractError(f"{place}: {model.__name__} contains itself; use ids instead of nesting")
        schema = self._define("record", model, model.__name__, place)
        if schema is None:
            return model.__name__
        self._open.append(model)
        schema["fields"] = [self._field(member, f"{model.__name__}.{member.name}", model) for member in members(model)]
        self._open.pop()
        return schema

    def _field(self, member: Member, place: str, model: type) -> dict[str, Any]:
        default = member.default
        kind = self._type(member.annotation, member.metadata, place, model, default)
        if default is NO_DEFAULT and isinstance(kind, list) and kind[0] == "null":
            default = None
        field: dict[str, Any] = {"name": member.name, "type": kind}
        if default is not NO_DEFAULT:
            field["default"] = default_json(default, kind, self._definitions, place)
        if member.description:
            field["doc"] = member.description
        if member.aliases:
            field["aliases"] = member.aliases
        return field

    def _type(self, annotation: Any, metadata: Any, place: str, model: type, default: Any = NO_DEFAULT) -> Any:
        plain, metadata = unwrapped(annotation, metadata)
        origin = get_origin(plain)
        if is_union(plain):
            return [self._type(each, metadata, place, model) for each in branches(annotation, default, place)]
        if origin is Literal:
            return self._literal(plain, place, model)
        if origin is list:
            return {"type": "array", "items": self._type(get_args(plain)[0], (), f"{place}[]", model)}
        if origin is dict:
            key, value = get_args(plain)
            if unwrapped(key)[0] is not str:
                raise ContractError(f"{place}: a map's keys are text in Avro; use dict[str, X]")
            return {"type": "map", "values": self._type(value, (), f"{place}{{}}", model)}
        if isinstance(plain, type) and issubclass(plain, Enum):
            return self._enum(plain, place)
        if is_model(plain):
            return self.record(plain, place)
        kind = kind_of(plain)
        if kind == "Decimal":
            return _decimal(metadata, place)
        schema = _PLAIN.get(kind)
        name = getattr(plain, "__name__", repr(plain))
        if schema is None or name == "NaiveDatetime":
            instead = _INSTEAD.get(name, "one of the types that bus.avro.derive lists")
            raise ContractError(f"{place}: {name} has no place in a contract; use {instead}")
        return dict(schema) if isinstance(schema, dict) else schema

    def _enum(self, enum: type[Enum], place: str) -> dict[str, Any] | str:
        if issubclass(enum, Flag):
            raise ContractError(f"{place}: {enum.__name__} is a Flag; use list of an Enum, or int")
        symbols = [each.value for each in enum]
        _refuse_symbols(symbols, f"{place}: {enum.__name__}", "make its values Avro names, such as BUY = 'BUY'")
        schema = self._define("enum", enum, enum.__name__, place)
        if schema is None:
            return enum.__name__
        schema["symbols"] = symbols
        default = getattr(enum, "__avro_default__", None)
        if default is not None:
            if default not in symbols:
                raise ContractError(
                    f"{place}: {enum.__name__}.__avro_default__ is {default!r}; make it one of its values"
                )
            schema["default"] = default
        return schema

    def _literal(self, literal: Any, place: str, model: type) -> Any:
        values = list(get_args(literal))
        for kind, schema in ((bool, "boolean"), (int, "long")):
            if all(type(value) is kind for value in values):
                return schema
        _refuse_symbols(values, f"{place}: {literal}", "use str, or values that are Avro names")
        field = place.removeprefix(f"{model.__name__}.").rstrip("[]{}")
        name = model.__name__ + "".join(part[:1].upper() + part[1:] for part in field.split("_"))
        found = self._define("enum", literal, name, place)
        if found is None:
            return name
        found["symbols"] = values
        return found

    def _define(self, kind: str, owner: Any, name: str, place: str) -> dict[str, Any] | None:
        """A definition to be filled in, or `None` when the name is defined already."""
        if not AVRO_NAME.match(name):
            raise ContractError(f"{place}: {name} is no Avro name; give it one by a subclass of its own")
        if name in self._named:
            if self._named[name] != owner:
                raise ContractError(f"{place}: two types of the contract are called {name}; rename one of them")
            return None
        self._named[name] = owner
        schema = self._definitions[name] = {"type": kind, "name": name}
        doc = description_of(owner) if isinstance(owner, type) else None
        if doc:
            schema["doc"] = doc
        aliases = list(getattr(owner, "__avro_aliases__", ()))
        if aliases:
            schema["aliases"] = aliases
        return schema


def _decimal(metadata: tuple[Any, ...], place: str) -> dict[str, Any]:
    digits = next((each.max_digits for each in metadata if getattr(each, "max_digits", None) is not None), None)
    places = next((each.decimal_places for each in metadata if getattr(each, "decimal_places", None) is not None), None)
    if digits is None or places is None:
        raise ContractError(
            f"{place}: Decimal needs its digits; use Annotated[Decimal, Field(max_digits=28, decimal_places=8)]"
        )
    if not 0 <= places <= digits or digits < 1:
        raise ContractError(f"{place}: decimal_places {places} must be from 0 to max_digits {digits}")
    return {"type": "bytes", "logicalType": "decimal", "precision": digits, "scale": places}


def _refuse_symbols(values: list[Any], what: str, instead: str) -> None:
    wrong = [value for value in values if not (isinstance(value, str) and AVRO_NAME.match(value))]
    if wrong or not values:
        raise ContractError(f"{what} has {'the value ' + repr(wrong[0]) if wrong else 'no values'}; {instead}")
