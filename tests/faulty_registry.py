"""A stand-in for a schema registry, for what a real one cannot be made to do on demand.

It speaks the part of Confluent's API that clients of schemas need, over a dict in memory, and fails as it is told.
What can be tested with the real one (`registry_url`) should be.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import trustme
from aiohttp import web

from ops.broker import ports
from ops.broker.layout import LOOPBACK
from tests.registry_contents import Contents, Refusal, Stored
from tests.registry_faults import CONTENT_TYPE, Fault, refusal

_REQUEST_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came.

    Attributes:
        method: As "GET".
        path: Decoded, without the query.
        query: The query's parameters.
        headers: By their names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Injected:
    fault: Fault
    method: str | None
    path: str | None
    left: int | None

    def takes(self, request: web.Request) -> bool:
        if self.left == 0 or self.method not in (None, request.method) or self.path not in (None, request.path):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class FaultyRegistry:
    """A server on loopback, which runs while it is used as a context.

    Attributes:
        contents: What it knows; a test may fill it directly. Kept when it is stopped.
        authorization: The header that a request must carry, as `tests.authorization` makes it; None: any will do.
        seen: Every request, in the order in which they came, those that were failed too.
    """

    def __init__(
        self, *, authorization: str | None = None, authority: trustme.CA | None = None, guids: bool = True
    ) -> None:
        """Makes it; nothing listens yet.

        Args:
            authorization: See the class.
            authority: Speaks TLS, with a certificate of this authority for 127.0.0.1.
            guids: Tells GUIDs, and what was registered, as Confluent Platform 8 does; else only ids, as 7.
        """
        self.contents = Contents()
        self.authorization = authorization
        self.seen: list[Seen] = []
        self._guids = guids
        self._port = ports.choose(None, (), random.Random())
        self._tls: ssl.SSLContext | None = None
        if authority is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(LOOPBACK).configure_cert(self._tls)
        self._injected: list[_Injected] = []
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"<FaultyRegistry {self.url} | {len(self.seen)} requests>"

    @property
    def url(self) -> str:
        """Where it is; the same through stops and starts."""
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens, with the contents and faults that it had."""
        application = web.Application(middlewares=[self._answer], client_max_size=_REQUEST_BYTES_MAX)
        application.add_routes(
            [
                web.get("/schemas/ids/{id:[0-9]+}", self._by_id),
                web.get("/schemas/guids/{guid}", self._by_guid),
                web.get("/subjects", self._subjects),
                web.post("/subjects/{subject}", self._look_up),
                web.get("/subjects/{subject}/versions", self._versions),
                web.post("/subjects/{subject}/versions", self._register),
                web.get("/subjects/{subject}/versions/{version}", self._version),
                web.get("/config", self._level),
                web.put("/config", self._set_level),
                web.get("/config/{subject}", self._level),
                web.put("/config/{subject}", self._set_level),
            ]
        )
        # What hangs is ended when its client goes, and at the end.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port, ssl_context=self._tls).start()

    async def stop(self) -> None:
        """Closes every connection and listens no more; `start` brings it back on the same port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def inject(
        self, fault: Fault, *, method: str | None = None, path: str | None = None, times: int | None = None
    ) -> None:
        """Fails requests from now on; the fault that was injected first goes first.

        Args:
            fault: One of `registry_faults`.
            method: Only these, as "POST".
            path: Only this one, decoded and without the query.
            times: So many, then no more; by default until `heal`.
        """
        self._injected.append(_Injected(fault, method, path, times))

    def heal(self) -> None:
        """Takes all faults out."""
        self._injected.clear()

    def count(self, method: str, path: str) -> int:
        """How many such requests came."""
        return sum(seen.method == method and seen.path == path for seen in self.seen)

    async def arrived(self, method: str, path: str, count: int = 1, *, timeout_s: float = 10.0) -> None:
        """Returns when so many such requests came, answered or not.

        Raises:
            TimeoutError: They did not.
        """
        async with asyncio.timeout(timeout_s), self._came:
            await self._came.wait_for(lambda: self.count(method, path) >= count)

    @web.middleware
    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.method, request.path, dict(request.query), headers))
        async with self._came:
            self._came.notify_all()

        async def proceed(request: web.Request) -> web.StreamResponse:
            if self.authorization not in (None, request.headers.get("Authorization")):
                return refusal(401, 401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="schema registry"'})
            try:
                return await handler(request)
            except Refusal as error:
                return refusal(error.status, error.code, error.message)
            except web.HTTPException as error:
                return refusal(error.status, error.status, f"HTTP {error.status} {error.reason}")

        for injected in self._injected:
            if injected.takes(request):
                return await injected.fault(request, proceed)
        return await proceed(request)

    async def _by_id(self, request: web.Request) -> web.Response:
        return self._tell(self.contents.by_id(int(request.match_info["id"])), with_id=False)

    async def _by_guid(self, request: web.Request) -> web.Response:
        if not self._guids:
            raise web.HTTPNotFound
        return self._tell(self.contents.by_guid(request.match_info["guid"]), with_id=False)

    async def _subjects(self, request: web.Request) -> web.Response:
        return _json(sorted(self.contents.subjects))

    async def _versions(self, request: web.Request) -> web.Response:
        return _json(list(range(1, len(self.contents.versions(request.match_info["subject"])) + 1)))

    async def _version(self, request: web.Request) -> web.Response:
        subject = request.match_info["subject"]
        schema, version = self.contents.version(subject, request.match_info["version"])
        return self._tell(schema, subject=subject, version=version)

    async def _look_up(self, request: web.Request) -> web.Response:
        subject = request.match_info["subject"]
        schema, version = self.contents.look_up(subject, *await _given(request))
        return self._tell(schema, subject=subject, version=version)

    async def _register(self, request: web.Request) -> web.Response:
        schema, version = self.contents.register(request.match_info["subject"], *await _given(request))
        return self._tell(schema, version=version) if self._guids else _json({"id": schema.id})

    async def _level(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject")
        wanted = request.query.get("defaultToGlobal") == "true"
        level = (
            self.contents.level if subject is None else self.contents.subject_level(subject, default_to_global=wanted)
        )
        return _json({"compatibilityLevel": level})

    async def _set_level(self, request: web.Request) -> web.Response:
        level = str((await _body(request)).get("compatibility"))
        self.contents.set_level(request.match_info.get("subject"), level)
        return _json({"compatibility": level})

    def _tell(self, schema: Stored, *, with_id: bool = True, **more: Any) -> web.Response:
        told: dict[str, Any] = {**more, "schema": schema.text}
        if with_id:
            told["id"] = schema.id
        if self._guids:
            told |= {"guid": schema.guid, "schemaType": "AVRO"}
        if schema.references:
            told["references"] = list(schema.references)
        return _json(told)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise Refusal(400, 400, f"Unrecognized token: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, 400, "expected an object")
    return body


async def _given(request: web.Request) -> tuple[str, list[dict[str, Any]]]:
    body = await _body(request)
    if not isinstance(body.get("schema"), str):
        raise Refusal(422, 42201, "Empty schema")
    return body["schema"], body.get("references") or []


def _json(told: object) -> web.Response:
    return web.Response(body=json.dumps(told).encode(), headers={"Content-Type": CONTENT_TYPE})
