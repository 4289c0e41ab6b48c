"""Every setting of the bus, read from arguments and from the environment (`TIERBUS_...`)."""

from bus.settings.routes import DEFAULT_ROUTES, Compatibility, RouteRule
from bus.settings.settings import Settings, TokenProvider, WireFormat
from bus.settings.tiers import DEFAULT_TIERS, TierProfile

__all__ = [
    "DEFAULT_ROUTES",
    "DEFAULT_TIERS",
    "Compatibility",
    "RouteRule",
    "Settings",
    "TierProfile",
    "TokenProvider",
    "WireFormat",
]
