"""Kafka topics of the runs: made fresh, counted at the end, deleted."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

WAIT_S = 30.0


class Topics:
    """What the benchmark asks of the broker itself, outside of all clocks."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})

    def create(self, topic: str, partitions: int) -> None:
        """Creates the topic and returns once every partition has a leader."""
        _result(self._admin.create_topics([NewTopic(topic, partitions, 1)])[topic])
        until = time.monotonic() + WAIT_S
        while len(self._partitions(topic)) < partitions:
            if time.monotonic() > until:
                raise TimeoutError(f"{topic} has no leaders after {WAIT_S:.0f} s")
            time.sleep(0.05)

    def records(self, topic: str) -> int:
        """How many records the topic holds, by its offsets: nothing here is compacted or expired."""
        consumer = Consumer({"bootstrap.servers": self._servers, "group.id": "bench-count"})
        try:
            total = 0
            for partition in self._partitions(topic):
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WAIT_S)
                total += high - low
            return total
        finally:
            consumer.close()

    def committed(self, group: str, topic: str) -> int:
        """The sum of the offsets that the group has committed on the topic."""
        asked = ConsumerGroupTopicPartitions(group)
        found = _result(self._admin.list_consumer_group_offsets([asked])[group])
        return sum(p.offset for p in found.topic_partitions if p.topic == topic and p.offset > 0)

    def delete(self, stem: str) -> None:
        """Deletes the topic, and all whose names go on from it by `.` or `-`; none of them is no error."""
        known = self._admin.list_topics(timeout=WAIT_S).topics
        names = [name for name in known if name == stem or name.startswith((f"{stem}.", f"{stem}-"))]
        if names:
            for future in self._admin.delete_topics(names).values():
                _result(future)

    def _partitions(self, topic: str) -> list[int]:
        """Those that have a leader; none while the topic is not known."""
        known = self._admin.list_topics(topic, timeout=WAIT_S).topics[topic]
        return [number for number, partition in known.partitions.items() if partition.leader >= 0]


def _result(future: Future[Any]) -> Any:
    return future.result(timeout=WAIT_S)
