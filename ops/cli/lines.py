"""Lines of standard input, read beside the event loop and never more than a few ahead."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

from ops.cli.failing import WrongUse

_AHEAD_MAX = 256


async def stdin_lines(size_max_bytes: int) -> AsyncIterator[tuple[int, str]]:
    """(line number, text without its end), from 1; lines with nothing in them are passed over.

    The thread is a daemon: a read that waits for the keyboard does not keep the process from ending.

    Raises:
        WrongUse: A line is larger than `size_max_bytes`, or no UTF-8.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD_MAX)

    def read() -> None:
        line = b"-"
        while line:
            line = sys.stdin.buffer.readline(size_max_bytes + 1)
            try:
                asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()
            except (RuntimeError, asyncio.CancelledError):  # the loop has ended
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    number = 0
    while line := await queue.get():
        number += 1
        if len(line) > size_max_bytes:
            raise WrongUse(f"line {number} of standard input is over {size_max_bytes} bytes; split it")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise WrongUse(
                f"line {number} of standard input is no UTF-8: {error.reason} at byte {error.start}"
            ) from None
        text = text.rstrip("\r\n")
        if text.strip():
            yield number, text
