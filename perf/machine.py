"""What the figures were measured on: versions, cores and memory, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

_system: Any = psutil  # it comes without types
LIBRARIES = ("tierbus", "aiokafka", "fastavro", "pydantic", "pydantic_core", "confluent-kafka", "faststream")


def machine() -> dict[str, Any]:
    """Returns cores, memory and system; `load` is the one-minute average before the runs."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(_system.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(_system.getloadavg()[0], 2),
    }


def versions(broker: str | None = None) -> dict[str, str]:
    """Returns the versions of Python, the libraries and, where one took part, the broker."""
    found = {"python": platform.python_version()}
    if broker is not None:
        found["kafka"] = broker
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "from its sources" if library == "tierbus" else "not installed"
    if found["confluent-kafka"] != "not installed":
        from confluent_kafka import libversion

        found["librdkafka"] = libversion()[0]
    return found
