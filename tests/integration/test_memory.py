"""Memory stays flat over millions of messages, with a handler that is slower than the producer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bus import MessageBus
from tests.integration.programs.ledger import quick

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
# MEMORY_TEST_MESSAGES lowers it for a quick run.
MESSAGES = int(os.environ.get("MEMORY_TEST_MESSAGES", "2000000"))
WARM_UP = min(200_000, MESSAGES // 4)
GROWTH_MAX_MIB = 20.0
BOUND_S = 350.0
TOPIC = "meter.readings.raw"


def program(name: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.integration.programs.{name}", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


async def test_memory_is_flat_while_the_backlog_grows(broker: str, namespace: str) -> None:
    async with MessageBus(quick(broker, namespace)) as bus:
        # The Kafka topic is there before the reader comes, so that it does not wait for discovery.
        receipt = await bus.publish("meter.readings.other", b"0", confirm=True)
        assert receipt.done
    arguments = (broker, namespace, TOPIC, MESSAGES, WARM_UP)
    programs = {"producer": program("flood", *arguments), "consumer": program("slow_reader", *arguments)}
    reports: dict[str, Any] = {}
    try:
        for name, process in programs.items():
            output, _ = await asyncio.to_thread(process.communicate, timeout=BOUND_S)
            assert process.returncode == 0, f"the {name} ended with {process.returncode}"
            reports[name] = json.loads(output)
    finally:
        for process in programs.values():
            if process.poll() is None:
                process.kill()
                process.wait(10)
    for name, report in reports.items():
        print(f"{name}: {report}")
    assert reports["producer"]["published"] == reports["producer"]["acknowledged"] == MESSAGES
    assert reports["consumer"]["handled"] == MESSAGES
    assert reports["consumer"]["reordered"] == 0
    assert reports["consumer"]["most_lag"] > WARM_UP, "the handler was meant to be slower than the producer"
    for name, report in reports.items():
        assert report["end_mib"] - report["warm_mib"] < GROWTH_MAX_MIB, f"{name}: {report}"
        assert report["most_mib"] - report["warm_mib"] < 2 * GROWTH_MAX_MIB, f"{name}: {report}"
