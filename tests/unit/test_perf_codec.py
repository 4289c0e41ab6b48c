"""Laps, ratios and shapes of the codec workload."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from perf.codec.coding import Coding, Schema
from perf.codec.one import CodecWork, run
from perf.codec.picture import draw
from perf.codec.report import document, tables
from perf.codec.shapes import Section, Shape, sections
from perf.codec.summary import RATIO_MAX, Row, Spread, rows, too_slow
from perf.codec.timing import Direction, Lap, Timing, laps, timed
from perf.contenders import CONTENDERS, chosen, coder, contender
from perf.machine import versions
from perf.process import FailedRunError, result_of

ONE: Schema = {"type": "record", "name": "One", "fields": [{"name": "value", "type": "long"}]}
SHAPE = Shape("one", ONE, [{"value": 1}, {"value": 2}])
SECTION = Section("some", "some shapes", frozenset({"tierbus", "fastavro"}), (SHAPE,), plain="one")
USUAL = [each for each in CONTENDERS["codec"] if each.usual]


def as_json(schema: Schema, model: type | None) -> Coding:
    return Coding(lambda data: json.dumps(data).encode(), json.loads)


def forgetful(schema: Schema, model: type | None) -> Coding:
    return Coding(lambda data: b"", lambda value: None)


def broken(schema: Schema, model: type | None) -> Coding:
    raise LookupError("no such schema")


def timing(contender: str, us: float, number: int, shape: str = "one", way: Direction = "encode") -> Timing:
    return Timing("some", shape, contender, way, round=number, us=us, size_bytes=3)


def ticking(steps_s: list[float]) -> Callable[[], float]:
    """A clock that is looked at before and after each lap; the laps take these times."""

    def looks() -> Iterator[float]:
        now_s = 0.0
        for step_s in steps_s:
            yield now_s
            now_s += step_s
            yield now_s

    each = looks()
    return lambda: next(each)


def test_everything_runs_once_before_anything_runs_again_and_every_other_time_backwards() -> None:
    calls: list[str] = []
    ready = [Lap(timing(name, 0, 0), calls.append, [f"{name}1", f"{name}2"]) for name in "ab"]
    timed(ready, 2, ticking([1.0] * 6))
    forth, back = ["a1", "a2", "b1", "b2"], ["b1", "b2", "a1", "a2"]
    assert calls == back + forth + back


def test_the_fastest_lap_counts_but_the_first() -> None:
    ready = [Lap(timing(name, 0, 0), lambda value: None, range(1_000)) for name in "ab"]
    # In the order of the laps: b a | a b | b a.
    found = timed(ready, 2, ticking([0.001, 0.001, 0.004, 0.005, 0.007, 0.003]))
    assert [(each.contender, round(each.us, 3)) for each in found] == [("a", 3.0), ("b", 5.0)]


def test_contenders_are_side_by_side_with_as_many_values_each() -> None:
    ready, failed = laps(SECTION, SHAPE, [("x", as_json), ("y", as_json)], 5)
    assert failed == []
    assert [(lap.timing.contender, lap.timing.direction) for lap in ready] == [
        ("x", "encode"),
        ("y", "encode"),
        ("x", "decode"),
        ("y", "decode"),
    ]
    assert [len(lap.inputs) for lap in ready] == [5] * 4
    assert ready[0].timing.size_bytes == len(b'{"value": 1}')


@pytest.mark.parametrize(
    ("code", "why"),
    [(forgetful, "ValueError: what was decoded is not what was encoded"), (broken, "LookupError: no such schema")],
    ids=["forgetful", "broken"],
)
def test_who_fails_is_invalid_in_both_directions_and_the_others_run(code: Any, why: str) -> None:
    ready, failed = laps(SECTION, SHAPE, [("x", code), ("y", as_json)], 1)
    assert {lap.timing.contender for lap in ready} == {"y"}
    assert [(each.contender, each.direction, each.error) for each in failed] == [
        ("x", "encode", why),
        ("x", "decode", why),
    ]


def test_ratios_are_taken_round_by_round() -> None:
    ours = [timing("tierbus", us, number) for number, us in enumerate((1.0, 9.0, 3.0))]
    base = [timing("fastavro", us, number) for number, us in enumerate((2.0, 9.0, 2.0))]
    first, second = rows([*ours, *base], {})
    assert first.us == Spread(3.0, 1.0, 9.0)
    assert first.ratio == Spread(1.0, 0.5, 1.5)
    assert second.ratio == Spread(1.0, 1.0, 1.0)
    assert first.to_plain is None


def test_a_price_is_to_the_contenders_own_plain_shape() -> None:
    timings = [
        *(timing("tierbus", 2.0, 0), timing("fastavro", 4.0, 0)),
        *(timing("tierbus", 3.0, 0, "other"), timing("fastavro", 20.0, 0, "other")),
    ]
    found = rows(timings, {"some": "one"})
    assert [(row.shape, row.contender, row.to_plain) for row in found] == [
        ("one", "tierbus", 1.0),
        ("one", "fastavro", 1.0),
        ("other", "tierbus", 1.5),
        ("other", "fastavro", 5.0),
    ]


def test_invalid_rounds_count_nowhere_and_say_why() -> None:
    wrong = Timing("some", "one", "tierbus", "encode", round=1, error="lost one")
    ours, base = rows([timing("tierbus", 1.0, 0), wrong, timing("fastavro", 2.0, 0), timing("fastavro", 2.0, 1)], {})
    assert (ours.rounds, ours.us, ours.ratio) == (1, Spread(1.0, 1.0, 1.0), Spread(0.5, 0.5, 0.5))
    assert ours.invalid == ("lost one",)
    (alone,) = rows([wrong], {})
    assert (alone.us, alone.ratio, alone.rounds) == (None, None, 0)
    assert base.rounds == 2


@pytest.mark.parametrize(
    ("name", "ratio", "slow"),
    [("tierbus", RATIO_MAX, False), ("tierbus", RATIO_MAX + 0.001, True), ("json", 9.0, False)],
)
def test_only_tierbus_can_be_too_slow(name: str, ratio: float, slow: bool) -> None:
    (row, _) = rows([timing(name, ratio, 0), timing("fastavro", 1.0, 0)], {})
    assert too_slow(row) is slow


def test_every_usual_contender_keeps_every_value_of_every_shape() -> None:
    wrong: list[Timing] = []
    for section in sections():
        codes = [(each.name, coder(each)) for each in USUAL if each.name in section.contenders]
        assert {"tierbus", "fastavro"} <= {name for name, _ in codes}
        for shape in section.shapes:
            wrong += laps(section, shape, codes, 1)[1]
    assert wrong == []


def test_tierbus_writes_what_fastavro_does_behind_its_frame() -> None:
    for section in sections():
        for shape in section.shapes:
            ours, base = (
                coder(contender("codec", name))(shape.schema, shape.model) for name in ("tierbus", "fastavro")
            )
            for value in shape.values[:20]:
                framed, bare = ours.encode(value), base.encode(value)
                assert framed[-len(bare) :] == bare, shape.name
                assert len(framed) > len(bare)


def test_a_value_that_is_not_plain_falls_back() -> None:
    falls_back = coder(contender("codec", "tierbus"))(ONE, None).falls_back
    assert not falls_back({"value": 1})
    assert falls_back(OrderedDict(value=1))


def test_a_contract_without_an_example_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "basket.avsc").write_text(json.dumps(ONE))
    monkeypatch.setattr("perf.codec.shapes.CONTRACTS", tmp_path)
    with pytest.raises(LookupError, match=r"shop\.basket has no example; add one to perf/codec/examples\.py"):
        sections()


def test_peers_that_need_more_than_the_bench_extra_run_only_when_named() -> None:
    assert [each.name for each in chosen("codec", None)] == [each.name for each in USUAL]
    assert [each.name for each in chosen("codec", "confluent")] == ["confluent-kafka AvroSerializer"]


def test_a_round_times_all_that_was_asked_for() -> None:
    found = run(CodecWork(("tierbus", "fastavro", "json"), only=("typed",), lap_values=2, repeats=1))
    expected = {
        (shape, name, way)
        for shape in ("dataclass", "pydantic model")
        for name in ("tierbus", "fastavro")
        for way in ("encode", "decode")
    }
    assert {(each.shape, each.contender, each.direction) for each in found} == expected
    assert len(found) == len(expected)
    assert all(each.us > 0 and each.error is None for each in found)


def outcome() -> tuple[list[Timing], list[Row]]:
    timings = [
        timing(name, us, number, shape, way)
        for shape, slower in (("one", 1.0), ("other", 2.0))
        for name, us in (("tierbus", 1.0 * slower), ("fastavro", 1.0))
        for way in ("encode", "decode")
        for number in range(2)
    ]
    return timings, rows(timings, {"some": "one"})


def test_the_document_keeps_every_round() -> None:
    timings, summed = outcome()
    kept = json.loads(json.dumps(document(CodecWork(("tierbus",)), 2, timings, summed, {"cores": 2}, versions())))
    assert len(kept["figures"]) == len(summed)
    assert kept["figures"][0]["us"] == [1.0, 1.0]
    assert kept["ratios"]["some: other, decode"] == 2.0
    assert kept["settings"]["repeats"] == CodecWork(()).repeats
    assert "kafka" not in kept["versions"]


def test_the_table_shows_ratio_price_and_way() -> None:
    (table,) = tables([SECTION], outcome()[1])
    console = Console(width=140, no_color=True)
    with console.capture() as shown:
        console.print(table)
    line = next(line for line in shown.get().splitlines() if "other" in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    encoded = ["2.00", "2.00", "1.00", "1.00", "2.00"]
    assert cells == ["other", *encoded, *encoded, "compiled"]


def test_sections_of_several_contenders_are_shown_by_contender() -> None:
    several = Section("some", "some shapes", frozenset({"tierbus", "fastavro", "json"}), (SHAPE,))
    (table,) = tables([several], outcome()[1])
    assert table.row_count == 4
    assert tables([several], []) == []


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    event = Section("event", "the event", frozenset(), (SHAPE,))
    _, summed = outcome()
    draw([event, SECTION], summed, "somewhere", tmp_path / "new" / "codec.png")
    assert (tmp_path / "new" / "codec.png").read_bytes().startswith(b"\x89PNG")


def test_a_round_that_fails_says_what_it_said_last() -> None:
    with pytest.raises(FailedRunError, match=r"ended with 1: KeyError.*no codec contender 'nobody'"):
        result_of("perf.codec.one", {"contenders": ["nobody"], "only": []}, 60)


def test_a_round_that_does_not_end_is_killed() -> None:
    with pytest.raises(FailedRunError, match="killed after 0 s"):
        result_of("perf.codec.one", {"contenders": [], "only": []}, 0.01)
