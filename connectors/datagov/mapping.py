"""From a search result of the catalogue's API v4 to the contract `datagov.dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.values import MappingError, count, mapping, mappings, moment, others, segment, text, texts

CONTRACT = "datagov.dataset"
FAMILY = "datagov.datasets"

_USED = frozenset(
    [
        "_score",
        "_sort",
        "slug",
        "identifier",
        "title",
        "description",
        "type",
        "access_level",
        "publisher",
        "organization",
        "keyword",
        "theme",
        "last_harvested_date",
        "has_download",
        "popularity",
        "harvest_record",
        "dcat",
    ]
)
# What the catalogue repeats from its own fields, and what is mapped, is not kept a second time.
_USED_DCAT = frozenset(
    [
        "@type",
        "identifier",
        "title",
        "description",
        "accessLevel",
        "publisher",
        "keyword",
        "theme",
        "contactPoint",
        "license",
        "landingPage",
        "issued",
        "modified",
        "spatial",
        "temporal",
        "distribution",
    ]
)


def datasets(reply: Any) -> list[dict[str, Any]]:
    """The datasets of a reply of `/search`, in its order.

    Raises:
        MappingError: It is no such reply, or one of its records has neither id nor title.
    """
    results = mapping(reply).get("results")
    if not isinstance(results, list):
        raise MappingError("the reply has no list `results`; it is no answer of the catalogue's /search")
    return [dataset(mapping(record)) for record in results]


def dataset(record: Mapping[str, Any]) -> dict[str, Any]:
    """The dataset of one search result, or of one document of the catalogue's index.

    Raises:
        MappingError: It has neither id nor title.
    """
    dcat = mapping(record.get("dcat"))
    id_ = dataset_id(record)
    title = text(record.get("title")) or text(dcat.get("title"))
    if id_ is None or title is None:
        raise MappingError(f"dataset {id_ or 'without id and slug'} has no {'title' if id_ else 'id'}")
    contact = mapping(dcat.get("contactPoint"))
    email = text(contact.get("hasEmail"))
    return {
        "id": id_,
        "slug": text(record.get("slug")),
        "identifier": text(record.get("identifier")),
        "title": title,
        "description": text(record.get("description")) or text(dcat.get("description")),
        "type": text(record.get("type")) or "dataset",
        "access_level": text(record.get("access_level")) or text(dcat.get("accessLevel")),
        "publisher": text(record.get("publisher")) or text(mapping(dcat.get("publisher")).get("name")),
        "organization": _organization(mapping(record.get("organization"))),
        "keywords": texts(record.get("keyword") or dcat.get("keyword")),
        "themes": texts(record.get("theme") or dcat.get("theme")),
        "contact_name": text(contact.get("fn")),
        "contact_email": None if email is None else email.removeprefix("mailto:"),
        "license": text(dcat.get("license")),
        "landing_page": text(dcat.get("landingPage")),
        "issued": text(dcat.get("issued")),
        "modified": text(dcat.get("modified")),
        "last_harvested": moment(record.get("last_harvested_date")),
        "spatial": text(dcat.get("spatial")),
        "temporal": text(dcat.get("temporal")),
        "has_download": _has_download(record, dcat),
        "popularity": count(record.get("popularity")),
        "distributions": [_distribution(each) for each in mappings(dcat.get("distribution"))],
        "harvest_record": text(record.get("harvest_record")),
        "extra": others(record, _USED) | others(dcat, _USED_DCAT, "dcat."),
    }


def dataset_id(record: Mapping[str, Any]) -> str | None:
    """The UUID that is the last of `_sort`, else the slug; never `identifier`, which publishers repeat."""
    order = record.get("_sort")
    last = order[-1] if isinstance(order, list) and order else None
    return last if isinstance(last, str) and last else text(record.get("slug"))


def topic(mapped: Mapping[str, Any]) -> str:
    """Where a mapped dataset is published: `datagov.datasets.<organization>`."""
    return f"{FAMILY}.{segment(mapping(mapped['organization']).get('slug'))}"


def _organization(record: Mapping[str, Any]) -> dict[str, Any] | None:
    slug = text(record.get("slug"))
    if slug is None:
        return None
    return {
        "id": text(record.get("id")),
        "slug": slug,
        "name": text(record.get("name")),
        "organization_type": text(record.get("organization_type")),
    }


def _distribution(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": text(record.get("title")),
        "description": text(record.get("description")),
        "download_url": text(record.get("downloadURL")),
        "access_url": text(record.get("accessURL")),
        "format": text(record.get("format")),
        "media_type": text(record.get("mediaType")),
    }


def _has_download(record: Mapping[str, Any], dcat: Mapping[str, Any]) -> bool:
    """As the catalogue says; where it says nothing, whether a distribution has an address for it."""
    said = record.get("has_download")
    if isinstance(said, bool):
        return said
    return any(text(each.get("downloadURL")) for each in mappings(dcat.get("distribution")))
