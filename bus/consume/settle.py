"""How far a partition is handled. Pure."""

from __future__ import annotations


class Settled:
    """Offsets that were taken and are not done yet, and from them the position that may be committed.

    Offsets are taken in rising order and may be done in any.
    """

    __slots__ = ("_open", "high")

    def __init__(self, high: int = 0) -> None:
        self.high = high
        """The offset after the last one taken or passed over."""
        self._open: dict[int, None] = {}

    def take(self, offset: int) -> None:
        """The record is about to be handled."""
        self._open[offset] = None
        self.high = offset + 1

    def skip(self, offset: int) -> None:
        """The record is nobody's; nothing is to be done for it."""
        self.high = offset + 1

    def done(self, offset: int) -> None:
        """The record is handled. Saying it twice is harmless."""
        self._open.pop(offset, None)

    @property
    def position(self) -> int:
        """The offset to read next after a restart: all before it are done."""
        return next(iter(self._open), self.high)

    @property
    def open_count(self) -> int:
        """Records that were taken and are not done."""
        return len(self._open)
