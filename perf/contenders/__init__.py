"""Who takes part, in the order of the tables; a module is imported only where its contender runs."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Awaitable, Callable
from typing import Literal, cast

from perf.codec.coding import Code
from perf.work import Stopwatch, Tally, Work, Workload

Kind = Literal["tierbus", "peer", "reference"]
Publish = Callable[[Work, Stopwatch], Awaitable[int]]
Consume = Callable[[Work, Tally], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Contender:
    """A way of doing the work.

    Attributes:
        where: `module:function` below this package.
        usual: Whether it runs unless others are named.
    """

    name: str
    kind: Kind
    where: str
    usual: bool = True

    def function(self) -> object:
        """Imports its module and returns what runs it: a `Publish`, a `Consume` or a `Code`."""
        module, name = self.where.split(":")
        return getattr(importlib.import_module(f"perf.contenders.{module}"), name)


CONTENDERS: dict[Workload, tuple[Contender, ...]] = {
    "codec": (
        Contender("tierbus", "tierbus", "codec_of_tierbus:codec"),
        Contender("fastavro", "reference", "codec_of_fastavro:codec"),
        Contender("confluent-kafka AvroSerializer", "peer", "codec_of_confluent:codec", usual=False),
        Contender("pydantic_core JSON", "peer", "codec_of_pydantic:codec"),
        Contender("json", "peer", "codec_of_json:codec"),
    ),
    "publish": (
        Contender("tierbus publish", "tierbus", "of_tierbus:publish"),
        Contender("tierbus publish_many", "tierbus", "of_tierbus:publish_many"),
        Contender("aiokafka send", "peer", "of_aiokafka:send"),
        Contender("aiokafka send_batch by hand", "peer", "of_aiokafka:send_batch"),
        Contender("confluent-kafka produce", "peer", "of_confluent:produce"),
        Contender("confluent-kafka AIOProducer", "peer", "of_confluent:aio_produce"),
        Contender("FastStream publish", "peer", "of_faststream:publish"),
        Contender("FastStream publish_batch by hand", "peer", "of_faststream:publish_batch"),
        Contender("fastavro encoding alone", "reference", "of_fastavro:encoding"),
    ),
    "consume": (
        Contender("tierbus @bus.on", "tierbus", "of_tierbus:on"),
        Contender("tierbus @bus.on workers=16", "tierbus", "of_tierbus:on_with_workers"),
        Contender("aiokafka getmany", "peer", "of_aiokafka:getmany"),
        Contender("confluent-kafka consume", "peer", "of_confluent:consume"),
        Contender("FastStream subscriber", "peer", "of_faststream:subscriber"),
        Contender("FastStream subscriber tuned", "peer", "of_faststream:tuned_subscriber"),
        Contender("FastStream subscriber batch=True", "peer", "of_faststream:batch_subscriber"),
        Contender("FastStream subscriber ack after", "peer", "of_faststream:acking_subscriber", usual=False),
        Contender("fastavro decoding alone", "reference", "of_fastavro:decoding"),
    ),
}


def contender(workload: Workload, name: str) -> Contender:
    """Returns the contender of that name.

    Raises:
        KeyError: There is none; the message lists those that there are.
    """
    for known in CONTENDERS[workload]:
        if known.name == name:
            return known
    raise KeyError(f"no {workload} contender {name!r}; there are: {', '.join(c.name for c in CONTENDERS[workload])}")


def chosen(workload: Workload, names: str | None) -> tuple[Contender, ...]:
    """Returns the contenders that `names` means: whole names, or words for all that hold them, by comma.

    Without any it returns the usual ones.
    """
    if not names:
        return tuple(c for c in CONTENDERS[workload] if c.usual)
    words = [word.strip().lower() for word in names.split(",") if word.strip()]
    known = {c.name.lower() for c in CONTENDERS[workload]}

    def meant(name: str) -> bool:
        return any(word == name if word in known else word in name for word in words)

    return tuple(c for c in CONTENDERS[workload] if meant(c.name.lower()))


def publisher(found: Contender) -> Publish:
    """Returns what publishes, for a contender of that workload."""
    return cast("Publish", found.function())


def consumer(found: Contender) -> Consume:
    """Returns what consumes, for a contender of that workload."""
    return cast("Consume", found.function())


def coder(found: Contender) -> Code:
    """Returns what encodes and decodes, for a contender of that workload."""
    return cast("Code", found.function())
