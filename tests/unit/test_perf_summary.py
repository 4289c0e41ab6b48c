"""Medians, ratios and the order of rounds."""

from __future__ import annotations

import json

import pytest

from perf.contenders import CONTENDERS, Contender, chosen, contender
from perf.report import document
from perf.rounds import checksum, rotated
from perf.summary import ratios, rows
from perf.work import Figure, Work

OURS = Contender("tierbus publish", "tierbus", "of_tierbus:publish")
PEER = Contender("peer send", "peer", "of_peer:send")
ALONE = Contender("encoding", "reference", "of_reference:encoding")


def figure(who: Contender, wall_s: float, error: str | None = None) -> Figure:
    return Figure(who.name, "publish", events=1_000, wall_s=wall_s, cpu_s=wall_s / 2, error=error)


def test_ratios_are_of_the_medians_not_of_the_best() -> None:
    figures = [figure(OURS, s) for s in (1.0, 2.0, 9.0)] + [figure(PEER, s) for s in (3.0, 4.0, 5.0)]
    summed = rows([OURS, PEER], figures)
    assert [row.rate for row in summed] == [500.0, 250.0]
    assert (round(summed[0].rate_min), summed[0].rate_max) == (111, 1000.0)
    assert ratios(summed) == {"tierbus publish": {"peer send": 2.0}}


def test_invalid_runs_count_nowhere_and_say_why() -> None:
    figures = [figure(OURS, 1.0), figure(PEER, 0.001, error="lost one"), figure(PEER, 2.0)]
    ours, peer = rows([OURS, PEER], figures)
    assert (peer.rounds, peer.rate, peer.invalid) == (1, 500.0, ("lost one",))
    assert ours.invalid == ()


def test_a_contender_without_a_valid_run_has_no_ratio() -> None:
    summed = rows([OURS, PEER, ALONE], [figure(PEER, 1.0), figure(ALONE, 1.0)])
    assert summed[0].rate == 0
    assert ratios(summed) == {}


def test_every_round_begins_elsewhere_and_holds_all() -> None:
    all_of_them = CONTENDERS["publish"]
    orders = [rotated(all_of_them, number, 3) for number in range(3)]
    assert len({order[0].name for order in orders}) == 3
    assert all(sorted(c.name for c in order) == sorted(c.name for c in all_of_them) for order in orders)


def test_a_whole_name_means_itself_and_a_word_all_that_hold_it() -> None:
    assert [c.name for c in chosen("publish", "tierbus publish")] == ["tierbus publish"]
    assert [c.name for c in chosen("publish", "TIERBUS")] == ["tierbus publish", "tierbus publish_many"]
    assert chosen("publish", "nobody") == ()
    assert all(c.usual for c in chosen("consume", None))


def test_an_unknown_contender_is_told_the_known() -> None:
    with pytest.raises(KeyError, match="tierbus publish_many"):
        contender("publish", "nobody")


def test_the_checksum_goes_round_the_pool() -> None:
    assert checksum(10_001) - checksum(10_000) == checksum(1)


def test_the_document_names_no_machine_and_keeps_every_figure() -> None:
    work = Work("publish", "", servers="broker.example:9092", topic="t", events=1_000)
    figures = [figure(OURS, 1.0), figure(PEER, 2.0)]
    kept = document(work, figures, rows([OURS, PEER], figures), {"cores": 2}, {"python": "3.11"})
    assert "broker.example" not in json.dumps(kept)
    assert len(kept["figures"]) == 2
    assert kept["ratios"] == {"tierbus publish": {"peer send": 2.0}}
    assert kept["settings"]["batch_size_bytes"] == 65_536
