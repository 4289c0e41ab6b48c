"""One page of the series of a dataset."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connectors.http import get_json

BASE_URL = "https://api.db.nomics.world/v22"
LIMIT_MAX = 1_000
# Codes hold these; a client that quotes them asks for another series.
_KEPT = "@+:.,"


async def series(
    provider: str,
    dataset: str,
    mask: str = "",
    *,
    base_url: str = BASE_URL,
    limit: int = 50,
    offset: int = 0,
    timeout_s: float = 10.0,
) -> Any:
    """The reply of `/series/{provider}/{dataset}/{mask}` with observations and without metadata.

    Raises:
        FetchError: DBnomics did not give it.
    """
    path = "/".join(["/series", *(quote(code, safe=_KEPT) for code in (provider, dataset, mask) if code)])
    parameters: dict[str, str | int] = {
        "observations": 1,
        "metadata": 0,
        "limit": min(limit, LIMIT_MAX),
        "offset": offset,
    }
    return await get_json(base_url, path, parameters, timeout_s=timeout_s)
