"""The event and the handler that all contenders share."""

from __future__ import annotations

import asyncio
from statistics import mean

from perf.event import POOL_SIZE, decode, encode, events, pool
from perf.one import run
from perf.rounds import checksum
from perf.work import Stopwatch, Tally, Work, rss_peak_bytes


def test_events_are_159_bytes_on_average_and_the_same_each_time() -> None:
    assert 158 <= mean(len(encode(event)) for event in pool()) <= 161
    assert pool(50) == pool(50)


def test_an_event_survives_encoding() -> None:
    assert [decode(encode(event)) for event in pool(100)] == pool(100)


def test_keys_are_a_hundred_symbols() -> None:
    assert len({event["symbol"] for event in events(POOL_SIZE)}) == 100


def test_the_clock_runs_from_the_first_decoding_to_the_last_handling() -> None:
    clock = Stopwatch()
    tally = Tally(clock, expected=2)

    async def handle_all() -> None:
        tally.begin()
        for event in events(2):
            assert not tally.done.is_set()
            await tally.handle(event)

    asyncio.run(handle_all())
    assert tally.done.is_set()
    assert tally.checksum == checksum(2)
    assert clock.wall_s > 0


def test_a_run_in_this_process_counts_what_it_did() -> None:
    figure = run(Work("consume", "fastavro decoding alone", servers="", topic="", events=500))
    assert figure.error is None
    assert figure.checksum == checksum(500)
    assert figure.rate > 0
    assert 1_000_000 < figure.rss_peak_bytes <= rss_peak_bytes()


def test_what_goes_wrong_is_the_figures_error() -> None:
    figure = run(Work("publish", "nobody", servers="", topic="", events=1))
    assert figure.error is not None
    assert "nobody" in figure.error
    assert figure.rate == 0
