"""GET of a JSON document within limits of time and size."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

REDIRECTS_MAX = 3
_CHUNK_BYTES = 65_536
_OK = 200


class FetchError(Exception):
    """A document that could not be had: says from where and why, in one sentence."""


async def get_json(
    base_url: str,
    path: str,
    parameters: Mapping[str, str | int],
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
    size_max_bytes: int = 8_388_608,
) -> Any:
    """The document at `base_url` + `path`; certificates are verified, and the size counts after decompression.

    Cancelling closes the connection.

    Raises:
        FetchError: No answer in time, another status than 200, too large, or no JSON.
    """
    try:
        import aiohttp
    except ImportError as error:
        raise FetchError("aiohttp is missing; install tierbus[connectors]") from error

    host = urlsplit(base_url).netloc
    try:
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession(headers={"Accept": "application/json", **(headers or {})}) as session,
            session.get(base_url + path, params=dict(parameters), max_redirects=REDIRECTS_MAX) as response,
        ):
            if response.status != _OK:
                raise FetchError(f"{host} answered {response.status} to {path}")
            if base_url.startswith("https:") and response.url.scheme != "https":
                raise FetchError(f"{host} redirected {path} to a plain http address; it was not read")
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                body += chunk
                if len(body) > size_max_bytes:
                    raise FetchError(f"{host}'s answer to {path} is over {size_max_bytes} bytes; ask for less")
    except TimeoutError as error:
        raise FetchError(f"{host} did not answer within {timeout_s:g} s") from error
    except aiohttp.ClientConnectorError as error:
        raise FetchError(f"{host} cannot be reached: {error.os_error.strerror or error}") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(f"{host} did not answer as it should: {error}") from error
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{host}'s answer to {path} is no JSON") from error
