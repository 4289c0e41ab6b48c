"""The environment variables that are settings, and those that only look so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

ENV_PREFIX = "TIERBUS_"
# What Kubernetes puts into every pod for a Service named `tierbus`.
_SERVICE_LINK = re.compile(r"_(SERVICE_HOST|SERVICE_PORT\w*|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)\Z")
_NESTED = frozenset({"TIERS", "ROUTES"})
# Variables with our prefix that are not settings of the bus but of the tools around it.
TOOL_VARIABLES = frozenset(
    {"STATE_DIR", "CACHE_DIR", "KAFKA_IMAGE", "KAFKA_JVM_OPTS", "TEST_BROKER", "REQUIRE_DOCKER", "BROKER_HOW"}
)


def unknown_variables(names: Iterable[str]) -> list[str]:
    """A misspelt variable would otherwise be a setting that silently does nothing."""
    known = {name.upper() for name in names}
    unknown = []
    for variable in sorted(os.environ):
        if variable.upper().startswith(ENV_PREFIX) and not _SERVICE_LINK.search(variable):
            name, *inside = variable.upper().removeprefix(ENV_PREFIX).split("__")
            if (name not in known and name not in TOOL_VARIABLES) or (inside and name not in _NESTED):
                unknown.append(f"environment variable {variable} is no setting")
    return unknown
