"""Every setting of the bus, read from arguments and from the environment (`TIERBUS_...`).

Kafka's own names are kept where Kafka has one; every duration and size names its unit. Nested values use two
underscores: `TIERBUS_TIERS__LOW__LINGER_MS=50`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableError

from bus.errors import SettingsError, TierbusError
from bus.message import TIERS, MessagePriority
from bus.settings.environment import ENV_PREFIX, unknown_variables
from bus.settings.routes import DEFAULT_ROUTES, TIER_NUMBERS, RouteRule, parse_priority
from bus.settings.security import kafka_problems, registry_problems
from bus.settings.tiers import DEFAULT_TIERS, TierProfile

SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
WireFormat = Literal["single_object", "confluent", "confluent_guid"]
TokenProvider = Callable[[], Awaitable[str]]


class Settings(BaseSettings):
    """Settings of one bus client.

    Raises:
        SettingsError: One or more settings are wrong or exclude each other; the message lists them all.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Where
    bootstrap_servers: str = "127.0.0.1:9092"
    namespace: str = Field(default="bus", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    environment: Literal["development", "production"] = "development"
    client_id: str = Field(default="tierbus", pattern=r"^[A-Za-z0-9._-]{1,100}$")

    # Connection security
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: SecretStr | None = None
    ssl_check_hostname: bool = True
    sasl_mechanism: SaslMechanism | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_oauth_token: SecretStr | None = None
    sasl_oauth_token_provider: TokenProvider | None = Field(default=None, exclude=True, repr=False)
    allow_sasl_plaintext: bool = False

    # Routing and contracts
    routes: tuple[RouteRule, ...] = DEFAULT_ROUTES
    default_priority: MessagePriority = MessagePriority.NORMAL
    default_partitions: int = Field(default=4, ge=1, le=10_000)
    replication_factor: int | None = Field(default=None, ge=1, le=100)
    contracts_dir: str | None = None
    read_as_contract: bool = True
    wire_format: WireFormat | None = None
    discovery_interval_ms: int = Field(default=5_000, ge=100, le=300_000)

    # A registry that speaks the Confluent API; without one, schemas are kept in Kafka
    schema_registry_url: str | None = None
    schema_registry_username: str | None = None
    schema_registry_password: SecretStr | None = None
    schema_registry_token: SecretStr | None = None
    schema_registry_cafile: str | None = None
    schema_registry_timeout_ms: int = Field(default=5_000, ge=100, le=60_000)
    allow_schema_registry_plaintext: bool = False

    # Publishing; sizes and counts are for each tier
    tiers: dict[MessagePriority, TierProfile] = Field(default_factory=lambda: dict(DEFAULT_TIERS))
    buffer_memory_bytes: int = Field(default=33_554_432, ge=65_536)
    buffer_messages_max: int = Field(default=100_000, ge=1)
    buffer_wait_ms: int = Field(default=5_000, ge=0, le=600_000)
    delivery_timeout_ms: int = Field(default=120_000, ge=1_000)
    max_request_size_bytes: int = Field(default=1_048_576, ge=1_024, le=104_857_600)

    # Consuming; sizes and counts are for each subscription and tier
    intake_messages_max: int = Field(default=2_000, ge=1)
    intake_memory_bytes: int = Field(default=16_777_216, ge=65_536)
    fetch_max_bytes: int = Field(default=8_388_608, ge=1_024)
    max_partition_fetch_bytes: int = Field(default=1_048_576, ge=1_024)
    commit_interval_ms: int = Field(default=500, ge=10, le=60_000)
    drain_timeout_s: float = Field(default=20.0, ge=0, le=600)
    session_timeout_ms: int = Field(default=30_000, ge=6_000)
    heartbeat_interval_ms: int = Field(default=3_000, ge=100)

    # Waiting on the network
    connect_timeout_ms: int = Field(default=10_000, ge=100, le=600_000)
    request_timeout_ms: int = Field(default=15_000, ge=500, le=600_000)

    def __init__(self, **values: Any) -> None:
        problems: list[str] = []
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = _problems(error)
        except UnreadableError as error:
            problems = [f"{error}: it is not JSON"]
        problems += unknown_variables(type(self).model_fields)
        if problems:
            # Outside of `except`: the first error, which keeps the values that were given, must not be its context.
            raise SettingsError(f"settings refused ({len(problems)}): " + "; ".join(problems))

    @field_validator("bootstrap_servers")
    @classmethod
    def _hosts_and_ports(cls, value: str) -> str:
        for server in value.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) < 65_536:
                raise ValueError(f"{server.strip()!r} is not host:port, as in 127.0.0.1:9092,127.0.0.1:9093")
        return value

    @property
    def written_format(self) -> WireFormat:
        """How values are framed: as `wire_format` says, else by Confluent's ids where there is a registry for them."""
        return self.wire_format or ("single_object" if self.schema_registry_url is None else "confluent")

    @field_validator("default_priority", mode="before")
    @classmethod
    def _priority_by_name(cls, value: Any) -> Any:
        return parse_priority(value)

    @field_validator("tiers", mode="before")
    @classmethod
    def _tiers_over_defaults(cls, value: Any) -> Any:
        """What is given for a tier is laid over that tier's defaults."""
        if not isinstance(value, dict):
            return value
        merged: dict[MessagePriority, Any] = dict(DEFAULT_TIERS)
        for name, profile in value.items():
            tier = parse_priority(name)
            if isinstance(tier, MessagePriority) and isinstance(profile, dict):
                profile = DEFAULT_TIERS[tier].model_dump() | profile
            merged[tier] = profile
        return merged

    @model_validator(mode="after")
    def _possible(self) -> Self:
        problems = [*kafka_problems(self), *registry_problems(self), *self._size_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _size_problems(self) -> list[str]:
        problems = []
        if self.max_request_size_bytes > self.buffer_memory_bytes:
            problems.append(
                f"max_request_size_bytes {self.max_request_size_bytes} does not fit buffer_memory_bytes "
                f"{self.buffer_memory_bytes}"
            )
        for tier in TIERS:
            size = self.tiers[tier].batch_size_bytes
            if size > self.max_request_size_bytes:
                problems.append(
                    f"tiers.{tier.tier}.batch_size_bytes {size} is over max_request_size_bytes "
                    f"{self.max_request_size_bytes}"
                )
        if self.heartbeat_interval_ms * 3 > self.session_timeout_ms:
            problems.append(
                f"heartbeat_interval_ms {self.heartbeat_interval_ms} must be at most a third of "
                f"session_timeout_ms {self.session_timeout_ms}"
            )
        if self.request_timeout_ms > self.delivery_timeout_ms:
            problems.append(
                f"request_timeout_ms {self.request_timeout_ms} is over delivery_timeout_ms {self.delivery_timeout_ms}"
            )
        return problems

    @classmethod
    def development(cls, **values: Any) -> Self:
        """Kafka topics are created on first use; waits are short."""
        return cls(**({"environment": "development", "buffer_wait_ms": 2_000} | values))

    @classmethod
    def production(cls, **values: Any) -> Self:
        """Only declared Kafka topics are used; three replicas."""
        return cls(**({"environment": "production", "replication_factor": 3} | values))

    @classmethod
    def low_latency(cls, **values: Any) -> Self:
        """Nothing lingers in any tier, nothing is compressed, fetches return at once."""
        tiers = {tier.tier: {"linger_ms": 0, "compression_type": None, "fetch_max_wait_ms": 50} for tier in TIERS}
        return cls(**({"tiers": tiers} | values))

    @classmethod
    def throughput(cls, **values: Any) -> Self:
        """Larger batches that wait longer, compressed below CRITICAL; larger buffers."""
        tiers = {
            tier.tier: {"linger_ms": 20, "batch_size_bytes": 262_144, "compression_type": "lz4"}
            for tier in TIERS
            if tier is not MessagePriority.CRITICAL
        }
        return cls(**({"tiers": tiers, "buffer_memory_bytes": 67_108_864, "buffer_messages_max": 400_000} | values))


def _problems(error: ValidationError) -> list[str]:
    """One sentence a problem, naming the setting, never the value of a secret."""
    parts = []
    for problem in error.errors(include_url=False, include_input=False):
        cause = (problem.get("ctx") or {}).get("error")
        text = str(cause) if isinstance(cause, TierbusError | ValueError) else problem["msg"]
        if problem["type"] == "extra_forbidden":
            text = "is no setting"
        where = [_tier_name(part) if problem["loc"][0] == "tiers" else str(part) for part in problem["loc"]]
        parts.append(f"{'.'.join(where)}: {text}" if where else text)
    return parts


def _tier_name(part: int | str) -> str:
    return MessagePriority(int(part)).tier if str(part).isdigit() and int(part) in TIER_NUMBERS else str(part)
