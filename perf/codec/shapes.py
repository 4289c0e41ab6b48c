"""The shapes that are encoded and decoded, by section, and who takes part in each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perf.codec.coding import Schema
from perf.codec.examples import EXAMPLES
from perf.codec.models import EventClass, EventModel
from perf.codec.types import PLAIN, TYPES
from perf.event import CONTRACTS_DIR, pool

EVENTS = 500
CONTRACTS = Path(__file__).parents[2] / "schemas"


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """A schema with values for it.

    Attributes:
        values: What is encoded, one after the other and over again.
        decoded: What decoding gives; the values themselves when that is `None`.
        model: The class of the values where they are not dicts.
    """

    name: str
    schema: Schema
    values: Sequence[Any]
    decoded: Sequence[Any] | None = None
    model: type | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """Shapes that are shown together.

    Attributes:
        contenders: Names of those who take part, as far as they are run at all.
        plain: The shape that the others' price is compared with, if there is one.
    """

    name: str
    title: str
    contenders: frozenset[str]
    shapes: tuple[Shape, ...]
    plain: str | None = None


def sections() -> tuple[Section, ...]:
    """Returns all sections, in the order of the tables."""
    avro = frozenset({"tierbus", "fastavro"})
    typed = avro | {"pydantic_core JSON"}
    everybody = typed | {"json", "confluent-kafka AvroSerializer"}
    event = json.loads((CONTRACTS_DIR / "bench" / "event.avsc").read_text())
    events = pool(EVENTS)
    types = tuple(Shape(each.name, each.schema, each.values, each.decoded) for each in TYPES)
    return (
        Section("event", "the event of the benchmarks", everybody, (Shape("dict", event, events),)),
        Section(
            "typed",
            "the event as a class",
            typed,
            (
                Shape("dataclass", event, [EventClass(**each) for each in events], model=EventClass),
                Shape("pydantic model", event, [EventModel(**each) for each in events], model=EventModel),
            ),
        ),
        Section("types", "a record of one field", avro, types, PLAIN),
        Section("contracts", "the platform's contracts", avro, tuple(_contracts())),
    )


def _contracts() -> list[Shape]:
    shapes = []
    for path in sorted(CONTRACTS.glob("*/*.avsc")):
        name = f"{path.parent.name}.{path.stem}"
        if name not in EXAMPLES:
            raise LookupError(f"contract {name} has no example; add one to perf/codec/examples.py")
        shapes.append(Shape(name, json.loads(path.read_text()), [EXAMPLES[name]]))
    return shapes
