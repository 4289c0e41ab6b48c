"""Fetching within limits from a server of the test's own, and falling back to what was recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connectors import datagov, dbnomics
from connectors.datagov import fetch as datagov_fetch
from connectors.dbnomics import fetch as dbnomics_fetch
from connectors.http import FetchError, get_json
from ops.demo.sources import endless, load

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOBODY = "http://127.0.0.1:9"


def shipped(package: Any, name: str) -> Any:
    return json.loads((Path(package.__file__).parent / "recorded" / name).read_text())


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def replying(document: Any, status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return handle


async def test_requests_are_those_that_the_services_document() -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.raw_path)
        return web.json_response({})

    async with serving(handle) as url:
        await datagov_fetch.search(base_url=url, query="water", per_page=5_000, after="abc=")
        await dbnomics_fetch.series("OECD", "DSD@DF:1", "M.+A", base_url=url, limit=10)
    assert asked[0] == "/search?q=water&sort=last_harvested_date&per_page=1000&after=abc%3D"
    assert asked[1] == "/series/OECD/DSD@DF:1/M.+A?observations=1&metadata=0&limit=10&offset=0"


@pytest.mark.parametrize(
    ("document", "status", "message"),
    [
        ({"error": {"code": "OVER_RATE_LIMIT"}}, 429, r"127\.0\.0\.1:\d+ answered 429 to /search"),
        ({}, 500, "answered 500"),
        ({}, 204, "answered 204"),
        ("x" * 3_000, 200, "over 2000 bytes"),
    ],
)
async def test_other_answers_are_one_sentence(document: Any, status: int, message: str) -> None:
    async with serving(replying(document, status)) as url:
        with pytest.raises(FetchError, match=message):
            await get_json(url, "/search", {}, size_max_bytes=2_000)


async def test_size_counts_what_is_unpacked() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.json_response("x" * 1_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with serving(handle) as url:
        with pytest.raises(FetchError, match="over 100000 bytes"):
            await get_json(url, "/", {}, size_max_bytes=100_000)


async def test_html_is_no_json() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    async with serving(handle) as url:
        with pytest.raises(FetchError, match="is no JSON"):
            await get_json(url, "/", {})


async def test_a_server_that_does_not_answer_is_left() -> None:
    release = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async with serving(handle) as url:
        with pytest.raises(FetchError, match=r"did not answer within 0\.05 s"):
            await get_json(url, "/", {}, timeout_s=0.05)
        release.set()


async def test_a_server_that_redirects_for_ever_is_left() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/again")

    async with serving(handle) as url:
        with pytest.raises(FetchError):
            await get_json(url, "/", {})


async def test_live_records_are_used_when_the_services_answer() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/search":
            return web.json_response(shipped(datagov, "water.json"))
        return web.json_response(shipped(dbnomics, "bis-cbpol-revised.json"))

    async with serving(handle) as url:
        first, second = await load(datagov_url=url, dbnomics_url=url)
    assert (first.origin, second.origin) == ("live", "live")
    assert {draft.topic.split(".")[1] for draft in second.drafts} == {"series", "observations"}
    assert str(first) == f"Data.gov: {len(first.drafts)} records, live"


async def test_recorded_records_are_used_when_nobody_answers() -> None:
    first, second = await load(datagov_url=NOBODY, dbnomics_url=NOBODY, timeout_s=1)
    assert (first.origin, second.origin) == ("recorded", "recorded")
    assert "cannot be reached" in first.reason
    assert len(first.drafts) >= 5
    assert len(second.drafts) >= 100


@pytest.mark.parametrize("document", [{"results": []}, {"series": {"docs": []}}, {"results": [{}]}, [], "<html>"])
async def test_recorded_records_are_used_when_the_answer_is_of_no_use(document: Any) -> None:
    async with serving(replying(document)) as url:
        first, second = await load(datagov_url=url, dbnomics_url=url)
    assert (first.origin, second.origin) == ("recorded", "recorded")
    assert first.reason
    assert second.reason


async def test_sources_take_turns_and_begin_again() -> None:
    first, second = await load(offline=True)
    turns = len(second.drafts) + 1
    drafts = list(islice(endless(first, second), 2 * turns))
    assert drafts[0] == first.drafts[0] == drafts[2 * len(first.drafts)]
    assert drafts[1] == second.drafts[0] == drafts[2 * turns - 1]
