"""The fields of a pydantic model or a dataclass: type, constraints, default, description."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ForwardRef, get_type_hints

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bus.avro.admission import AVRO_NAME
from bus.errors import ContractError

NO_DEFAULT: Any = object()
"""Stands for a default that is not there, or that differs from call to call."""

_EMPTY = (list, dict)
"""Factories whose value is always the same; others may ask the clock or a counter."""


class RenamedFrom:
    """Former names of a field, for readers of older data: `amount: Annotated[int, RenamedFrom("quantity")]`."""

    __slots__ = ("names",)

    def __init__(self, *names: str) -> None:
        self.names = names


@dataclass(frozen=True, slots=True)
class Member:
    """One field that is part of the contract."""

    name: str
    annotation: Any
    metadata: tuple[Any, ...]
    default: Any
    description: str | None

    @property
    def aliases(self) -> list[str]:
        """Its former names."""
        return [name for each in self.metadata if isinstance(each, RenamedFrom) for name in each.names]


def is_model(cls: Any) -> bool:
    """Whether it has fields that a contract can be derived from."""
    if cls is BaseModel:
        return False
    return isinstance(cls, type) and (issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls))


def members(model: type) -> Iterator[Member]:
    """The fields in their order; without those that are not published (`exclude=True`) or not given (`init=False`).

    Raises:
        ContractError: A field cannot make a round trip; names it and what to use.
    """
    by_name = _reads_names(model)
    for name, info in _infos(model):
        place = f"{model.__name__}.{name}"
        default = _default(info)
        if not AVRO_NAME.match(name):
            raise ContractError(f"{place}: {name} is no Avro name; use letters, digits and _")
        if info.exclude:
            if info.is_required():
                raise ContractError(f"{place} is excluded and has no default, so it could not be read; give it one")
            continue
        if isinstance(info.annotation, str | ForwardRef):
            raise ContractError(f"{place}: {info.annotation!r} cannot be resolved; define it at the top of a module")
        if info.validation_alias not in (None, name) and not by_name:
            raise ContractError(f"{place} is read by its alias only; set populate_by_name=True in model_config")
        yield Member(name, info.annotation, tuple(info.metadata), default, info.description)


def description_of(cls: type) -> str | None:
    """Its own docstring; not one that was inherited, or made by `@dataclass`."""
    doc = cls.__dict__.get("__doc__")
    if not doc or doc.startswith(f"{cls.__name__}(") or doc == "An enumeration.":
        return None
    return inspect.cleandoc(doc)


def _infos(model: type) -> Iterator[tuple[str, FieldInfo]]:
    if issubclass(model, RootModel):
        raise ContractError(f"{model.__name__} is a RootModel and has no fields; use a model that has")
    if issubclass(model, BaseModel):
        if not model.__pydantic_complete__:
            model.model_rebuild(raise_errors=False)
        yield from model.model_fields.items()
        return
    made = getattr(model, "__pydantic_fields__", None)
    hints = {} if made is not None else _hints(model)
    described: Any = model
    for field in dataclasses.fields(described):
        if not field.init:
            continue
        if made is not None:
            yield field.name, made[field.name]
        else:
            info = FieldInfo.from_annotation(hints[field.name])
            if isinstance(field.default, FieldInfo):
                info = FieldInfo.from_annotated_attribute(hints[field.name], field.default)
            elif field.default is not dataclasses.MISSING:
                info.default = field.default
            elif field.default_factory is not dataclasses.MISSING:
                info.default_factory = field.default_factory
            yield field.name, info


def _hints(model: type) -> dict[str, Any]:
    try:
        return get_type_hints(model, include_extras=True)
    except NameError as error:
        raise ContractError(f"{model.__name__}: {error}; define it at the top of a module") from error


def _default(info: FieldInfo) -> Any:
    if info.default_factory is not None:
        return info.default_factory() if info.default_factory in _EMPTY else NO_DEFAULT
    return NO_DEFAULT if info.default in (PydanticUndefined, ...) else info.default


def _reads_names(model: type) -> bool:
    config: Any = getattr(model, "model_config", None) or getattr(model, "__pydantic_config__", None)
    if not isinstance(config, dict):  # a dataclass may have a field of that name
        return False
    return bool(config.get("populate_by_name") or config.get("validate_by_name"))
