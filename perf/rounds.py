"""Runs the contenders in turns, each in a process of its own, and checks what they left in Kafka."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from itertools import cycle, islice

from perf.contenders import Contender
from perf.event import events
from perf.process import FailedRunError, result_of
from perf.topics import Topics
from perf.work import Figure, Work, kafka_topic_of_tierbus

FILLER = {"tierbus": "tierbus publish_many", "peer": "aiokafka send_batch by hand"}
BURN_IN_EVENTS = 20_000
GRACE_S = 30.0

Told = Callable[[Figure], None]


def rotated(contenders: Sequence[Contender], number: int, rounds: int) -> list[Contender]:
    """Returns the order of a round: each starts as far along as to spread the first places over all."""
    start = number * len(contenders) // max(rounds, 1)
    return [*contenders[start:], *contenders[:start]]


class Rounds:
    """One workload's runs on one broker."""

    def __init__(self, pattern: Work, contenders: Sequence[Contender], rounds: int, told: Told) -> None:
        self._pattern = pattern
        self._contenders = contenders
        self._rounds = rounds
        self._told = told
        self._topics = Topics(pattern.servers)
        self._prefix = f"perf-{uuid.uuid4().hex[:8]}"

    def run(self) -> list[Figure]:
        """Returns every run's figure, invalid ones with their error; leaves no topic behind."""
        one_round = self._publish if self._pattern.workload == "publish" else self._consume
        figures: list[Figure] = []
        try:
            self._prepare()
            for number in range(self._rounds):
                for contender in rotated(self._contenders, number, self._rounds):
                    figure = dataclasses.replace(one_round(contender, number), round=number)
                    self._told(figure)
                    figures.append(figure)
        finally:
            self._topics.delete(self._prefix)
        return figures

    def _prepare(self) -> None:
        """Warms the broker's own code, and fills what is going to be consumed."""
        kinds = sorted({c.kind for c in self._contenders} & FILLER.keys())
        if self._pattern.workload == "publish":
            self._fill("peer", f"{self._prefix}-burn-in", min(BURN_IN_EVENTS, self._pattern.events))
        else:
            for kind in kinds:
                self._fill(kind, self._filled(kind), self._pattern.events)

    def _filled(self, kind: str) -> str:
        return f"{self._prefix}-{kind}"

    def _fill(self, kind: str, topic: str, count: int) -> None:
        work = dataclasses.replace(
            self._pattern,
            workload="publish",
            contender=FILLER[kind],
            topic=topic,
            events=count,
            warmup=0,
            profile=None,
        )
        if kind == "peer":
            self._topics.create(topic, work.partitions)
        figure = _in_a_process(work)
        if figure.error is not None:
            raise RuntimeError(f"{topic} could not be filled by {work.contender}: {figure.error}")
        held = self._topics.records(_kafka_topic(kind, topic))
        if held != count:
            raise RuntimeError(f"{topic} holds {held} records instead of {count}")

    def _publish(self, contender: Contender, number: int) -> Figure:
        topic = f"{self._prefix}-{number}-{contender.where.replace(':', '-')}"
        work = dataclasses.replace(self._pattern, contender=contender.name, topic=topic)
        if contender.kind == "peer":
            self._topics.create(topic, work.partitions)
        figure = _in_a_process(work)
        if contender.kind != "reference" and figure.error is None:
            held, expected = (
                self._topics.records(_kafka_topic(contender.kind, topic)),
                work.warmup + work.events,
            )
            if held != expected:
                figure = dataclasses.replace(figure, error=f"the topic holds {held} records instead of {expected}")
        self._topics.delete(topic)
        return figure

    def _consume(self, contender: Contender, number: int) -> Figure:
        topic = self._filled(contender.kind)
        group = f"{self._prefix}-{number}-{contender.where.replace(':', '-')}"
        work = dataclasses.replace(self._pattern, contender=contender.name, topic=topic, group=group)
        figure = _in_a_process(work)
        if figure.error is not None:
            return figure
        if figure.checksum != checksum(work.events):
            return dataclasses.replace(figure, error="what was handled is not what was published")
        if contender.kind != "reference":
            in_kafka = f"{group}.normal" if contender.kind == "tierbus" else group
            committed = self._topics.committed(in_kafka, _kafka_topic(contender.kind, topic))
            if committed != work.events:
                return dataclasses.replace(figure, error=f"committed {committed} of {work.events}")
        return figure


def checksum(count: int) -> int:
    """What `count` events come to when each is handled once."""
    sequences = [event["sequence"] for event in events(10_000)]
    return sum(islice(cycle(sequences), count))


def _kafka_topic(kind: str, topic: str) -> str:
    return kafka_topic_of_tierbus(topic) if kind == "tierbus" else topic


def _in_a_process(work: Work) -> Figure:
    try:
        return Figure(**result_of("perf.one", dataclasses.asdict(work), work.timeout_s + GRACE_S))
    except FailedRunError as error:
        return Figure(contender=work.contender, workload=work.workload, error=str(error))
