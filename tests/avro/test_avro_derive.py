"""Contracts derived from models: what becomes of each type, round trips, and what is refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, computed_field

from bus.avro.compatibility import Mode, can_read, check
from bus.avro.derive import RenamedFrom, derive, dump
from bus.avro.schema import AvroSchema
from bus.errors import EncodeError

Money = Annotated[Decimal, Field(max_digits=28, decimal_places=8)]
Symbol = NewType("Symbol", str)


class Side(Enum):
    """Which way."""

    BUY = "BUY"
    SELL = "SELL"


class Venue(StrEnum):
    BINANCE = "BINANCE"
    KRAKEN = "KRAKEN"
    OTHER = "OTHER"

    __avro_default__ = "OTHER"
    __avro_aliases__ = ("Exchange",)


class Leg(BaseModel):
    """A part of an order."""

    venue: Venue
    price: Money | None = Field(None, description="Exact.")


@dataclasses.dataclass
class Limit:
    price: Money
    kind: Literal["limit"] = "limit"


class Market(BaseModel):
    kind: Literal["market"] = "market"
    slippage: float


class Order(BaseModel):
    """A new order.

    As a desk sends it.
    """

    id: UUID
    symbol: Symbol = Field(description="The instrument.")
    side: Side
    quantity: Decimal = Field(max_digits=20, decimal_places=4)
    fee: Decimal | None = Field(None, max_digits=6, decimal_places=2)
    legs: list[Leg] = []
    first: Leg | None = None
    how: Limit | Market
    tags: dict[str, str] = Field(default_factory=dict)
    placed_at: dt.datetime
    seen_at: AwareDatetime | None = None
    day: dt.date = dt.date(2024, 2, 29)
    opens: dt.time = dt.time(9, 30)
    note: str | None = "none"
    raw: bytes = b"\x00\xff"
    level: Literal[1, 2, 3] = 1
    mode: Literal["fast", "safe"] = "safe"
    score: int | float = 0
    live: bool = True
    when: str | dt.date | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shouted(self) -> str:
        return self.symbol.upper()


def an_order(**more: Any) -> Order:
    given: dict[str, Any] = {
        "id": UUID(int=7),
        "symbol": "BTC-USD",
        "side": Side.SELL,
        "quantity": Decimal("12.5000"),
        "how": Limit(price=Decimal("0.00000001")),
        "placed_at": dt.datetime(2024, 5, 17, 12, 0, 0, 123456, tzinfo=dt.UTC),
    }
    return Order(**(given | more))


def round_trip(model: Any) -> Any:
    """Encoded and decoded by fastavro, and read as a handler's argument is."""
    schema = AvroSchema(derive(type(model)), "test")
    data = schema.decode(schema.encode(dump(model)))
    return TypeAdapter(type(model)).validate_python(data)


def types_of(model: type) -> dict[str, Any]:
    return {field["name"]: field["type"] for field in derive(model)["fields"]}


def test_the_schema_of_a_model() -> None:
    schema = derive(Order, namespace="tierbus.trading")
    assert list(schema) == ["type", "name", "namespace", "doc", "fields"]
    assert schema["doc"] == "A new order.\n\nAs a desk sends it."
    fields = {field.pop("name"): field for field in schema["fields"]}
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 28, "scale": 8}
    assert fields == {
        "id": {"type": {"type": "string", "logicalType": "uuid"}},
        "symbol": {"type": "string", "doc": "The instrument."},
        "side": {"type": {"type": "enum", "name": "Side", "doc": "Which way.", "symbols": ["BUY", "SELL"]}},
        "quantity": {"type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
        "fee": {
            "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}],
            "default": None,
        },
        "legs": {
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Leg",
                    "doc": "A part of an order.",
                    "fields": [
                        {
                            "name": "venue",
                            "type": {
                                "type": "enum",
                                "name": "Venue",
                                "aliases": ["Exchange"],
                                "symbols": ["BINANCE", "KRAKEN", "OTHER"],
                                "default": "OTHER",
                            },
                        },
                        {"name": "price", "type": ["null", decimal], "default": None, "doc": "Exact."},
                    ],
                },
            },
            "default": [],
        },
        "first": {"type": ["null", "Leg"], "default": None},
        "how": {
            "type": [
                {
                    "type": "record",
                    "name": "Limit",
                    "fields": [
                        {"name": "price", "type": decimal},
                        {
                            "name": "kind",
                            "type": {"type": "enum", "name": "LimitKind", "symbols": ["limit"]},
                            "default": "limit",
                        },
                    ],
                },
                {
                    "type": "record",
                    "name": "Market",
                    "fields": [
                        {
                            "name": "kind",
                            "type": {"type": "enum", "name": "MarketKind", "symbols": ["market"]},
                            "default": "market",
                        },
                        {"name": "slippage", "type": "double"},
                    ],
                },
            ]
        },
        "tags": {"type": {"type": "map", "values": "string"}, "default": {}},
        "placed_at": {"type": {"type": "long", "logicalType": "timestamp-micros"}},
        "seen_at": {"type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": None},
        "day": {"type": {"type": "int", "logicalType": "date"}, "default": 19782},
        "opens": {"type": {"type": "long", "logicalType": "time-micros"}, "default": 34_200_000_000},
        "note": {"type": ["string", "null"], "default": "none"},
        "raw": {"type": "bytes", "default": "\x00\xff"},
        "level": {"type": "long", "default": 1},
        "mode": {"type": {"type": "enum", "name": "OrderMode", "symbols": ["fast", "safe"]}, "default": "safe"},
        "score": {"type": ["long", "double"], "default": 0},
        "live": {"type": "boolean", "default": True},
        "when": {
            "type": [
                "null",
                "string",
                {"type": "int", "logicalType": "date"},
            ],
            "default": None,
        },
    }


def test_it_is_plain_json_and_admitted() -> None:
    schema = derive(Order, namespace="tierbus.trading")
    assert json.loads(json.dumps(schema)) == schema
    assert AvroSchema(schema, "trading.order").name == "trading.order"
    assert derive(Order) == derive(Order)
    assert derive(Order) is not derive(Order)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"how": Market(slippage=0.5), "fee": Decimal("1.50"), "side": Side.BUY},
        {"legs": [Leg(venue=Venue.KRAKEN), Leg(venue=Venue.OTHER, price=Decimal("-1.5"))]},
        {"first": Leg(venue=Venue.BINANCE, price=Decimal("99999999999999999999.99999999"))},
        {"tags": {"a": "b", "ü": "漢"}, "note": None, "raw": b"", "live": False},
        {"score": 2**53 + 1, "level": 3, "mode": "fast"},
        {"score": 0.25},
        {"score": 1.0},
        {"when": dt.date(1969, 12, 31), "day": dt.date(1, 1, 1), "opens": dt.time(23, 59, 59, 999999)},
        {"when": "soon"},
        {"placed_at": dt.datetime(2024, 5, 17, 14, tzinfo=dt.timezone(dt.timedelta(hours=2)))},
        {"seen_at": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC), "quantity": Decimal(0)},
    ],
    ids=str,
)
def test_a_model_comes_back_equal(more: dict[str, Any]) -> None:
    order = an_order(**more)
    again = round_trip(order)
    assert again == order
    assert type(again.score) is type(order.score)
    assert type(again.when) is type(order.when)
    assert again.placed_at.utcoffset() == dt.timedelta(0)


@dataclasses.dataclass
class Fill:
    order: UUID
    leg: Leg
    parts: list[Limit]
    at: dt.datetime
    side: Side = Side.BUY
    amount: Annotated[int, RenamedFrom("quantity", "size")] = 0
    total: int = dataclasses.field(init=False, default=3)


def test_a_dataclass() -> None:
    fill = Fill(UUID(int=1), Leg(venue=Venue.KRAKEN), [Limit(Decimal("1.5"))], dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    assert round_trip(fill) == fill
    schema = derive(Fill)
    assert "doc" not in schema, "what @dataclass writes is no documentation"
    assert [field["name"] for field in schema["fields"]] == ["order", "leg", "parts", "at", "side", "amount"]
    assert schema["fields"][-1] == {"name": "amount", "type": "long", "default": 0, "aliases": ["quantity", "size"]}
    assert schema["fields"][-2]["default"] == "BUY"
    older = {**schema, "fields": [*schema["fields"][:-1], {"name": "size", "type": "long"}]}
    assert can_read(schema, older) == ()


def test_a_required_optional_reads_as_null_where_older_data_lacks_it() -> None:
    class Model(BaseModel):
        a: int | None

    assert derive(Model)["fields"] == [{"name": "a", "type": ["null", "long"], "default": None}]


def test_a_default_moves_its_type_to_the_front() -> None:
    class Model(BaseModel):
        a: bytes | int | None = b"x"
        b: list[int] | None = [1]

    assert types_of(Model)["a"] == ["bytes", "null", "long"]
    assert types_of(Model)["b"] == [{"type": "array", "items": "long"}, "null"]
    assert round_trip(Model(a=5)) == Model(a=5)


def test_a_factory_of_changing_values_is_no_default() -> None:
    class Model(BaseModel):
        at: dt.datetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))
        tags: list[str] = Field(default_factory=list)

    assert [("default" in field) for field in derive(Model)["fields"]] == [False, True]


class Point(BaseModel):
    x: float = 0
    y: Annotated[Decimal, Field(max_digits=4, decimal_places=2)] = Decimal("-1.5")


class Shape(BaseModel):
    centre: Point = Point(x=1)
    sides: list[Side] = [Side.BUY]
    by_name: dict[str, Point] = {"a": Point()}
    at: dt.datetime = dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
    id: UUID = UUID(int=0)
    side: Side | None = Side.SELL


def test_defaults_are_kept_as_avro_writes_them() -> None:
    fields = {field["name"]: field.get("default") for field in derive(Shape)["fields"]}
    point = {"x": 1.0, "y": "\xff\x6a"}
    assert fields == {
        "centre": point,
        "sides": ["BUY"],
        "by_name": {"a": {**point, "x": 0.0}},
        "at": 1_000_000,
        "id": "00000000-0000-0000-0000-000000000000",
        "side": "SELL",
    }
    empty = {"type": "record", "name": "Shape", "fields": []}
    assert can_read(derive(Shape), empty) == (), "every default fits its type"
    assert round_trip(Shape()) == Shape()


def test_evolution_from_model_to_model() -> None:
    def model(**fields: Any) -> dict[str, Any]:
        return derive(type("Model", (BaseModel,), {"__annotations__": fields, "__module__": __name__}))

    first = model(a=int)
    assert check(model(a=int, b=str | None), first, mode=Mode.FULL_TRANSITIVE).compatible
    assert not check(model(a=int, b=str), first).compatible
    assert not check(model(a=dt.datetime), first).compatible


def test_a_naive_datetime_is_refused_when_it_is_encoded() -> None:
    naive = dt.datetime(2024, 5, 17)
    assert dump(an_order(placed_at=naive))["placed_at"] == naive
    order, fill = AvroSchema(derive(Order), "order"), AvroSchema(derive(Fill), "fill")
    with pytest.raises(
        EncodeError, match=r"^order\.placed_at: expected .* with a time zone .*, got datetime 2024-05-17 "
    ):
        order.encode(an_order(placed_at=naive))
    with pytest.raises(EncodeError, match=r"^fill\.at: expected .* with a time zone"):
        fill.encode(Fill(UUID(int=1), Leg(venue=Venue.OTHER), [], naive))
    with pytest.raises(EncodeError, match=r"^order\.opens: expected time-micros without a time zone"):
        order.encode(an_order(opens=dt.time(1, tzinfo=dt.UTC)))


def test_dump_gives_plain_values() -> None:
    data = dump(an_order(legs=[Leg(venue=Venue.KRAKEN)]))
    assert data["side"] == "SELL"
    assert type(data["legs"][0]["venue"]) is str
    assert "shouted" not in data
    assert data["how"] == {"price": Decimal("0.00000001"), "kind": "limit"}
    assert dump({"a": Side.BUY}) == {"a": Side.BUY}, "what is no model is the caller's"
