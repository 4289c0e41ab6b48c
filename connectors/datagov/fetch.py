"""One page of the catalogue's search."""

from __future__ import annotations

from typing import Any

from connectors.http import get_json

BASE_URL = "https://catalog.data.gov"
PER_PAGE_MAX = 1_000


async def search(
    *,
    base_url: str = BASE_URL,
    query: str = "",
    per_page: int = 50,
    after: str | None = None,
    timeout_s: float = 10.0,
) -> Any:
    """The reply of `/search`, the last harvested first; its `after` asks for the next page, none means the last.

    Raises:
        FetchError: The catalogue did not give it.
    """
    parameters: dict[str, str | int] = {
        "q": query,
        "sort": "last_harvested_date",
        "per_page": min(per_page, PER_PAGE_MAX),
    }
    if after is not None:
        parameters["after"] = after
    return await get_json(base_url, "/search", parameters, timeout_s=timeout_s)
