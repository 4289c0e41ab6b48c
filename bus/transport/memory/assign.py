"""Which member of a group reads which partition: a pure decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from bus.message import Partition


def spread(wanted: Sequence[Set[str]], counts: Mapping[str, int]) -> list[frozenset[Partition]]:
    """Gives each partition to one of the members that want its topic, to the one that has fewest so far.

    Args:
        wanted: The topics of each member, in the order in which they joined.
        counts: Partitions of each topic that exists.

    Returns:
        The partitions of each member, in the same order.
    """
    given: list[set[Partition]] = [set() for _ in wanted]
    for topic in sorted(set().union(*wanted) & counts.keys()):
        takers = [member for member, topics in enumerate(wanted) if topic in topics]
        for number in range(counts[topic]):
            least = min(takers, key=lambda member: len(given[member]))
            given[least].add(Partition(topic, number))
    return [frozenset(partitions) for partitions in given]
