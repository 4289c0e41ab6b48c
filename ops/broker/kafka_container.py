"""The apache/kafka image as testcontainers starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from testcontainers.core.container import DockerContainer

from ops.broker.layout import LOOPBACK


class KafkaContainer(DockerContainer):
    """One node of Kafka, its client port bound to a port of our loopback that was chosen before.

    The usual dance (start, learn the port, hand in a script that advertises it) would give another port after
    each stop and start; a known port needs none of it.
    """

    def __init__(
        self,
        image: str,
        *,
        name: str,
        port: int,
        environment: Mapping[str, str],
        network: str | None,
        labels: Mapping[str, str],
        kept: bool,
    ) -> None:
        super().__init__(image, name=name, env=dict(environment))
        # testcontainers' hint allows a bare number only; the Docker client behind it takes an address too.
        self.ports["9092/tcp"] = (LOOPBACK, port)  # type: ignore[assignment]
        network_options = {"network": network} if network else {}
        self.with_kwargs(labels=dict(labels), hostname=name, **network_options)
        self._kept = kept

    def start(self) -> Self:
        """Starts it; a `kept` one carries no session label, so that no reaper takes it after this process."""
        if not self._kept:
            return super().start()
        self._container = self.get_docker_client().client.containers.run(
            self.image, detach=True, name=self._name, environment=self.env, ports=self.ports, **self._kwargs
        )
        return self
