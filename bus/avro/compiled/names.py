"""What the text of every encoder may name: types, tables of varints, and nothing of the builtins."""

from __future__ import annotations

import datetime
import struct
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from bus.avro.leaves import LOCAL_EPOCH, UTC_EPOCH

_REFUSALS = (LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, struct.error)
"""What plain data never raises: a field or a symbol is missing, a text or a list is longer than the table of lengths, a
lone surrogate, a number too large to pack, a decimal with more places, a time zone that knows no offset or none at all,
a dict that changes under the loop."""


class Unusual(Exception):  # noqa: N818 - no error: the other way is taken
    """The data is not exactly the plain case: fastavro writes it, or it is said what is wrong with it."""


def varint(number: int) -> bytes:
    """Avro's variable-length form of a number that is no longer signed."""
    return bytes((number,)) if number < 128 else bytes((number & 127 | 128,)) + varint(number >> 7)


@cache
def names() -> dict[str, Any]:
    """The globals of an encoder's text, to which its own constants come."""
    last = tuple(map(varint, range(1 << 14)))
    more = tuple(bytes((low | 128, high | 128)) for high in range(128) for low in range(128))

    def large(number: int) -> bytes:
        if number >> 64:
            raise Unusual
        return varint(number)

    plain = (bool, bytes, dict, float, int, list, str, type, Decimal, UUID, Unusual)
    times = (datetime.date, datetime.datetime, datetime.time)
    tables = {"LAST": last, "MORE": more, "LENGTH": last[::2], "END": b"\0"}
    others = {"EPOCH": UTC_EPOCH, "LOCAL_EPOCH": LOCAL_EPOCH, "REFUSALS": _REFUSALS}
    functions = {"large": large, "len": len, "join": b"".join, "__builtins__": {}}
    return {each.__name__: each for each in plain + times} | tables | others | functions
