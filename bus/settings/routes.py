"""What is decided for a topic by its pattern, and the rules that hold unless others are given."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bus.message import TIERS, MessagePriority

Compatibility = Literal[
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
]

TIER_NUMBERS = frozenset(int(tier) for tier in TIERS)


def parse_priority(value: Any) -> Any:
    """A tier by name, or by number as the environment and JSON write it; anything else is for pydantic to refuse."""
    if isinstance(value, str) and not value.isdigit():
        return MessagePriority.parse(value)
    if isinstance(value, int | str) and int(value) in TIER_NUMBERS:
        return MessagePriority(int(value))
    return value


class RouteRule(BaseModel):
    """What is decided for the topics that match a pattern; the first rule that matches and says something has the say.

    Attributes:
        pattern: Topics that the rule is for (`*` one segment, `**` one or more).
        priority: Their tier, unless the publisher names one.
        family_depth: How many leading segments make their family.
        contract: Name of the Avro contract that their data must fit; none means bytes, str or JSON.
        compatibility: Which versions of the contract must be able to read which others' data.
        key: Where the key is found in the data, as a dotted path (`order.symbol`); none means the topic itself.
        partitions: Partitions of their Kafka topics when these are created.
        retention_ms: How long Kafka keeps them; none means the broker's default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str
    priority: MessagePriority = MessagePriority.NORMAL
    family_depth: int = Field(default=2, ge=1, le=16)
    contract: str | None = Field(default=None, min_length=1)
    compatibility: Compatibility = "BACKWARD_TRANSITIVE"
    key: str | None = None
    partitions: int | None = Field(default=None, ge=1, le=10_000)
    retention_ms: int | None = Field(default=None, ge=1)

    @field_validator("compatibility", mode="before")
    @classmethod
    def _compatibility_in_any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("priority", mode="before")
    @classmethod
    def _priority_by_name(cls, value: Any) -> Any:
        return parse_priority(value)


DEFAULT_ROUTES: tuple[RouteRule, ...] = (
    RouteRule(pattern="trading.orders.**", priority=MessagePriority.CRITICAL),
    RouteRule(pattern="risk.alerts.**", priority=MessagePriority.CRITICAL),
    RouteRule(pattern="system.emergency.**", priority=MessagePriority.CRITICAL),
    RouteRule(pattern="market-data.**", priority=MessagePriority.HIGH),
    RouteRule(pattern="execution.reports.**", priority=MessagePriority.HIGH),
    RouteRule(pattern="analytics.**", priority=MessagePriority.NORMAL),
    RouteRule(pattern="events.**", priority=MessagePriority.NORMAL),
    RouteRule(pattern="logs.**", priority=MessagePriority.LOW),
    RouteRule(pattern="debug.**", priority=MessagePriority.LOW),
    RouteRule(pattern="datagov.datasets.**", priority=MessagePriority.LOW, contract="datagov.dataset"),
    RouteRule(pattern="dbnomics.series.**", priority=MessagePriority.LOW, contract="dbnomics.series"),
    RouteRule(pattern="dbnomics.observations.**", priority=MessagePriority.LOW, contract="dbnomics.observation"),
)
