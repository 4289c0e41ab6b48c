"""Runs a module of the benchmarks in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


class FailedRunError(Exception):
    """It did not end, or ended without a result; the message says which."""


def result_of(module: str, request: dict[str, Any], limit_s: float) -> Any:
    """Returns what `python -m module REQUEST` printed, both as JSON.

    Raises:
        FailedRunError: It was killed after `limit_s`, or failed, or said nothing.
    """
    command = [sys.executable, "-m", module, json.dumps(request)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise FailedRunError(f"killed after {limit_s:.0f} s") from None
    if done.returncode != 0 or not done.stdout:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise FailedRunError(f"ended with {done.returncode}: {last}")
    return json.loads(done.stdout)
