"""A partition in memory: offsets, retention, compaction, and sizes of batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.message import Partition
from bus.transport.base import NewKafkaTopic
from bus.transport.memory import MemoryCluster
from bus.transport.memory.log import Log, NewRecord
from bus.transport.memory.sender import MemoryBatch

PARTITION = Partition("test.a.b.low", 0)


def record(value: str, key: str | None = None) -> NewRecord:
    return NewRecord(1, None if key is None else key.encode(), value.encode(), ())


def log_of(records_max: int, *, compacted: bool = False) -> Log:
    return Log(PARTITION, records_max, compacted=compacted)


def test_offsets_are_consecutive() -> None:
    log = log_of(10)
    assert log.append([record("a"), record("b")]) == 0
    assert log.append([]) == 2
    assert log.append([record("c")]) == 2
    assert [(r.offset, r.value) for r in log.read(0, 10)] == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert [r.offset for r in log.read(1, 1)] == [1]
    assert list(log.read(3, 10)) == []


def test_the_oldest_are_dropped_at_the_cap() -> None:
    log = log_of(3)
    log.append([record(str(n)) for n in range(3)])
    assert (log.start, log.end) == (0, 3)
    log.append([record("3")])
    assert (log.start, log.end) == (1, 4)
    assert [r.value for r in log.read(0, 10)] == [b"1", b"2", b"3"]


@given(st.integers(1, 7), st.lists(st.integers(0, 9), max_size=20))
def test_a_log_is_the_tail_of_all_that_was_appended(records_max: int, sizes: list[int]) -> None:
    log = log_of(records_max)
    everything: list[bytes] = []
    for size in sizes:
        batch = [record(str(len(everything) + n)) for n in range(size)]
        everything += [r.value or b"" for r in batch]
        log.append(batch)
        assert log.end == len(everything)
        assert log.start == max(0, len(everything) - records_max)
        for offset in range(len(everything) + 1):
            expected = everything[max(offset, log.start) :][:3]
            assert [r.value for r in log.read(offset, 3)] == expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_a_compacted_log_keeps_the_last_of_each_key(writes: list[tuple[str, bool]]) -> None:
    log = log_of(4, compacted=True)
    for number, (key, tombstone) in enumerate(writes):
        log.append([NewRecord(1, key.encode(), None if tombstone else b"%d" % number, ())])
    kept = log.read(0, 1_000)
    last = {key: (n, None if tombstone else b"%d" % n) for n, (key, tombstone) in enumerate(writes)}
    assert {(r.key or b"").decode(): (r.offset, r.value) for r in kept} == last  # later ones win
    assert [r.offset for r in kept] == sorted(r.offset for r in kept)
    assert len(kept) <= 6 + 1
    assert log.end == len(writes)


def test_a_cluster_gives_its_cap_to_every_partition() -> None:
    cluster = MemoryCluster(retention_records=2)
    cluster.create(NewKafkaTopic("test.a.b.low", 2))
    for partition in (Partition("test.a.b.low", 0), Partition("test.a.b.low", 1)):
        cluster.append(partition, [record(str(n)) for n in range(5)])
        log = cluster.log(partition)
        assert log is not None
        assert [r.offset for r in log.read(0, 10)] == [3, 4]


def test_a_cap_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="retention_records is 0"):
        MemoryCluster(retention_records=0)


def test_there_are_no_partitions_beyond_the_count() -> None:
    cluster = MemoryCluster()
    cluster.create(NewKafkaTopic("test.a.b.low", 2))
    assert cluster.log(Partition("test.a.b.low", 2)) is None
    assert cluster.log(Partition("test.a.b.low", -1)) is None
    assert cluster.log(Partition("test.a.c.low", 0)) is None


_texts = st.text(max_size=20)
_records = st.tuples(
    st.one_of(st.none(), st.binary(max_size=200)),
    st.one_of(st.none(), st.binary(max_size=20_000)),
    st.lists(st.tuples(_texts, st.binary(max_size=80)), max_size=3),
)


@given(st.lists(_records, min_size=1, max_size=70))
def test_a_batch_counts_the_bytes_that_kafka_would(
    records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]],
) -> None:
    from aiokafka.record._crecords import DefaultRecordBatchBuilder

    ours = MemoryBatch(10_000_000)
    theirs = DefaultRecordBatchBuilder(2, 0, False, -1, -1, 0, 10_000_000)
    for offset, (key, value, headers) in enumerate(records):
        assert ours.append(timestamp=1_700_000_000_000, key=key, value=value, headers=headers) is not None
        assert theirs.append(offset, 1_700_000_000_000, key, value, [*headers]) is not None
    assert ours.size_bytes == len(theirs.build())
