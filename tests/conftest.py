"""Fixtures that every kind of test may ask for."""

from __future__ import annotations

from tests.broker_fixture import (  # fixtures
    broker,
    container_broker,
    namespace,
    restartable_cluster,
    secure_cluster,
)

__all__ = ["broker", "container_broker", "namespace", "restartable_cluster", "secure_cluster"]
