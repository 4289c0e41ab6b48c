"""What a contender of the codec workload gives: encoding and decoding for one schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]


def _never(_: Any) -> bool:
    return False


@dataclasses.dataclass(frozen=True, slots=True)
class Coding:
    """Two functions that are timed as they are, so they do nothing but the work.

    Attributes:
        encode: Data to bytes, as they would go into a message.
        decode: These bytes back to data.
        falls_back: Whether that data takes the slower of two ways to be encoded; only tierbus has two.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    falls_back: Callable[[Any], bool] = _never


Code = Callable[[Schema, type | None], Coding]
"""For a schema, and the class of the data where it is not dicts."""
