"""Fixtures that every kind of test may ask for."""

from __future__ import annotations

from tests.broker_fixture import (  # fixtures
    broker,
    container_broker,
    namespace,
    restartable_cluster,
    secure_cluster,
)
from tests.registry_fixture import registry_url, restartable_registry, secure_registry  # fixtures

__all__ = [
    "broker",
    "container_broker",
    "namespace",
    "registry_url",
    "restartable_cluster",
    "restartable_registry",
    "secure_cluster",
    "secure_registry",
]
