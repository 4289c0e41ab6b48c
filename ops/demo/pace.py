"""How many messages are due by now. Pure."""

from __future__ import annotations


class Pace:
    """A target rate kept by the clock; what was missed by more than `catch_up_s` is given up, not made up for.

    Attributes:
        given_up: Messages that were due and will not be sent.
    """

    def __init__(self, rate: float, began_s: float, catch_up_s: float = 0.25) -> None:
        self.given_up = 0
        self._rate = rate
        self._began_s = began_s
        self._most = max(1, int(rate * catch_up_s))
        self._told = 0

    def due(self, now_s: float) -> int:
        """How many to send now, all earlier answers having been sent."""
        due = int((now_s - self._began_s) * self._rate) - self._told
        if due <= 0:
            return 0
        self._told += due
        if due > self._most:
            self.given_up += due - self._most
        return min(due, self._most)
