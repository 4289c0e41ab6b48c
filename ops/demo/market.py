"""A market that never was: prices walk at random from a seed, desks send orders, services write logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from ops.demo.draft import Draft

VENUES = ("BINANCE", "COINBASE", "KRAKEN", "NYSE")
START_PRICES = {
    "BTC-USD": 64_000.0,
    "ETH-USD": 3_400.0,
    "SOL-USD": 148.0,
    "XRP-USD": 0.52,
    "AAPL": 226.0,
    "MSFT": 441.0,
    "NVDA": 127.0,
    "TSLA": 251.0,
}
DESKS = ("arbitrage", "flow", "index", "macro")
SERVICES = ("gateway", "matching", "pricing", "settlement")

# Shares of what the market itself publishes.
QUOTE_SHARE, ORDER_SHARE = 0.78, 0.09

_LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "WARNING")
_CENT = Decimal("0.01")


def _now() -> datetime:
    return datetime.now(UTC)


class Market:
    """Endless and reproducible: the same seed gives the same messages, but for their times.

    Args:
        seed: Where the random walk begins.
        clock: The time that messages carry.
    """

    def __init__(self, seed: int, clock: Callable[[], datetime] = _now) -> None:
        self._rng = Random(seed)  # noqa: S311 - a random walk, not a secret
        self._clock = clock
        self._prices = dict(START_PRICES)
        self._symbols = tuple(START_PRICES)
        self._quotes: dict[tuple[str, str], int] = {}
        self._orders = 0
        self._lines = 0

    def __iter__(self) -> Iterator[Draft]:
        """Iterates for ever."""
        return self

    def __next__(self) -> Draft:
        """The next message: a quote, an order or a line of a log."""
        kind = self._rng.random()
        if kind < QUOTE_SHARE:
            return self.quote()
        return self.order() if kind < QUOTE_SHARE + ORDER_SHARE else self.line()

    def quote(self) -> Draft:
        """An instrument's price moves, and a venue says so."""
        rng = self._rng
        venue, symbol = rng.choice(VENUES), rng.choice(self._symbols)
        # It is pulled back to where it began, so that a long run ends nowhere strange.
        pull = 0.0005 * (START_PRICES[symbol] / self._prices[symbol] - 1)
        price = self._prices[symbol] = self._prices[symbol] * (1 + pull + rng.gauss(0, 0.0004))
        half_spread = price * rng.uniform(0.00005, 0.0004)
        sequence = self._quotes[venue, symbol] = self._quotes.get((venue, symbol), 0) + 1
        quote = {
            "venue": venue,
            "symbol": symbol,
            "sequence": sequence,
            "bid": price - half_spread,
            "ask": price + half_spread,
            "bid_size": round(rng.expovariate(0.2), 4),
            "ask_size": round(rng.expovariate(0.2), 4),
            "last": price,
            "quoted_at": self._clock(),
        }
        return Draft(f"market-data.quotes.{venue}.{symbol}", symbol, quote)

    def order(self) -> Draft:
        """A desk sends an order near the price of the moment."""
        rng = self._rng
        venue, symbol = rng.choice(VENUES), rng.choice(self._symbols)
        self._orders += 1
        limit = rng.random() < 0.8
        order = {
            "order_id": f"o-{self._orders:07d}",
            "venue": venue,
            "symbol": symbol,
            "side": rng.choice(("BUY", "SELL")),
            "kind": "LIMIT" if limit else "MARKET",
            "quantity": Decimal(rng.randint(1, 5_000)) * _CENT,
            "price": round(Decimal(self._prices[symbol]), 4) if limit else None,
            "desk": rng.choice(DESKS),
            "created_at": self._clock(),
        }
        return Draft(f"trading.orders.{venue}.new", symbol, order)

    def line(self) -> Draft:
        """A service writes to its log."""
        rng = self._rng
        service = rng.choice(SERVICES)
        self._lines += 1
        line = {
            "service": service,
            "level": rng.choice(_LEVELS),
            "message": f"request {self._lines} took {rng.expovariate(0.3):.1f} ms",
            "logger": f"{service}.http",
            "trace_id": f"{rng.getrandbits(128):032x}",
            "logged_at": self._clock(),
        }
        return Draft(f"logs.{service}", service, line)
