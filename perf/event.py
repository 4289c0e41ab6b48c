"""The market event that every contender encodes, decodes and is keyed by."""

from __future__ import annotations

import io
import json
import random
import uuid
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import fastavro

Event = dict[str, Any]

CONTRACTS_DIR = Path(__file__).parent / "contracts"
CONTRACT = "bench.event"
SYMBOLS = tuple(f"SYM{number:03d}USDT" for number in range(100))
POOL_SIZE = 10_000

_schema = fastavro.parse_schema(json.loads((CONTRACTS_DIR / "bench" / "event.avsc").read_text()))
_write = fastavro.schemaless_writer
_read = fastavro.schemaless_reader
_bytes_io = io.BytesIO


def encode(event: Event) -> bytes:
    """Returns the event as bare Avro, with no framing."""
    buffer = _bytes_io()
    _write(buffer, _schema, event)
    return buffer.getvalue()


def decode(value: bytes) -> Event:
    """Returns the event that `encode` was given; the writer's schema is the only schema."""
    return _read(_bytes_io(value), _schema, None)  # type: ignore[return-value]


def symbol_of(event: Event) -> str:
    """The key of the event."""
    return event["symbol"]  # type: ignore[no-any-return]


def pool(size: int = POOL_SIZE, seed: int = 7) -> list[Event]:
    """Returns `size` distinct events, the same ones for the same seed."""
    chance = random.Random(seed)
    return [_event(chance, number) for number in range(size)]


def events(count: int, offset: int = 0) -> Iterator[Event]:
    """Returns `count` events out of the pool, over and over; building dicts is no part of what is timed."""
    return islice(cycle(pool()), offset, offset + count)


def _event(chance: random.Random, number: int) -> Event:
    price = round(chance.uniform(1, 90_000), 2)
    return {
        "event_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "symbol": chance.choice(SYMBOLS),
        "venue": chance.choice(("BINANCE", "KRAKEN", "COINBASE")),
        "side": chance.choice(("BUY", "SELL")),
        "price": price,
        "quantity": round(chance.uniform(0.001, 50), 4),
        "bid": round(price * 0.9999, 2),
        "ask": round(price * 1.0001, 2),
        "sequence": 4_000_000_000 + number,
        "timestamp_ms": 1_760_000_000_000 + number,
        "order_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "source": "feed-gateway",
        "conditions": chance.sample(("regular", "auction", "odd-lot", "block"), chance.randint(0, 2)),
    }
