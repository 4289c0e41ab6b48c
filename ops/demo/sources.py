"""Records of Data.gov and DBnomics: from the services when they answer at once, else as recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from connectors import recorded
from connectors.datagov import fetch as datagov_fetch
from connectors.datagov import mapping as datagov
from connectors.dbnomics import fetch as dbnomics_fetch
from connectors.dbnomics import mapping as dbnomics
from connectors.http import FetchError
from connectors.values import MappingError
from ops.demo.draft import Draft

FETCH_S = 3.0
_DATASETS = 50
_SERIES = 25


@dataclass(frozen=True, slots=True)
class Source:
    """A source's records, ready to be published.

    Attributes:
        name: The source.
        origin: `live` or `recorded`.
        reason: Why they are recorded ones; empty when live.
        drafts: The records, at least one.
    """

    name: str
    origin: str
    reason: str
    drafts: tuple[Draft, ...]

    def __str__(self) -> str:
        """One sentence for a person."""
        what = f"{self.name}: {len(self.drafts):,} records, {self.origin}"
        return f"{what} ({self.reason})" if self.reason else what


async def load(
    *,
    offline: bool = False,
    datagov_url: str = datagov_fetch.BASE_URL,
    dbnomics_url: str = dbnomics_fetch.BASE_URL,
    timeout_s: float = FETCH_S,
) -> tuple[Source, Source]:
    """Both sources, within `timeout_s` in all; never fails, for recorded replies are shipped."""
    if offline:
        return _recorded_datagov("as asked"), _recorded_dbnomics("as asked")
    first, second = await asyncio.gather(_datagov(datagov_url, timeout_s), _dbnomics(dbnomics_url, timeout_s))
    return first, second


async def _datagov(url: str, timeout_s: float) -> Source:
    try:
        reply = await datagov_fetch.search(base_url=url, per_page=_DATASETS, timeout_s=timeout_s)
        drafts = datagov_drafts(reply)
    except (FetchError, MappingError) as error:
        return _recorded_datagov(str(error))
    return Source("Data.gov", "live", "", drafts) if drafts else _recorded_datagov("it gave no records")


async def _dbnomics(url: str, timeout_s: float) -> Source:
    try:
        reply = await dbnomics_fetch.series("BIS", "WS_CBPOL", "M.", base_url=url, limit=_SERIES, timeout_s=timeout_s)
        drafts = dbnomics_drafts(reply)
    except (FetchError, MappingError) as error:
        return _recorded_dbnomics(str(error))
    return Source("DBnomics", "live", "", drafts) if drafts else _recorded_dbnomics("it gave no records")


def _recorded_datagov(reason: str) -> Source:
    replies = recorded.replies("connectors.datagov")
    return Source("Data.gov", "recorded", reason, tuple(d for reply in replies for d in datagov_drafts(reply)))


def _recorded_dbnomics(reason: str) -> Source:
    replies = recorded.replies("connectors.dbnomics")
    return Source("DBnomics", "recorded", reason, tuple(d for reply in replies for d in dbnomics_drafts(reply)))


def datagov_drafts(reply: Any) -> tuple[Draft, ...]:
    """Every dataset of a reply as a message.

    Raises:
        MappingError: The reply is none of the catalogue's, or holds a record that cannot be mapped.
    """
    return tuple(Draft(datagov.topic(dataset), dataset["id"], dataset) for dataset in datagov.datasets(reply))


def dbnomics_drafts(reply: Any) -> tuple[Draft, ...]:
    """Every series of a reply as a message, each followed by its observations.

    Raises:
        MappingError: The reply is none of DBnomics', or holds a record that cannot be mapped.
    """
    drafts = []
    for doc in dbnomics.documents(reply):
        series = dbnomics.series(doc)
        drafts.append(Draft(dbnomics.series_topic(series), series["id"], series))
        drafts += [Draft(dbnomics.observation_topic(o), o["series_id"], o) for o in dbnomics.observations(doc)]
    return tuple(drafts)


def endless(*sources: Source) -> Iterator[Draft]:
    """Records of the sources by turns, again from the first after the last: as when all is harvested again."""
    turns = [cycle(source.drafts) for source in sources]
    while True:
        for turn in turns:
            yield next(turn)
