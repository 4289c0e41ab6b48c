"""How partitions are spread over the members of a group."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.message import Partition
from bus.transport.memory.assign import spread

_topics = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.lists(st.frozensets(_topics), max_size=6),
    st.dictionaries(_topics, st.integers(1, 9)),
)
def test_every_wanted_partition_has_one_reader(wanted: list[frozenset[str]], counts: dict[str, int]) -> None:
    given_to = spread(wanted, counts)
    assert len(given_to) == len(wanted)
    all_given = [partition for partitions in given_to for partition in partitions]
    expected = {
        Partition(topic, number)
        for topic, count in counts.items()
        if any(topic in topics for topics in wanted)
        for number in range(count)
    }
    assert sorted(all_given) == sorted(expected)
    for topics, partitions in zip(wanted, given_to, strict=True):
        assert {partition.topic for partition in partitions} <= topics


@given(st.integers(1, 8), st.dictionaries(_topics, st.integers(1, 9), min_size=1))
def test_members_that_want_the_same_differ_by_one_at_most(members: int, counts: dict[str, int]) -> None:
    sizes = [len(partitions) for partitions in spread([counts.keys()] * members, counts)]
    assert max(sizes) - min(sizes) <= 1


def test_nobody_and_nothing() -> None:
    assert spread([], {"a": 3}) == []
    assert spread([{"a"}], {}) == [frozenset()]
    assert spread([set()], {"a": 1}) == [frozenset()]
