"""Which types can share a union, and in which order, so that each value keeps its type."""

from __future__ import annotations

import datetime
import types
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, EnumType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from bus.avro.derive.members import NO_DEFAULT, is_model, members
from bus.errors import ContractError

# The first branch that takes a value writes it: a datetime is a date too, and an int a float.
_NUMBERS = ("null", "bool", "Enum", "int", "datetime", "time", "float")
_ORDER = (*_NUMBERS, "str", "UUID", "bytes", "Decimal", "date", "list", "dict", "model")
_KINDS: dict[Any, str] = {
    type(None): "null",
    None: "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    UUID: "UUID",
    Decimal: "Decimal",
    datetime.datetime: "datetime",
    datetime.date: "date",
    datetime.time: "time",
}
_CLASH = (
    {"int", "datetime", "time"},  # Avro allows one long in a union
    {"str", "UUID"},
    {"bytes", "Decimal"},
    {"str", "bytes"},  # readers may take one for the other
    {"str", "Enum"},
    {"dict", "model"},
    # A day is an int, which readers of other versions may take for a long or a double.
    *({"date", other} for other in ("int", "datetime", "time", "float")),
)
_BEFORE = (("int", "float"), ("str", "date"), ("Enum", "UUID"))


def is_union(annotation: Any) -> bool:
    """Whether it is `X | Y`, `Union[X, Y]` or `Optional[X]`."""
    return get_origin(annotation) in (Union, types.UnionType)


def unwrapped(annotation: Any, metadata: Sequence[Any] = ()) -> tuple[Any, tuple[Any, ...]]:
    """The type below `Annotated`, `NewType` and `type` statements, with all that they say about it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            for each in more:
                metadata = (*metadata, each, *getattr(each, "metadata", ()))
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation, tuple(metadata)


def branches(annotation: Any, default: Any, place: str) -> list[Any]:
    """The types of a union in the order of the contract: null first, or the type of a default other than null.

    Raises:
        ContractError: Two of them could not be told apart when they are read or written.
    """
    flat = _flat(annotation)
    kinds = [kind_of(branch) for branch in flat]
    _refuse_clashes(flat, kinds, place)
    ordered = sorted(range(len(flat)), key=lambda at: _ORDER.index(kinds[at]) if kinds[at] else len(_ORDER))
    if default is not NO_DEFAULT and default is not None:
        wanted = _kind_of_value(default)
        first = next((at for at in ordered if kinds[at] == wanted and _may_be(flat[at], default)), None)
        if first is not None:
            late = [before for before, after in _BEFORE if after == wanted and before in kinds]
            if late:
                raise ContractError(
                    f"{place}: with a default of type {wanted}, {late[0]} values would be read as {wanted}; "
                    f"use a default of type {late[0]}, or none"
                )
            ordered.remove(first)
            ordered.insert(0, first)
    return [flat[at] for at in ordered]


def kind_of(annotation: Any) -> str:
    """The kind of a type for unions; empty for what no contract can have."""
    plain, _ = unwrapped(annotation)
    origin = get_origin(plain)
    if origin is Literal:
        return "Enum" if all(isinstance(value, str) for value in get_args(plain)) else "int"
    if origin in (list, dict):
        return str(origin.__name__)
    if isinstance(plain, type) and issubclass(plain, Enum):
        return "Enum"
    if is_model(plain):
        return "model"
    if isinstance(plain, type) and plain.__module__.startswith("pydantic") and plain.__name__.endswith("Datetime"):
        return "datetime"
    return _KINDS.get(plain, "")


def symbols_of(annotation: Any) -> list[Any]:
    """The values of an enum or a literal."""
    plain, _ = unwrapped(annotation)
    if isinstance(plain, EnumType):
        every: list[Enum] = list(plain)
        return [member.value for member in every]
    return list(get_args(plain))


def _flat(annotation: Any) -> list[Any]:
    plain, metadata = unwrapped(annotation)
    if not is_union(plain):
        return [annotation]
    return [Annotated[each, *metadata] if metadata else each for arg in get_args(plain) for each in _flat(arg)]


def _refuse_clashes(flat: list[Any], kinds: list[str], place: str) -> None:
    present = set(kinds)
    for clash in _CLASH:
        if len(clash & present) > 1:
            names = " and ".join(sorted(clash & present))
            raise ContractError(f"{place}: {names} cannot be told apart in a union; use one of them, or two fields")
    for kind in sorted(present - {"Enum", "model", ""}):
        if kinds.count(kind) > 1:
            raise ContractError(f"{place}: Avro has room for one {kind} in a union; use one of them, or two fields")
    enums = [set(symbols_of(branch)) for branch, kind in zip(flat, kinds, strict=True) if kind == "Enum"]
    if not _disjoint(enums):
        raise ContractError(f"{place}: enums of a union must not share symbols; rename them, or use one enum")
    models = [unwrapped(branch)[0] for branch, kind in zip(flat, kinds, strict=True) if kind == "model"]
    if len(models) > 1 and not _told_apart(models):
        names = ", ".join(model.__name__ for model in models)
        raise ContractError(
            f"{place}: {names} cannot be told apart in a union; give each a field such as "
            f'kind: Literal["{models[0].__name__.lower()}"] with another value'
        )


def _told_apart(models: list[type]) -> bool:
    """Whether a field that all have says by its value which model it is."""
    literals = [
        {
            member.name: set(symbols_of(member.annotation))
            for member in members(model)
            if get_origin(unwrapped(member.annotation)[0]) is Literal
        }
        for model in models
    ]
    shared = set.intersection(*(set(each) for each in literals))
    return any(_disjoint([each[name] for each in literals]) for name in shared)


def _disjoint(sets: list[set[Any]]) -> bool:
    return len(set().union(*sets)) == sum(map(len, sets))


def _kind_of_value(value: Any) -> str:
    if isinstance(value, Enum):
        return "Enum"
    if isinstance(value, list | dict):
        return "list" if isinstance(value, list) else "dict"
    return "model" if is_model(type(value)) else _KINDS.get(type(value), "")


def _may_be(annotation: Any, value: Any) -> bool:
    plain, _ = unwrapped(annotation)
    return isinstance(value, plain) if isinstance(plain, type) else True
