"""Every error that the bus raises, in one tree.

```
TierbusError
├── SettingsError            (ValueError)  settings that are wrong or exclude each other, all in one message
├── RoutingError             (ValueError)
│   ├── TopicError                         a name that is no topic
│   ├── PatternError                       a pattern that can match nothing
│   └── PriorityError                      not one of the four tiers
├── ContractError            (ValueError)  a schema that is not admitted, is missing, or clashes with another
├── EncodeError              (ValueError)  data that does not fit its contract; nothing was buffered
│   └── MessageTooLargeError               larger than `max_request_size_bytes`; nothing was buffered
├── DecodeError                            a record that cannot be read; carries its raw bytes
├── HandlerError                           a handler failed; its message is not committed
├── BusConnectionError       (ConnectionError)  Kafka or a schema registry is not reachable, or refuses us
│   └── AccessError                        a schema registry refuses the login: trying again will not help
├── UndeclaredTopicError                   production publishes to declared Kafka topics only
├── BufferFullError                        the bounded buffer had no room in `buffer_wait_ms`
├── DeliveryError                          Kafka refused a message that was buffered
│   └── DeliveryTimeoutError               not acknowledged within `delivery_timeout_ms`
├── UndeliveredError                       what `flush` and `close` raise: how many, and the first cause
└── ClosedError                            the bus is closed, or not connected yet
```
"""

from __future__ import annotations


class TierbusError(Exception):
    """The root: catches whatever the bus raises on purpose."""


class SettingsError(TierbusError, ValueError):
    """Settings that are wrong or exclude each other; the message lists all of them."""


class RoutingError(TierbusError, ValueError):
    """A topic, pattern or priority that cannot be routed."""


class TopicError(RoutingError):
    """A name that is no topic."""


class PatternError(RoutingError):
    """A pattern that can match nothing."""


class PriorityError(RoutingError):
    """Not one of CRITICAL, HIGH, NORMAL, LOW."""


class ContractError(TierbusError, ValueError):
    """A schema that is not admitted, is missing, or clashes with a registered one."""


class EncodeError(TierbusError, ValueError):
    """Data that does not fit its contract; nothing was buffered."""


class MessageTooLargeError(EncodeError):
    """A message larger than `max_request_size_bytes`; nothing was buffered."""


class DecodeError(TierbusError):
    """A record that cannot be read.

    Attributes:
        raw: The value's bytes as they came, `None` for an empty value.
    """

    def __init__(self, reason: str, raw: bytes | None) -> None:
        super().__init__(reason)
        self.raw = raw


class HandlerError(TierbusError):
    """A handler failed; its message and those after it in the partition are not committed."""


class BusConnectionError(TierbusError, ConnectionError):
    """Kafka or a schema registry is not reachable, or refuses us."""


class AccessError(BusConnectionError):
    """A schema registry refuses the login or the right; trying again will not help."""


class UndeclaredTopicError(TierbusError):
    """In production the bus never creates a Kafka topic; this one was not declared."""


class BufferFullError(TierbusError):
    """The bounded buffer had no room within `buffer_wait_ms`; the message was refused whole.

    Attributes:
        accepted: How many messages of a `publish_many` were accepted before this one.
    """

    def __init__(self, reason: str, accepted: int = 0) -> None:
        super().__init__(reason)
        self.accepted = accepted


class DeliveryError(TierbusError):
    """Kafka refused a message that had been buffered."""


class DeliveryTimeoutError(DeliveryError):
    """Not acknowledged within `delivery_timeout_ms`; Kafka may still have it."""


class UndeliveredError(TierbusError):
    """Messages accepted since the last `flush` could not be delivered.

    Attributes:
        count: How many.
    """

    def __init__(self, reason: str, count: int) -> None:
        super().__init__(reason)
        self.count = count


class ClosedError(TierbusError):
    """The bus is closed, or was never connected."""
