"""Records of both sources, as recorded, become what their contracts ask for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bus.avro.contracts import load_contracts
from bus.routing.topics import check_topic
from connectors import recorded
from connectors.datagov import mapping as datagov
from connectors.dbnomics import mapping as dbnomics
from connectors.values import MappingError, count, moment, number, segment, text, texts

CONTRACTS = load_contracts(None)
DATAGOV = recorded.replies("connectors.datagov")
DBNOMICS = recorded.replies("connectors.dbnomics")


def record(**changes: Any) -> dict[str, Any]:
    return {"_sort": [1.0, "abc-1"], "slug": "rates", "title": "Rates", "dcat": {}, **changes}


@pytest.mark.parametrize("reply", DATAGOV)
def test_recorded_datasets_fit_their_contract_and_come_back_the_same(reply: Any) -> None:
    contract = CONTRACTS[datagov.CONTRACT]
    mapped = datagov.datasets(reply)
    assert mapped
    for dataset in mapped:
        assert contract.decode(contract.encode(dataset)) == dataset
        check_topic(datagov.topic(dataset))


@pytest.mark.parametrize("reply", DBNOMICS)
def test_recorded_series_and_observations_fit_their_contracts(reply: Any) -> None:
    for doc in dbnomics.documents(reply):
        series = dbnomics.series(doc)
        contract = CONTRACTS[dbnomics.SERIES_CONTRACT]
        assert contract.decode(contract.encode(series)) == series
        check_topic(dbnomics.series_topic(series))
        values = list(dbnomics.observations(doc))
        assert len(values) == series["observations"] == len(doc["period"])
        contract = CONTRACTS[dbnomics.OBSERVATION_CONTRACT]
        for value in values:
            assert contract.decode(contract.encode(value)) == {"change": "NEW", "extra": {}, **value}
            check_topic(dbnomics.observation_topic(value))


def test_a_dataset_by_its_fields() -> None:
    (dataset,) = datagov.datasets(DATAGOV[0])
    assert dataset["id"] == "b1a3967c2a111f167817b0124c52b0ac"
    assert datagov.topic(dataset) == "datagov.datasets.ed"
    assert dataset["organization"]["organization_type"] == "Federal Government"
    assert dataset["contact_email"] == "sarah.grady@ed.gov"
    assert dataset["has_download"] is True  # told by a distribution, the record itself is silent
    assert dataset["distributions"][0]["media_type"] == "application/zip"
    assert dataset["last_harvested"] is None
    assert dataset["extra"]["dcat.bureauCode"] == '["018:50"]'
    assert not {"_score", "_sort", "dcat", "dcat.title"} & dataset["extra"].keys()


def test_a_dataset_without_uuid_is_named_by_its_slug_and_never_by_its_identifier() -> None:
    assert datagov.dataset_id(record(_sort=[68.3, 1], identifier="x")) == "rates"
    with pytest.raises(MappingError, match="no id"):
        datagov.dataset(record(_sort=[], slug=None, identifier="x"))


def test_a_dataset_without_title_is_refused_by_its_id() -> None:
    with pytest.raises(MappingError, match="abc-1 has no title"):
        datagov.dataset(record(title=None))


def test_values_of_other_types_than_documented_are_kept_as_text() -> None:
    odd = record(keyword="water", theme=None, description=7, popularity="many", organization=[], novelty={"a": 1})
    dataset = datagov.dataset(odd)
    assert (dataset["keywords"], dataset["themes"], dataset["description"]) == (["water"], [], "7")
    assert (dataset["popularity"], dataset["organization"]) == (None, None)
    assert dataset["extra"] == {"novelty": '{"a": 1}'}
    assert datagov.topic(dataset) == "datagov.datasets.unknown"
    CONTRACTS[datagov.CONTRACT].encode(dataset)


def test_an_error_body_is_no_reply() -> None:
    bodies: list[Any] = [{"error": {"code": "OVER_RATE_LIMIT"}}, [], None, "<html>"]
    for body in bodies:
        with pytest.raises(MappingError):
            datagov.datasets(body)
        with pytest.raises(MappingError):
            dbnomics.documents(body)


def test_na_is_a_period_without_a_value() -> None:
    doc = next(d for r in DBNOMICS for d in dbnomics.documents(r) if d["series_code"] == "M.AR" and "NA" in d["value"])
    values = list(dbnomics.observations(doc))
    assert values[0]["value"] is None
    assert values[12]["value"] == 0.7063
    assert values[0]["period_start_day"] == date(1992, 4, 1)
    assert values[0]["series_id"] == dbnomics.series(doc)["id"] == "BIS/cbpol/M.AR"
    assert values[0]["indexed_at"] == datetime(2021, 7, 2, 1, 20, 3, 101000, tzinfo=UTC)


def test_arrays_that_are_not_parallel_are_refused() -> None:
    doc = {"provider_code": "P", "dataset_code": "D", "series_code": "S", "period": ["2020", "2021"], "value": [1.0]}
    with pytest.raises(MappingError, match="P/D/S has 2 periods"):
        list(dbnomics.observations(doc))


def test_a_series_without_a_code_is_refused() -> None:
    with pytest.raises(MappingError, match="S has no provider_code"):
        dbnomics.series({"dataset_code": "D", "series_code": "S"})


def test_codes_become_segments() -> None:
    assert segment("WEO:2025-04") == "WEO-2025-04"
    assert segment("DSD_REG_ECO@DF_ECO_ROPI") == "DSD_REG_ECO-DF_ECO_ROPI"
    assert [segment(each) for each in (None, "", ":", "é")] == ["unknown"] * 4
    assert len(segment("x" * 300)) == 60


def test_foreign_values() -> None:
    foreign: list[Any] = ["NA", None, True, [], "1.5", 2, float("nan"), "inf", 10**400]
    assert [number(v) for v in foreign] == [*[None] * 4, 1.5, 2.0, *[None] * 3]
    assert [count(v) for v in (3, 2**31, True, "3", None)] == [3, None, None, None, None]
    assert moment("2026-09-10T18:20:51+02:00") == datetime(2026, 9, 10, 16, 20, 51, tzinfo=UTC)
    assert [moment(v) for v in ("yesterday", None, 7)] == [None] * 3
    assert (text({"b": 1, "a": 2}), text(""), texts(["a", None, 1])) == ('{"a": 2, "b": 1}', None, ["a", "1"])
