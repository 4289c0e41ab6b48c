"""The bus as its users see it, on both engines: contracts, and how they change under running clients."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from bus import ContractError, DecodeError, EncodeError, MessageBus, RouteRule, contract
from bus.settings import DEFAULT_ROUTES
from tests.contract.conftest import MakeBus
from tests.contract.harness import bounded, pulled

TOPIC = "shop.orders.new"
AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


class Side(enum.StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Leg(BaseModel):
    price: Annotated[Decimal, Field(max_digits=12, decimal_places=2)]


class Order(BaseModel):
    id: int
    side: Side
    at: datetime
    legs: list[Leg]
    note: str | None = None


@dataclass
class Parcel:
    id: int
    weight_kg: float
    labels: dict[str, str] = field(default_factory=dict)


ORDER = Order(id=7, side=Side.SELL, at=AT, legs=[Leg(price=Decimal("1.50"))])
ORDER_DATA = {"id": 7, "side": "SELL", "at": AT, "legs": [{"price": Decimal("1.50")}], "note": None}


async def test_a_model_is_a_contract_and_comes_back_as_the_handlers_type(make_bus: MakeBus, crew: str) -> None:
    publisher, bus = await make_bus(), await make_bus()
    for each in (publisher, bus):
        each.contract(Order, "shop.orders.**", namespace="shop")
        each.contract(Parcel, "shop.parcels.**")
    orders: list[Order] = []
    parcels: list[Parcel] = []

    def enough() -> None:
        if len(orders) == len(parcels) == 2:
            bus.stop()

    @bus.on("shop.orders.**", group=crew)
    async def order(data: Order) -> None:
        orders.append(data)
        enough()

    @bus.on("shop.parcels.**", group=f"{crew}2")
    async def parcel(data: Parcel) -> None:
        parcels.append(data)
        enough()

    for data in (ORDER, ORDER_DATA):
        await bounded(publisher.publish(TOPIC, data, confirm=True))
    for weight in (1.5, 2.0):
        await bounded(publisher.publish("shop.parcels.sent", Parcel(1, weight, {"a": "b"}), confirm=True))
    await bounded(bus.run())
    assert orders == [ORDER, ORDER]
    assert parcels == [Parcel(1, 1.5, {"a": "b"}), Parcel(1, 2.0, {"a": "b"})]


async def test_a_wrong_value_names_its_place_and_nothing_is_sent(bus: MessageBus) -> None:
    bus.contract(Order, "shop.orders.**", namespace="shop")
    orders = await bus.subscribe("shop.orders.*")
    wrong: dict[str, Any] = {**ORDER_DATA, "legs": [{"price": Decimal("1.50")}, {"price": "1.50"}]}
    with pytest.raises(EncodeError, match=r"Order\.legs\[1\]\.price: expected .*decimal.*, got str"):
        await bus.publish(TOPIC, wrong)
    with pytest.raises(EncodeError, match=r"Order\.colour: expected no such field"):
        await bus.publish(TOPIC, {**ORDER_DATA, "colour": "red"})
    await bounded(bus.publish(TOPIC, ORDER, confirm=True))
    assert [message.data for message in await pulled(orders, 1)] == [ORDER_DATA]


async def test_readers_of_a_new_version_read_old_data_as_theirs(make_bus: MakeBus) -> None:
    class Item(BaseModel):
        id: int
        old: str = ""

    old_writer = await make_bus()
    old_writer.contract(Item, "shop.**", name="shop.item")
    old_reader = await make_bus()
    old_reader.contract(Item, "shop.**", name="shop.item")

    class Item(BaseModel):  # type: ignore[no-redef]
        id: int
        note: str = "none"

    new = await make_bus()
    new.contract(Item, "shop.**", name="shop.item")
    reading = [await bus.subscribe("shop.**") for bus in (old_reader, new)]
    await bounded(old_writer.publish("shop.items.a", {"id": 1, "old": "x"}, confirm=True))
    await bounded(new.publish("shop.items.a", {"id": 2, "note": "y"}, confirm=True))
    as_old, as_new = [[message.data for message in await pulled(each, 2)] for each in reading]
    assert as_old == [{"id": 1, "old": "x"}, {"id": 2, "old": ""}]
    assert as_new == [{"id": 1, "note": "none"}, {"id": 2, "note": "y"}]


async def test_a_version_that_breaks_the_rule_is_refused_and_the_others_go_on(make_bus: MakeBus) -> None:
    class Item(BaseModel):
        price: Annotated[Decimal, Field(max_digits=12, decimal_places=2)]

    first = await make_bus()
    first.contract(Item, "shop.**", name="shop.item")
    await bounded(first.publish("shop.items.a", {"price": Decimal("1.50")}, confirm=True))

    class Item(BaseModel):  # type: ignore[no-redef]
        price: Annotated[Decimal, Field(max_digits=12, decimal_places=4)]
        id: int = 0

    second = await make_bus()
    second.contract(Item, "shop.**", name="shop.item")
    with pytest.raises(
        ContractError, match=r"(?s)shop\.item: not compatible: BACKWARD_TRANSITIVE.*item\.price: logical"
    ):
        await bounded(second.publish("shop.items.a", {"price": Decimal("1.5000")}))
    await bounded(first.publish("shop.items.a", {"price": Decimal("2.50")}, confirm=True))


async def test_two_clients_that_register_at_once_both_publish(make_bus: MakeBus) -> None:
    one, other = await make_bus(), await make_bus()
    reading = await (await make_bus()).subscribe("shop.**")
    for bus in (one, other):
        bus.contract(Parcel, "shop.**", name="shop.parcel")
    publishing = [bus.publish("shop.items.a", Parcel(n, 1.0)) for n, bus in enumerate((one, other))]
    for each in publishing:
        await (await bounded(each)).wait()
    assert sorted(message.data["id"] for message in await pulled(reading, 2)) == [0, 1]


async def test_production_publishes_by_registered_contracts_only(make_bus: MakeBus) -> None:
    development = await make_bus()
    development.contract(Parcel, "shop.**", name="shop.parcel")
    await bounded(development.publish("shop.items.a", Parcel(1, 1.0), confirm=True))

    class Other(BaseModel):
        id: int

    production = await make_bus(environment="production")
    production.contract(Parcel, "shop.**", name="shop.parcel")
    await bounded(production.publish("shop.items.a", Parcel(2, 1.0), confirm=True))
    production.contract(Other, "shop.**", name="shop.other")
    with pytest.raises(ContractError, match=r"shop\.other is not registered .*tierbus contracts push shop\.other"):
        await bounded(production.publish("shop.items.a", Other(id=1)))


async def test_what_was_published_before_there_was_a_contract_is_given_as_it_is(make_bus: MakeBus) -> None:
    plain, bus = await make_bus(), await make_bus()
    bus.contract(Parcel, "shop.**", name="shop.parcel")
    reading = await bus.subscribe("shop.**")
    await bounded(plain.publish("shop.items.a", {"id": 1}, confirm=True))
    await bounded(bus.publish("shop.items.a", Parcel(2, 1.0), confirm=True))
    assert [message.data["id"] for message in await pulled(reading, 2)] == [1, 2]


async def test_what_is_no_value_of_the_contract_is_a_decode_error_with_its_bytes(make_bus: MakeBus) -> None:
    class Other(BaseModel):
        id: int
        colour: str

    plain, bus = await make_bus(), await make_bus()
    plain.contract(Other, "shop.**", name="shop.other")
    bus.contract(Parcel, "shop.**", name="shop.parcel")
    reading = await bus.subscribe("shop.**")
    await bounded(plain.publish("shop.items.a", Other(id=1, colour="red"), confirm=True))
    await bounded(bus.publish("shop.items.a", Parcel(2, 1.0), confirm=True))
    with pytest.raises(DecodeError, match=r"shop\.items\.a@.*not readable as shop\.parcel") as refused:
        await reading.receive(30)
    assert refused.value.raw is not None
    assert b"red" in refused.value.raw
    assert [message.data["id"] for message in await pulled(reading, 1)] == [2]


async def test_tombstones_pass_a_contract(make_bus: MakeBus) -> None:
    bus = await make_bus()
    bus.contract(Parcel, "shop.**", name="shop.parcel")
    reading = await bus.subscribe("shop.**")
    await bounded(bus.publish("shop.items.a", None, key="k", confirm=True))
    assert [(message.data, message.key) for message in await pulled(reading, 1)] == [(None, "k")]


async def test_contracts_of_a_projects_folder_are_bound_by_routes(make_bus: MakeBus, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "order.avsc").write_text(contract(Order, namespace="shop").schema.text)
    rule = RouteRule(pattern="trading.orders.**", contract="shop.order", compatibility="FULL")
    bus = await make_bus(contracts_dir=str(tmp_path), routes=(rule, *DEFAULT_ROUTES))
    reading = await bus.subscribe("trading.orders.**")
    receipt = await bounded(bus.publish("trading.orders.new", ORDER, confirm=True))
    assert (await receipt.wait()).kafka_topic.endswith("trading.orders.critical")
    assert [message.data for message in await pulled(reading, 1)] == [ORDER_DATA]
