from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.consume.settle import Settled


def slow_position(start: int, taken: list[int], done: set[int], high: int) -> int:
    """The smallest offset that was taken and is not done, else the one after the last seen."""
    return min((offset for offset in taken if offset not in done), default=high)


@given(st.integers(0, 10), st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=40), st.data())
def test_position_is_the_first_undone_offset(start: int, steps: list[tuple[bool, int]], data: st.DataObject) -> None:
    settled, taken, done, high = Settled(start), [], set(), start
    for matches, gap in steps:
        offset = high + gap - 1  # compaction leaves holes
        if matches:
            settled.take(offset)
            taken.append(offset)
        else:
            settled.skip(offset)
        high = offset + 1
        for finished in data.draw(st.lists(st.sampled_from(taken), max_size=3)) if taken else []:
            settled.done(finished)
            done.add(finished)
        assert settled.high == high
        assert settled.position == slow_position(start, taken, done, high)
        assert settled.open_count == len(set(taken) - done)


@given(st.permutations(range(20)))
def test_in_any_order_of_ending_the_position_never_passes_an_undone_offset(order: list[int]) -> None:
    settled = Settled()
    for offset in range(20):
        settled.take(offset)
    undone = set(range(20))
    for offset in order:
        settled.done(offset)
        undone.remove(offset)
        assert settled.position == min(undone, default=20)
