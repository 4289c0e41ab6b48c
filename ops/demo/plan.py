"""What a run is to do, and the settings that it does it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bus import MessagePriority, RouteRule, Settings
from bus.publish.topics import new_kafka_topic
from bus.routing.router import Router
from bus.transport.base import NewKafkaTopic
from ops.demo.draft import Draft

RETENTION_MS = 3_600_000
"""On a broker that is not ours the demonstration's topics stay; what is in them does not."""

ROUTES = tuple(
    RouteRule(pattern=pattern, priority=priority, contract=contract, family_depth=depth, retention_ms=RETENTION_MS)
    for pattern, priority, contract, depth in (
        ("trading.orders.**", MessagePriority.CRITICAL, "trading.order", 2),
        ("risk.alerts.**", MessagePriority.CRITICAL, "risk.alert", 2),
        ("market-data.quotes.**", MessagePriority.HIGH, "market-data.quote", 2),
        ("execution.reports.**", MessagePriority.HIGH, "execution.report", 2),
        ("analytics.metrics.**", MessagePriority.NORMAL, "analytics.metric", 2),
        ("logs.**", MessagePriority.LOW, "logs.line", 1),
        ("datagov.datasets.**", MessagePriority.LOW, "datagov.dataset", 2),
        ("dbnomics.series.**", MessagePriority.LOW, "dbnomics.series", 2),
        ("dbnomics.observations.**", MessagePriority.LOW, "dbnomics.observation", 2),
    )
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the demonstration.

    Attributes:
        seconds: For how long messages are generated.
        rate: Messages a second that the market and the sources publish; handlers publish their own on top.
        source_share: Which part of them are records of the sources.
        seed: Of the market's random walk.
        offline: Use recorded records at once.
        directory: Where the picture and the report go.
        overrides: Settings given by hand, such as `bootstrap_servers` and `namespace`.
    """

    seconds: float = 30.0
    rate: float = 2_000.0
    source_share: float = 0.06
    seed: int = 7
    offline: bool = False
    directory: Path = Path("demo-results")
    overrides: Mapping[str, str] = field(default_factory=dict)

    def settings(self, servers: str, run: str) -> Settings:
        """Settings for a client of the run; its namespace is its own unless one was given."""
        values = {"namespace": f"demo-{run}"} | dict(self.overrides) | {"bootstrap_servers": servers}
        return Settings(
            **values,
            environment="development",
            routes=ROUTES,
        )


def kafka_topics(settings: Settings, drafts: list[Draft]) -> list[NewKafkaTopic]:
    """The Kafka topics that the drafts go to, each once, so that all can be made before the clock starts."""
    router = Router.from_settings(settings)
    routes = [router.route(draft.topic) for draft in drafts]
    return list({route.kafka_topic: new_kafka_topic(route, settings) for route in routes}.values())
