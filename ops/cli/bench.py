"""`tierbus bench`: hands over to the benchmarks, which are in the source checkout."""

from __future__ import annotations

import importlib.util
import os
import sys

import typer

from ops.cli.failing import Trouble


def bench(context: typer.Context) -> int:
    """Measure tierbus and its peers side by side.

    All options go to `python -m perf`, --help as well.
    """
    if not available():
        raise Trouble(
            "the benchmarks are not part of the installed package; clone the repository and run `make bench` in it"
        )
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "perf", *context.args])  # noqa: S606 - ourselves


def available() -> bool:
    """Whether `perf` can be imported and is this project's, not another package of that name."""
    try:
        return importlib.util.find_spec("perf.contenders.of_tierbus") is not None
    except ModuleNotFoundError:
        return False
