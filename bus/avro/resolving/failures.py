"""What is wrong with a value, and where: each level that an error passes notes its own step of the path."""

from __future__ import annotations

import struct

FAILURES = (IndexError, ValueError, struct.error)
"""All that reading raises: the first and the last where the bytes end, a ValueError that says what else is wrong."""


def place(error: Exception) -> str:
    """The steps from the value to what could not be read, as `.legs[].price`."""
    return "".join(reversed(getattr(error, "__notes__", ())))


def reason(error: Exception) -> str:
    """What is wrong, in words."""
    if isinstance(error, UnicodeDecodeError):
        return f"the text is not UTF-8 ({error.reason})"
    return str(error) if isinstance(error, ValueError) else "the value is cut short"
