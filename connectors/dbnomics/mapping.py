"""From a reply of the API v22 to the contracts `dbnomics.series` and `dbnomics.observation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from connectors.values import MappingError, day, mapping, moment, number, others, segment, text

SERIES_CONTRACT = "dbnomics.series"
OBSERVATION_CONTRACT = "dbnomics.observation"
SERIES_FAMILY = "dbnomics.series"
OBSERVATIONS_FAMILY = "dbnomics.observations"

_CODES = ("provider_code", "dataset_code", "series_code")
_USED = frozenset(
    (*_CODES, "@frequency", "dataset_name", "series_name", "dimensions", "indexed_at", "period", "period_start_day")
) | {"value"}


def documents(reply: Any) -> list[Mapping[str, Any]]:
    """The series documents of a reply of `/series`, in its order.

    Raises:
        MappingError: It is no such reply.
    """
    docs = mapping(mapping(reply).get("series")).get("docs")
    if not isinstance(docs, list):
        raise MappingError("the reply has no list `series.docs`; it is no answer of /series")
    return [mapping(doc) for doc in docs]


def series(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The series of one document, without its values.

    Raises:
        MappingError: One of its codes is missing.
    """
    codes = _codes(doc)
    periods = [period for period in _list(doc, "period") if isinstance(period, str)]
    dimensions = mapping(doc.get("dimensions"))
    return {
        "id": "/".join(codes.values()),
        **codes,
        "dataset_name": text(doc.get("dataset_name")),
        "series_name": text(doc.get("series_name")),
        "frequency": text(doc.get("@frequency")),
        "dimensions": {name: text(code) or "" for name, code in dimensions.items()},
        "observations": len(periods),
        "first_period": periods[0] if periods else None,
        "last_period": periods[-1] if periods else None,
        "indexed_at": moment(doc.get("indexed_at")),
        "extra": others(doc, _USED),
    }


def observations(doc: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The values of one document, one a period, in its order; `NA` is a period without a value.

    Raises:
        MappingError: A code is missing, or its arrays are not parallel.
    """
    codes = _codes(doc)
    id_ = "/".join(codes.values())
    periods, days, values = (_list(doc, name) for name in ("period", "period_start_day", "value"))
    if len(periods) != len(values) or (days and len(days) != len(periods)):
        raise MappingError(
            f"series {id_} has {len(periods)} periods, {len(days)} days and {len(values)} values; they must be parallel"
        )
    frequency, indexed_at = text(doc.get("@frequency")), moment(doc.get("indexed_at"))
    for period, first_day, value in zip_longest(periods, days, values):
        if not isinstance(period, str):
            raise MappingError(f"series {id_} has a period that is no text: {period!r}")
        yield {
            "series_id": id_,
            **codes,
            "period": period,
            "period_start_day": day(first_day),
            "value": number(value),
            "frequency": frequency,
            "indexed_at": indexed_at,
        }


def series_topic(mapped: Mapping[str, Any]) -> str:
    """Where a mapped series is published: `dbnomics.series.<provider>.<dataset>`."""
    return f"{SERIES_FAMILY}.{segment(mapped['provider_code'])}.{segment(mapped['dataset_code'])}"


def observation_topic(mapped: Mapping[str, Any]) -> str:
    """Where a mapped observation is published: `dbnomics.observations.<provider>.<dataset>`."""
    return f"{OBSERVATIONS_FAMILY}.{segment(mapped['provider_code'])}.{segment(mapped['dataset_code'])}"


def _codes(doc: Mapping[str, Any]) -> dict[str, str]:
    codes = {name: text(doc.get(name)) for name in _CODES}
    missing = [name for name, code in codes.items() if code is None]
    if missing:
        raise MappingError(f"series {text(doc.get('series_code')) or 'without a code'} has no {', '.join(missing)}")
    return {name: code for name, code in codes.items() if code is not None}


def _list(doc: Mapping[str, Any], name: str) -> list[Any]:
    value = doc.get(name)
    return value if isinstance(value, list) else []
