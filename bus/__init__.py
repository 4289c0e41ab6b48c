"""tierbus: dotted topics, wildcard subscriptions, priority tiers and Avro on Kafka.

The public API, and nothing else.
"""

from bus.avro.contract import Contract, contract
from bus.avro.derive import RenamedFrom
from bus.client import MessageBus
from bus.consume.subscription import Subscription
from bus.errors import (
    AccessError,
    BufferFullError,
    BusConnectionError,
    ClosedError,
    ContractError,
    DecodeError,
    DeliveryError,
    DeliveryTimeoutError,
    EncodeError,
    HandlerError,
    MessageTooLargeError,
    PatternError,
    PriorityError,
    RoutingError,
    SettingsError,
    TierbusError,
    TopicError,
    UndeclaredTopicError,
    UndeliveredError,
)
from bus.message import Delivered, Message, MessagePriority
from bus.publish.receipt import Receipt, Receipts
from bus.settings import DEFAULT_ROUTES, RouteRule, Settings, TierProfile

__all__ = [
    "DEFAULT_ROUTES",
    "AccessError",
    "BufferFullError",
    "BusConnectionError",
    "ClosedError",
    "Contract",
    "ContractError",
    "DecodeError",
    "Delivered",
    "DeliveryError",
    "DeliveryTimeoutError",
    "EncodeError",
    "HandlerError",
    "Message",
    "MessageBus",
    "MessagePriority",
    "MessageTooLargeError",
    "PatternError",
    "PriorityError",
    "Receipt",
    "Receipts",
    "RenamedFrom",
    "RouteRule",
    "RoutingError",
    "Settings",
    "SettingsError",
    "Subscription",
    "TierProfile",
    "TierbusError",
    "TopicError",
    "UndeclaredTopicError",
    "UndeliveredError",
    "contract",
]
