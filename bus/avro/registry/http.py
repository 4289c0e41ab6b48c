"""Questions to a schema registry over HTTP, with a limit on time and size, and errors that say what next."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bus.errors import AccessError, BusConnectionError, SettingsError
from bus.settings import Settings

if TYPE_CHECKING:
    import aiohttp

_BODY_BYTES_MAX = 4 * 1024 * 1024
_CONNECTIONS_MAX = 8
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
_SHOWN = 200


class Answer(NamedTuple):
    """A status below 500 that is no matter of access, and its JSON."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """The server's words, cut."""
        text = self.body.get("message") if isinstance(self.body, dict) else None
        return str(text or self.body or f"status {self.status}")[:_SHOWN]


class RegistryHttp:
    """Asks the addresses in turn, beginning with the one that answered last."""

    def __init__(self, settings: Settings) -> None:
        """Reads the settings; connects when it is first asked.

        Raises:
            SettingsError: The HTTP client is not installed, or the certificate file cannot be read.
        """
        try:
            import aiohttp
        except ImportError as error:
            raise SettingsError("schema_registry_url needs aiohttp: pip install 'tierbus[registry]'") from error
        assert settings.schema_registry_url is not None
        self._aiohttp = aiohttp
        self._urls = [url.strip().rstrip("/") for url in settings.schema_registry_url.split(",")]
        self._timeout_s = settings.schema_registry_timeout_ms / 1000
        self._settings = settings
        self._tls = _tls(settings.schema_registry_cafile)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, method: str, path: str, body: Any = None, *, optional_page: bool = False) -> Answer:
        """An answer below status 500.

        Args:
            method: HTTP's.
            path: From the address on, escaped.
            body: Sent as JSON.
            optional_page: Not all registries have it: a 404 in other words than the API has is an answer too.

        Raises:
            BusConnectionError: No address gave one within `schema_registry_timeout_ms` each, or we are refused.
        """
        reason: BusConnectionError | None = None
        for url in tuple(self._urls):
            try:
                answer = await self._ask(url, method, path, body, optional_page)
            except BusConnectionError as error:
                reason = reason or error
                self._urls.append(self._urls.pop(self._urls.index(url)))
            else:
                return answer
        assert reason is not None
        raise reason

    async def _ask(self, url: str, method: str, path: str, body: Any, optional_page: bool) -> Answer:
        aiohttp = self._aiohttp
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=_headers(self._settings),
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=_CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.request(method, url + path, json=body, allow_redirects=False) as response,
            ):
                status, raw = response.status, await _limited(response)
        except TimeoutError as error:
            reason = f"did not answer within {self._timeout_s:g} s; check that it is up"
            raise BusConnectionError(f"schema registry {url} {reason}") from error
        except aiohttp.ClientSSLError as error:
            raise BusConnectionError(
                f"schema registry {url} cannot be trusted or speaks no TLS: {error}; check schema_registry_cafile"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = f"is not reachable: {str(error) or type(error).__name__}"
            raise BusConnectionError(f"schema registry {url} {reason}; check schema_registry_url") from error
        return _read(url, status, raw, optional_page)

    async def close(self) -> None:
        """Lets the connections go; the next question makes new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _headers(settings: Settings) -> dict[str, str]:
    """Made when they are needed: a login in an attribute would be shown by whatever shows attributes."""
    headers = {"Accept": f"{_CONTENT_TYPE}, application/json;q=0.5", "Content-Type": _CONTENT_TYPE}
    if settings.schema_registry_token is not None:
        headers["Authorization"] = f"Bearer {settings.schema_registry_token.get_secret_value()}"
    elif settings.schema_registry_username is not None and settings.schema_registry_password is not None:
        login = f"{settings.schema_registry_username}:{settings.schema_registry_password.get_secret_value()}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return headers


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _BODY_BYTES_MAX:
            raise ValueError(f"its answer has more than {_BODY_BYTES_MAX} bytes")
    return bytes(body)


def _read(url: str, status: int, raw: bytes, optional_page: bool) -> Answer:
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        body = None
    if status in (401, 403):
        raise AccessError(
            f"schema registry {url} refuses the login (status {status}); check schema_registry_username and "
            "schema_registry_password, or schema_registry_token"
        )
    if 300 <= status < 400:
        raise BusConnectionError(
            f"schema registry {url} redirects (status {status}); set schema_registry_url to its end"
        )
    if status == 429 or status >= 500:
        raise BusConnectionError(f"schema registry {url} answers {status}: {Answer(status, body).message}; try again")
    if status == 404 and not (isinstance(body, dict) and "error_code" in body):
        # Not taken for "no such schema": it may be another server's "no such page".
        body = None
    if body is None and not (status == 404 and optional_page):
        raise BusConnectionError(
            f"schema registry {url} answers {status} without JSON; set schema_registry_url to the root of its API"
        )
    return Answer(status, body)


def _tls(cafile: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=cafile)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"schema_registry_cafile {cafile} cannot be loaded: {error}") from error


def as_list(answer: Answer) -> Sequence[Any]:
    """The list that an answer should be.

    Raises:
        BusConnectionError: It is something else.
    """
    if isinstance(answer.body, list):
        return answer.body
    raise BusConnectionError(f"schema registry answers {answer.message!r} where a list was expected")
