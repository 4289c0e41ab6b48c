"""Workers that are told to stop, that are killed, that fail and that hang: what is handled, and what comes again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bus import HandlerError, Message, MessageBus
from bus.message import Partition
from tests.integration.programs.ledger import Ledger, alone, bounded, quick, until

pytestmark = pytest.mark.broker

ROOT = Path(__file__).parents[2]
TOPIC = "jobs.render.frame"
KEYS = 40
SLACK_S = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a worker's journal."""

    partition: Partition
    offset: int
    key: str
    number: int


class Worker:
    """A worker process and its journal."""

    def __init__(self, broker: str, namespace: str, journal: Path, *options: str) -> None:
        self.journal = journal
        self.output = journal.with_suffix(".out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.programs.worker", broker, namespace, str(journal), *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def lines(self, what: str) -> list[Line]:
        if not self.journal.exists():
            return []
        lines = []
        for text in self.journal.read_text().splitlines():
            said, place, key, number = text.split()
            topic, partition, offset = place.rsplit("/", 2)
            if said == what:
                lines.append(Line(Partition(topic, int(partition)), int(offset), key, int(number)))
        return lines

    async def ended(self, count: int) -> None:
        def so_many() -> bool:
            assert self.process.poll() is None, self.output.read_text()
            return len(self.lines("end")) >= count

        await until(so_many, f"{count} messages are handled")

    async def exit(self, number: signal.Signals, bound_s: float) -> int:
        self.process.send_signal(number)
        return await bounded(f"exit after {number.name}", asyncio.to_thread(self.process.wait, bound_s), bound_s)


@pytest.fixture
def start(broker: str, namespace: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(*options: str) -> Worker:
        workers.append(Worker(broker, namespace, tmp_path / f"worker{len(workers)}", *options))
        return workers[-1]

    yield start
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.kill()
        worker.process.wait(10)


async def publish(broker: str, namespace: str, count: int) -> Ledger:
    ledger = Ledger()
    async with MessageBus(quick(broker, namespace)) as bus:
        for number in range(count):
            # Some keys are hot, so that messages wait behind their key as well as for a lane.
            key = f"key{number % KEYS if number % 3 else number % 4}"
            await bus.publish(TOPIC, ledger.next(key), key=key)
    return ledger


async def committed(broker: str, namespace: str) -> dict[Partition, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        offsets: dict[TopicPartition, Any] = await admin.list_consumer_group_offsets("workers.normal")
    finally:
        await admin.close()
    return {Partition(*tp): found.offset for tp, found in offsets.items() if tp.topic.startswith(f"{namespace}.")}


def handled(*workers: Worker) -> Ledger:
    ledger = Ledger()
    for worker in workers:
        for line in worker.lines("end"):
            ledger.note({"key": line.key, "n": line.number})
    return ledger


async def test_sigterm_drains_commits_and_ends_well(broker: str, namespace: str, start: Callable[..., Worker]) -> None:
    """Three workers after one another: each message is handled once."""
    ledger = await publish(broker, namespace, 1_200)
    first, workers = start("--takes-s", "0.01"), []
    for number in (signal.SIGTERM, signal.SIGINT):
        workers.append(first)
        await first.ended(250)
        code = await first.exit(number, 10 + SLACK_S)
        assert code == 0, first.output.read_text()
        assert first.output.read_text() == "ended by itself\n"
        assert Counter(first.lines("begin")).keys() >= Counter(first.lines("end")).keys()
        assert len(first.lines("begin")) == len(first.lines("end")) < ledger.total
        first = start("--takes-s", "0.01")
    workers.append(first)
    left = ledger.total - sum(len(worker.lines("end")) for worker in workers[:2])
    await first.ended(left)
    assert await first.exit(signal.SIGTERM, 10 + SLACK_S) == 0
    result = handled(*workers)
    result.sent = ledger.sent
    result.check()
    ends: dict[Partition, int] = {}
    for worker in workers:
        for line in worker.lines("end"):
            ends[line.partition] = max(ends.get(line.partition, 0), line.offset + 1)
    assert await committed(broker, namespace) == ends


async def test_sigkill_repeats_only_what_was_not_committed(
    broker: str, namespace: str, start: Callable[..., Worker]
) -> None:
    ledger = await publish(broker, namespace, 1_200)
    first = start()
    await first.ended(400)
    assert await first.exit(signal.SIGKILL, SLACK_S) == -signal.SIGKILL
    positions = await committed(broker, namespace)
    assert sum(positions.values()) > 0
    begun = {line.partition: line.offset for line in reversed(first.lines("begin"))}
    assert positions.keys() <= begun.keys()

    second = start("--takes-s", "0.002")
    await second.ended(ledger.total - sum(positions.values()))
    assert await second.exit(signal.SIGTERM, 10 + SLACK_S) == 0
    early = [line for line in second.lines("begin") if line.offset < positions.get(line.partition, 0)]
    assert not early, f"committed and handled again: {early[:5]}"
    # What the position had passed was handled before, each of it.
    done = {(line.partition, line.offset) for line in first.lines("end")}
    for partition, position in positions.items():
        assert {(partition, offset) for offset in range(position)} <= done
    result = handled(first, second)
    result.sent = ledger.sent
    result.check(repeats=True)
    print(f"{result.repeated} handled twice after the kill")


async def test_a_failing_handler_ends_the_run_and_its_message_comes_again(broker: str, namespace: str) -> None:
    ledger = await publish(broker, namespace, 300)
    results, failed = Ledger(), list[Message]()
    settings = quick(broker, namespace)

    def make(poison: bool) -> MessageBus:
        bus = MessageBus(settings)

        @bus.on("jobs.*.*", group="workers", workers=4)
        async def render(data: dict[str, Any], message: Message) -> None:
            await asyncio.sleep(0.001)
            if poison and data["key"] == "key7" and data["n"] == 2:
                failed.append(message)
                raise ZeroDivisionError("no frame to divide by")
            results.note(data)

        return bus

    bus = make(poison=True)
    with pytest.raises(HandlerError) as error:
        await bounded("run", bus.run(), 30)
    (message,) = failed
    text = str(error.value)
    for part in (TOPIC, message.id, "render", "ZeroDivisionError: no frame to divide by"):
        assert part in text
    assert "\n" not in text
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    assert not bus.is_connected()
    assert (await committed(broker, namespace)).get(Partition(message.kafka_topic, message.partition), 0) <= (
        message.offset
    )
    assert results.seen["key7"] == [0, 1], "nothing of the key goes past the failure"

    bus = make(poison=False)
    running = asyncio.create_task(bus.run())
    results.sent = ledger.sent
    await results.complete()
    bus.stop()
    await bounded("run", running, 5 + SLACK_S)
    results.check(repeats=True)


async def test_a_handler_that_never_ends_holds_nothing_up(broker: str, namespace: str) -> None:
    """`run` gives up on it after `drain_timeout_s`; its message comes again, the others' do not."""
    tasks = asyncio.all_tasks()
    ledger = Ledger()
    settings = quick(broker, namespace, drain_timeout_s=1.0)
    async with MessageBus(settings) as publisher:
        for key in ("hangs", "works", "hangs", "works"):
            await publisher.publish(TOPIC, ledger.next(key), key=key)
    began, cancelled, results = list[str](), list[str](), Ledger()

    def make(hang: bool) -> MessageBus:
        bus = MessageBus(settings)

        @bus.on("jobs.**", group="workers", workers=2)
        async def handle(data: dict[str, Any]) -> None:
            began.append(data["key"])
            if hang and data["key"] == "hangs":
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    cancelled.append(data["key"])
                    raise
            results.note(data)

        return bus

    bus = make(hang=True)
    running = asyncio.create_task(bus.run())
    await until(lambda: len(results.seen.get("works", ())) == 2 and "hangs" in began, "the others are handled")
    bus.stop()
    await bounded("run", running, 1.0 + SLACK_S)
    assert cancelled == ["hangs"]
    assert began.count("hangs") == 1
    await alone(tasks, 2)

    bus = make(hang=False)
    running = asyncio.create_task(bus.run())
    results.sent = ledger.sent
    await results.complete()
    bus.stop()
    await bounded("run", running, 1.0 + SLACK_S)
    results.check(repeats=True)
    assert results.seen["hangs"] == [0, 1]
    assert began.count("hangs") == 3


async def test_close_while_a_subscriber_waits(broker: str, namespace: str) -> None:
    """Whoever iterates is told; what was pulled and acknowledged does not come again."""
    settings = quick(broker, namespace)
    ledger = await publish(broker, namespace, 100)
    seen: list[str] = []
    for _ in range(2):
        async with MessageBus(settings) as bus:
            subscription = await bus.subscribe("jobs.**", group="pullers")
            for _ in range(50):
                message = await subscription.receive(timeout=20)
                assert message is not None
                seen.append(message.id)
                message.ack()
            waiting = asyncio.create_task(anext(subscription, None))
            if len(seen) < 100:
                pulled = await waiting
                assert pulled is not None
                assert pulled.id not in seen
                # It was pulled and not acknowledged: closing hands it back.
        result = await bounded("a waiting subscriber", waiting, 1.0)
        assert (result is None) == (len(seen) == 100)
    assert len(set(seen)) == len(seen) == ledger.total
