"""What reaches the terminal: text that cannot steer it, and JSON that any reader takes."""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID


def printable(text: str) -> str:
    """The text with everything escaped that is no printable character: control codes, line ends, directions."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(value: Any) -> Any:
    """The value with only what JSON has: times in ISO 8601, decimals as text, bytes in base64."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | PurePath | UUID) else repr(value)


def as_json(document: Any, *, indent: int | None = None) -> str:
    """JSON in ASCII, so that no payload can reach the terminal as a control code."""
    return json.dumps(plain(document), ensure_ascii=True, indent=indent)


def shown(data: Any) -> str:
    """A payload in one line for a person."""
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, bytes):
        return repr(data)
    return printable(json.dumps(plain(data), ensure_ascii=False))


class ReaderGone(Exception):  # noqa: N818 - the usual end of `tierbus ... | head`
    """Nobody reads standard output any more; no OSError, for the argument parser makes trouble of a broken pipe."""


def out(line: str) -> None:
    """A line on standard output, at once.

    Raises:
        ReaderGone: Whoever read it has closed it.
    """
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
