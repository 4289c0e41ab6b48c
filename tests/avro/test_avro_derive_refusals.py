"""What a contract cannot be derived from; the error says what to use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, RootModel

from bus.avro.derive import derive
from bus.errors import ContractError

Money = Annotated[Decimal, Field(max_digits=28, decimal_places=8)]
T = TypeVar("T")


class Side(Enum):
    BUY = "BUY"
    SELL = "SELL"


class Leg(BaseModel):
    price: float


class Plain(BaseModel):
    kind: str = "plain"


class Tree(BaseModel):
    children: list[Tree]


class Page(BaseModel, Generic[T]):
    items: list[T]


class Colour(IntEnum):
    RED = 1


class Dashed(StrEnum):
    A = "a-b"


class Lost(StrEnum):
    A = "A"

    __avro_default__ = "B"


class Aliased(BaseModel):
    a: int = Field(alias="A")


class Root(RootModel[int]):
    pass


class Hidden(BaseModel):
    a: int = Field(exclude=True)


OtherLeg: Any = type("Leg", (BaseModel,), {"__annotations__": {"z": int}, "__module__": __name__})


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (Decimal, r"Decimal needs its digits; use Annotated\[Decimal, Field\(max_digits=28, decimal_places=8\)\]"),
        (Annotated[Decimal, Field(max_digits=3, decimal_places=4)], "decimal_places 4 must be from 0 to max_digits 3"),
        (list[Decimal], r"Model\.a\[\]: Decimal needs its digits"),
        (Any, r"Any has no place in a contract; use the type that it has"),
        (object, "object has no place"),
        (dict, r"dict has no place in a contract; use dict\[str, X\]"),
        (list, r"list has no place in a contract; use list\[X\]"),
        (dict[int, str], r"a map's keys are text in Avro; use dict\[str, X\]"),
        (tuple[int, str], r"use list\[X\], or a model with a field for each"),
        (set[int], r"use list\[X\]"),
        (Sequence[int], r"use list\[X\]"),
        (dt.timedelta, "use int, with the unit in the field's name"),
        (complex, "use two float fields"),
        (NaiveDatetime, "use datetime or AwareDatetime, with a time zone"),
        (list[set[int]], r"Model\.a\[\]: set"),
        (Colour, "Colour has the value 1; make its values Avro names"),
        (Dashed, "Dashed has the value 'a-b'"),
        (Lost, "__avro_default__ is 'B'; make it one of its values"),
        (Literal["a-b"], "has the value 'a-b'; use str, or values that are Avro names"),
        (Literal["a", 1], "has the value 1; use str"),
        (Tree, "Tree contains itself; use ids instead of nesting"),
        (Page[int], "is no Avro name; give it one by a subclass of its own"),
        (Root, "is a RootModel and has no fields"),
        (Aliased, r"Aliased\.a is read by its alias only; set populate_by_name=True"),
        (Hidden, r"Hidden\.a is excluded and has no default"),
        (int | dt.datetime, "datetime and int cannot be told apart in a union"),
        (dt.date | dt.datetime, "date and datetime cannot be told apart in a union"),
        (float | dt.date, "date and float cannot be told apart in a union"),
        (str | UUID, "UUID and str cannot be told apart"),
        (str | bytes, "bytes and str cannot be told apart"),
        (str | Side, "Enum and str cannot be told apart"),
        (list[int] | list[str], "room for one list in a union"),
        (Side | Literal["BUY"], "must not share symbols"),
        (Leg | dict[str, str], "dict and model cannot be told apart"),
        (
            Leg | Plain,
            r"Leg, Plain cannot be told apart in a union; give each a field such as kind: Literal\[\"leg\"\]",
        ),
        (dict[str, OtherLeg] | list[Leg], "two types of the contract are called Leg; rename one of them"),
    ],
    ids=str,
)
def test_what_is_refused(annotation: Any, reason: str) -> None:
    model: Any = type(
        "Model",
        (BaseModel,),
        {
            "__annotations__": {"a": annotation},
            "__module__": __name__,
            "model_config": ConfigDict(arbitrary_types_allowed=True),
        },
    )
    with pytest.raises(ContractError, match=reason) as raised:
        derive(model)
    assert ": " in str(raised.value) or " is " in str(raised.value)


@pytest.mark.parametrize(
    ("annotation", "default", "reason"),
    [
        (int, None, r"Model\.a: the default None does not fit its type: it is NoneType, expected long"),
        (int, True, "it is bool, expected long"),
        (float, float("nan"), "JSON has no such number"),
        (dt.datetime, dt.datetime(2024, 1, 1), "it has no time zone"),
        (Money, Decimal("0.000000001"), "more than 8 decimal places"),
        (Money, Decimal(10) ** 21, "more than 28 digits"),
        (Money, Decimal("Infinity"), "it is not finite"),
        (int | float, 0.5, "with a default of type float, int values would be read as float"),
        (int | None, "x", "which is in no branch of the union"),
    ],
    ids=str,
)
def test_defaults_that_are_refused(annotation: Any, default: Any, reason: str) -> None:
    model: Any = type(
        "Model", (BaseModel,), {"__annotations__": {"a": annotation}, "a": default, "__module__": __name__}
    )
    with pytest.raises(ContractError, match=reason):
        derive(model)


def test_only_models_and_dataclasses() -> None:
    with pytest.raises(ContractError, match="neither a pydantic model nor a dataclass"):
        derive(int)
