"""Ways in which a schema registry, or what stands in front of it, can fail a request.

Each is given the request and a way to have it answered properly, and answers in its place.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

Proceed = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Proceed], Awaitable[web.StreamResponse]]


def refusal(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in Confluent's shape."""
    body = json.dumps({"error_code": code, "message": message}).encode()
    return web.Response(status=status, body=body, headers={"Content-Type": CONTENT_TYPE, **(headers or {})})


def refuse(
    status: int, code: int | None = None, message: str = "refused on purpose", headers: Mapping[str, str] | None = None
) -> Fault:
    """Answers an error in Confluent's shape, as 409 with 40901; `code` is the status where there is no finer one."""

    async def fault(request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return refusal(status, status if code is None else code, message, headers)

    return fault


def too_many_requests(retry_after: str) -> Fault:
    """Answers 429 with that Retry-After: seconds, or a date."""
    return refuse(429, message="Rate limit exceeded", headers={"Retry-After": retry_after})


def reply(status: int, body: str | bytes, content_type: str = CONTENT_TYPE) -> Fault:
    """Answers whatever it is given."""

    async def fault(request: web.Request, proceed: Proceed) -> web.StreamResponse:
        content = body.encode() if isinstance(body, str) else body
        return web.Response(status=status, body=content, headers={"Content-Type": content_type})

    return fault


def redirect(location: str, status: int = 307) -> Fault:
    """Sends the client elsewhere, with its credentials if it is careless."""

    async def fault(request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": location})

    return fault


HTML_PAGE = reply(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
LOGIN_PAGE = reply(200, "<html><body><form>user name</form></body></html>", "text/html; charset=utf-8")
CUT_JSON = reply(200, '{"schema": "{')
NO_UTF_8 = reply(200, b'{"schema": "\xff"}')


def inflating(size_bytes: int) -> Fault:
    """Answers a few bytes that a client inflates to many (gzip)."""
    packed = gzip.compress(b'{"schema": "' + b" " * size_bytes + b'"}')

    async def fault(request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return web.Response(body=packed, headers={"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"})

    return fault


class HugeBody:
    """Answers a body of that size, with its length told before or not.

    Attributes:
        sent_bytes: How much of the last one was handed to the connection before the client hung up.
    """

    def __init__(self, size_bytes: int, *, length_told: bool) -> None:
        self._size_bytes = size_bytes
        self._length_told = length_told
        self.sent_bytes = 0

    async def __call__(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        """See `Fault`."""
        answer = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        if self._length_told:
            answer.content_length = self._size_bytes
        self.sent_bytes = 0
        await answer.prepare(request)
        piece = b'{"schema": "'
        while self.sent_bytes < self._size_bytes:
            piece = piece[: self._size_bytes - self.sent_bytes]
            await answer.write(piece)
            self.sent_bytes += len(piece)
            piece = b" " * 65_536
        return answer


def slow_body(interval_s: float) -> Fault:
    """Answers properly, a byte at a time with a pause after each: no wait is long, the whole is."""

    async def fault(request: web.Request, proceed: Proceed) -> web.StreamResponse:
        body, answer = await _begin(request, proceed)
        for at in range(len(body)):
            await answer.write(body[at : at + 1])
            await asyncio.sleep(interval_s)
        return answer

    return fault


async def drop(request: web.Request, proceed: Proceed) -> web.StreamResponse:
    """Closes the connection instead of an answer; the request was not handled."""
    _close(request)
    return web.Response()


async def drop_mid_body(request: web.Request, proceed: Proceed) -> web.StreamResponse:
    """Handles the request, and closes the connection after half of the answer's body."""
    body, answer = await _begin(request, proceed)
    await answer.write(body[: len(body) // 2])
    _close(request)
    return answer


async def lose_answer(request: web.Request, proceed: Proceed) -> web.StreamResponse:
    """Handles the request, and closes the connection instead of the answer: what was registered, stays."""
    await proceed(request)
    _close(request)
    return web.Response()


class Hold:
    """Keeps requests waiting until it is released, then has them answered; never released, it hangs."""

    def __init__(self) -> None:
        self._released = asyncio.Event()

    def release(self) -> None:
        """Has the waiting requests answered, and later ones at once."""
        self._released.set()

    async def __call__(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        """See `Fault`."""
        await self._released.wait()
        return await proceed(request)


async def _begin(request: web.Request, proceed: Proceed) -> tuple[bytes, web.StreamResponse]:
    """The proper answer's body, and an answer that has begun and promises as much."""
    proper = await proceed(request)
    assert isinstance(proper, web.Response)
    assert isinstance(proper.body, bytes)
    answer = web.StreamResponse(status=proper.status, headers={"Content-Type": CONTENT_TYPE})
    answer.content_length = len(proper.body)
    await answer.prepare(request)
    return proper.body, answer


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()  # after what was written so far
