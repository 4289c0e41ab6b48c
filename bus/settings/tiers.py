"""How each tier is sent and fetched, unless told otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bus.message import MessagePriority

Compression = Literal["gzip", "snappy", "lz4", "zstd"]


class TierProfile(BaseModel):
    """How one tier is sent and fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    linger_ms: float = Field(default=0, ge=0, le=60_000)
    batch_size_bytes: int = Field(default=65_536, ge=1_024, le=16_777_216)
    compression_type: Compression | None = None
    fetch_max_wait_ms: int = Field(default=100, ge=1, le=30_000)


DEFAULT_TIERS: dict[MessagePriority, TierProfile] = {
    MessagePriority.CRITICAL: TierProfile(linger_ms=0, fetch_max_wait_ms=50),
    MessagePriority.HIGH: TierProfile(linger_ms=0, fetch_max_wait_ms=100),
    MessagePriority.NORMAL: TierProfile(linger_ms=2, fetch_max_wait_ms=250),
    MessagePriority.LOW: TierProfile(linger_ms=20, fetch_max_wait_ms=500, compression_type="lz4"),
}
