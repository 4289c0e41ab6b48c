"""A publisher's headers as a record has them."""

from __future__ import annotations

from collections.abc import Mapping

from bus.errors import EncodeError
from bus.message import RESERVED_HEADER_PREFIX, RESERVED_HEADERS

Headers = Mapping[str, str] | None


def header_bytes(headers: Headers) -> list[tuple[str, bytes]]:
    """Names and values, in order.

    Raises:
        EncodeError: One is not text, cannot be written as UTF-8, or is kept for the bus.
    """
    out: list[tuple[str, bytes]] = []
    for name, text in (headers or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise EncodeError(f"header {name!r} must be text with a text value, not {type(text).__name__}")
        if name.startswith(RESERVED_HEADER_PREFIX) or name in RESERVED_HEADERS:
            raise EncodeError(f"header {name!r} is kept for the bus; rename it")
        try:
            name.encode()
            out.append((name, text.encode("utf-8", "surrogateescape")))
        except UnicodeEncodeError as error:
            raise EncodeError(f"header {name!r} cannot be written as UTF-8: {error}") from error
    return out
