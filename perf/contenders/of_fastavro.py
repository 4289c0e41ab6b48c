"""What Avro alone costs on one core: the floor under every other row."""

from __future__ import annotations

from perf.event import decode, encode, events
from perf.work import Stopwatch, Tally, Work


async def encoding(work: Work, clock: Stopwatch) -> int:
    """Encodes every event; sends nothing."""
    source = events(work.events)
    clock.start()
    for event in source:
        encode(event)
    clock.stop()
    return work.events + work.warmup


async def decoding(work: Work, tally: Tally) -> None:
    """Decodes every event and hands it to the handler; fetches nothing."""
    encoded = [encode(event) for event in events(min(work.events, 10_000))]
    tally.begin()
    for number in range(work.events):
        await tally.handle(decode(encoded[number % len(encoded)]))
