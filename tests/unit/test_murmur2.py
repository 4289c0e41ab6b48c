"""The partitioner's hash against Kafka's own test vectors, and against aiokafka's."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from bus.routing.murmur2 import murmur2, partition_of

# From `UtilsTest.testMurmur2` of Apache Kafka, as Java's signed numbers.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", JAVA)
def test_known_vectors(key: bytes) -> None:
    assert murmur2(key) == JAVA[key] & 0xFFFFFFFF


@given(st.binary(max_size=300))
def test_the_same_as_aiokafka(key: bytes) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) & 0xFFFFFFFF


@pytest.mark.parametrize("length", range(9))
def test_every_length_of_the_tail(length: int) -> None:
    for byte in (0x00, 0x7F, 0x80, 0xFF):
        key = bytes([byte]) * length
        assert murmur2(key) == aiokafka_murmur2(key) & 0xFFFFFFFF


@given(st.binary(max_size=50), st.integers(1, 10_000))
def test_partition_is_javas(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (aiokafka_murmur2(key) & 0x7FFFFFFF) % partitions
    assert 0 <= partition_of(key, partitions) < partitions


@given(st.binary(max_size=50), st.integers(1, 5_000))
def test_doubling_sends_a_key_to_its_partition_or_to_that_plus_n(key: bytes, partitions: int) -> None:
    before = partition_of(key, partitions)
    assert partition_of(key, 2 * partitions) in (before, before + partitions)
