"""Where the messages of one topic and priority go: everything that is decided once a topic, not once a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bus.avro.contract import Contract
from bus.errors import EncodeError
from bus.message import TOPIC_HEADER
from bus.publish.partition import PartitionQueue
from bus.publish.tier import Tier
from bus.routing.murmur2 import partition_of
from bus.routing.router import Route

_KEYS_MAX = 100_000
_RECORD_OVERHEAD_BYTES = 32

Place = tuple[bytes, PartitionQueue]


class Spread:
    """The partitions of one Kafka topic, with the places of the keys seen so far."""

    __slots__ = ("places", "queues")

    def __init__(self, queues: list[PartitionQueue]) -> None:
        self.queues = queues
        self.places: dict[str | bytes, Place] = {}

    def place(self, key: str | bytes) -> Place:
        """The key's bytes and the partition that keeps its order, for a key that is not in `places`; remembers it.

        Raises:
            EncodeError: The key is neither text nor bytes.
        """
        if isinstance(key, str):
            try:
                raw = key.encode("utf-8", "surrogateescape")
            except UnicodeEncodeError as error:
                raise EncodeError(f"key {key!r} cannot be written as UTF-8: {error}") from error
        elif isinstance(key, bytes):
            raw = key
        else:
            raise EncodeError(f"key {key!r} must be text or bytes, not {type(key).__name__}")
        if len(self.places) >= _KEYS_MAX:
            self.places.clear()
        place = self.places[key] = self.place_of(raw)
        return place

    def place_of(self, key: bytes) -> Place:
        """The same for raw bytes, not remembered."""
        return key, self.queues[partition_of(key, len(self.queues))]


class Target:
    """A route with its contract, its partitions and its headers."""

    __slots__ = ("_key_path", "_own", "account", "contract", "headers", "overhead", "places", "route", "spread", "tier")

    def __init__(self, route: Route, contract: Contract | None, tier: Tier, spread: Spread) -> None:
        self.route = route
        self.contract = contract
        self.tier = tier
        self.spread = spread
        self.places = spread.places
        self.account = tier.account
        topic = route.topic.encode()
        self.headers: list[tuple[str, bytes]] = [(TOPIC_HEADER, topic)]
        self.overhead = _RECORD_OVERHEAD_BYTES + len(TOPIC_HEADER) + len(topic)
        self._key_path = None if route.rule.key is None else tuple(route.rule.key.split("."))
        self._own = spread.place_of(topic)

    def place(self, key: str | bytes | None, data: Any) -> Place:
        """The key's bytes and the partition that keeps its order.

        Raises:
            EncodeError: The key is neither text nor bytes, or the route's key is not in the data.
        """
        if key is None:
            if self._key_path is None:
                return self._own
            key = self._key_in(data)
        try:
            return self.places[key]
        except (KeyError, TypeError):  # not met yet, or no key at all
            return self.spread.place(key)

    def _key_in(self, data: Any) -> str | bytes:
        value = data
        for name in self._key_path or ():
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str | bytes):
            return value
        raise EncodeError(
            f"the route of {self.route.topic} takes its key from {self.route.rule.key!r}, which is "
            f"{'missing' if value is None else type(value).__name__} in the data; give it, or pass key="
        )
