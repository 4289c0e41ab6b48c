"""What the risk desk makes of an order, and the statistics of a quote. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ops.demo.draft import Draft
from ops.demo.market import START_PRICES

NOTIONAL_MAX = Decimal(1_500_000)


@dataclass(frozen=True, slots=True)
class Order:
    """The fields of the contract `trading.order` that the desk looks at."""

    order_id: str
    venue: str
    symbol: str
    desk: str
    quantity: Decimal
    price: Decimal | None


def decide(order: Order, now: datetime) -> list[Draft]:
    """The venue's report, and before it an alert when the order is worth more than the desk may spend."""
    price = order.price if order.price is not None else Decimal(str(START_PRICES.get(order.symbol, 0.0)))
    notional = order.quantity * price
    rejected = notional > NOTIONAL_MAX
    drafts = [_alert(order, notional, now)] if rejected else []
    report = {
        "report_id": f"r-{order.order_id}",
        "order_id": order.order_id,
        "venue": order.venue,
        "symbol": order.symbol,
        "status": "REJECTED" if rejected else "FILLED",
        "filled_quantity": None if rejected else order.quantity,
        "price": None if rejected else price,
        "reason": "over the desk's limit" if rejected else None,
        "reported_at": now,
    }
    return [*drafts, Draft(f"execution.reports.{order.venue}", order.symbol, report)]


def _alert(order: Order, notional: Decimal, now: datetime) -> Draft:
    alert = {
        "alert_id": f"a-{order.order_id}",
        "desk": order.desk,
        "severity": "BREACH",
        "rule": "order-notional",
        "symbol": order.symbol,
        "order_id": order.order_id,
        "observed": float(notional),
        "limit": float(NOTIONAL_MAX),
        "text": f"order {order.order_id} of {order.quantity} {order.symbol} is over the limit of desk {order.desk}",
        "raised_at": now,
    }
    return Draft(f"risk.alerts.{order.desk}", order.desk, alert)


def spread(quote: dict[str, Any]) -> Draft:
    """The spread of a quote in hundredths of a percent."""
    middle = (quote["bid"] + quote["ask"]) / 2
    metric = {
        "name": "spread_bps",
        "value": 10_000 * (quote["ask"] - quote["bid"]) / middle,
        "labels": {"venue": quote["venue"], "symbol": quote["symbol"]},
        "measured_at": quote["quoted_at"],
    }
    return Draft("analytics.metrics.spread", f"{quote['venue']}/{quote['symbol']}", metric)
