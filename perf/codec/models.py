"""The event of the benchmarks as a dataclass and as a pydantic model."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(slots=True)
class EventClass:
    event_id: str
    symbol: str
    venue: str
    side: str
    price: float
    quantity: float
    bid: float
    ask: float
    sequence: int
    timestamp_ms: int
    order_id: str | None
    source: str
    conditions: list[str]


class EventModel(BaseModel):
    event_id: str
    symbol: str
    venue: str
    side: str
    price: float
    quantity: float
    bid: float
    ask: float
    sequence: int
    timestamp_ms: int
    order_id: str | None
    source: str
    conditions: list[str]
