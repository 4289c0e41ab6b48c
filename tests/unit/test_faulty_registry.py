"""The stand-in for a schema registry answers as Confluent's does, and fails as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import trustme

from tests import registry_faults as faults
from tests.authorization import basic, bearer
from tests.faulty_registry import FaultyRegistry

LONG, TEXT = '"long"', '{ "type" : "string" }'
MONEY = '{"type": "record", "name": "Money", "fields": [{"name": "cents", "type": "long"}]}'
BILL = '{"type": "record", "name": "Bill", "fields": [{"name": "total", "type": "Money"}]}'


@pytest.fixture
async def registry() -> AsyncIterator[FaultyRegistry]:
    async with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


async def ask(
    session: aiohttp.ClientSession, registry: FaultyRegistry, what: str, body: Any = None, **options: Any
) -> tuple[int, Any]:
    """The status, and the answer or the code of a refusal."""
    method, _, path = what.partition(" ")
    async with session.request(method, registry.url + path, json=body, **options) as answer:
        told = json.loads(await answer.read())
        assert answer.content_type == "application/vnd.schemaregistry.v1+json"
        return answer.status, told["error_code"] if answer.status >= 400 else told


async def test_a_schema_has_one_id_under_every_subject(
    registry: FaultyRegistry, session: aiohttp.ClientSession
) -> None:
    status, first = await ask(session, registry, "POST /subjects/a-value/versions", {"schema": TEXT})
    assert (status, first["id"], first["version"], first["schema"]) == (200, 1, 1, '{"type":"string"}')
    _, second = await ask(session, registry, "POST /subjects/a-value/versions", {"schema": LONG})
    assert (second["id"], second["version"]) == (2, 2)
    for subject, version in (("a-value", 1), ("b-value", 1)):
        _, again = await ask(
            session,
            registry,
            f"POST /subjects/{subject}/versions",
            {"schema": '{"type":"string"}', "schemaType": "AVRO"},
        )
        assert (again["id"], again["version"], again["guid"]) == (1, version, first["guid"])

    by_guid = await ask(session, registry, f"GET /schemas/guids/{first['guid']}")
    assert await ask(session, registry, "GET /schemas/ids/1?subject=a-value") == by_guid
    assert by_guid == (200, {"schema": '{"type":"string"}', "guid": first["guid"], "schemaType": "AVRO"})
    assert await ask(session, registry, "GET /subjects") == (200, ["a-value", "b-value"])
    assert await ask(session, registry, "GET /subjects/a-value/versions") == (200, [1, 2])
    _, latest = await ask(session, registry, "GET /subjects/a-value/versions/latest")
    assert (latest["subject"], latest["version"], latest["id"]) == ("a-value", 2, 2)
    assert await ask(session, registry, "GET /subjects/a-value/versions/2") == (200, latest)
    assert await ask(session, registry, "POST /subjects/a-value", {"schema": LONG}) == (200, latest)


async def test_references(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    registry.contents.register("money", MONEY)
    references = [{"name": "Money", "subject": "money", "version": 1}]
    bill = {"schema": BILL, "references": references}
    assert (await ask(session, registry, "POST /subjects/bill/versions", {"schema": BILL})) == (422, 42201)
    assert (await ask(session, registry, "POST /subjects/bill/versions", bill))[1]["references"] == references
    assert (await ask(session, registry, "GET /schemas/ids/2"))[1]["references"] == references
    bill["references"] = [{"name": "Money", "subject": "money", "version": 2}]
    assert await ask(session, registry, "POST /subjects/bill/versions", bill) == (404, 40402)


async def test_an_older_registry_tells_ids_alone(session: aiohttp.ClientSession) -> None:
    async with FaultyRegistry(guids=False) as registry:
        assert await ask(session, registry, "POST /subjects/a/versions", {"schema": LONG}) == (200, {"id": 1})
        assert await ask(session, registry, "GET /schemas/ids/1") == (200, {"schema": '"long"'})
        guid = registry.contents.by_id(1).guid
        assert await ask(session, registry, f"GET /schemas/guids/{guid}") == (404, 404)


REFUSED: list[tuple[str, Any, tuple[int, int]]] = [
    ("GET /schemas/ids/7", None, (404, 40403)),
    ("GET /schemas/ids/x", None, (404, 404)),
    ("GET /schemas/guids/3fa85f64-5717-4562-b3fc-2c963f66afa6", None, (404, 40403)),
    ("GET /subjects/none/versions", None, (404, 40401)),
    ("GET /subjects/none/versions/latest", None, (404, 40401)),
    ("GET /subjects/a/versions/2", None, (404, 40402)),
    ("GET /subjects/a/versions/0", None, (422, 42202)),
    ("POST /subjects/none", {"schema": LONG}, (404, 40401)),
    ("POST /subjects/a", {"schema": TEXT}, (404, 40403)),
    ("POST /subjects/a/versions", {"schema": '{"type": "nonsense"}'}, (422, 42201)),
    ("POST /subjects/a/versions", {"schema": "no JSON"}, (422, 42201)),
    ("POST /subjects/a/versions", {}, (422, 42201)),
    ("POST /subjects/a/versions", [], (400, 400)),
    ("GET /config/a", None, (404, 40408)),
    ("PUT /config/a", {"compatibility": "SIDEWAYS"}, (422, 42203)),
    ("DELETE /subjects/a", None, (405, 405)),
]


@pytest.mark.parametrize(
    ("what", "body", "code"), REFUSED, ids=[f"{row[0]} {row[2][1]} {n}" for n, row in enumerate(REFUSED)]
)
async def test_refusals_have_confluents_codes(
    registry: FaultyRegistry, session: aiohttp.ClientSession, what: str, body: Any, code: tuple[int, int]
) -> None:
    registry.contents.register("a", LONG)
    assert await ask(session, registry, what, body) == code


async def test_compatibility_levels(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    assert await ask(session, registry, "GET /config") == (200, {"compatibilityLevel": "BACKWARD"})
    assert await ask(session, registry, "PUT /config/a", {"compatibility": "NONE"}) == (200, {"compatibility": "NONE"})
    assert await ask(session, registry, "GET /config/a") == (200, {"compatibilityLevel": "NONE"})
    assert await ask(session, registry, "PUT /config", {"compatibility": "FULL"}) == (200, {"compatibility": "FULL"})
    assert await ask(session, registry, "GET /config/b?defaultToGlobal=true") == (200, {"compatibilityLevel": "FULL"})


@pytest.mark.parametrize("login", [basic("alice", "secret"), bearer("token")], ids=["basic", "bearer"])
async def test_a_login_is_asked_for(session: aiohttp.ClientSession, login: str) -> None:
    async with FaultyRegistry(authorization=login) as registry:
        assert await ask(session, registry, "GET /subjects") == (401, 401)
        assert await ask(session, registry, "GET /subjects", headers={"Authorization": login + "x"}) == (401, 401)
        assert await ask(session, registry, "GET /subjects", headers={"Authorization": login}) == (200, [])
        assert registry.seen[-1].headers["authorization"] == login
        registry.authorization = bearer("renewed")
        assert await ask(session, registry, "GET /subjects", headers={"Authorization": login}) == (401, 401)


async def test_tls(session: aiohttp.ClientSession) -> None:
    authority = trustme.CA()
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    async with FaultyRegistry(authority=authority) as registry:
        assert registry.url.startswith("https://127.0.0.1:")
        assert await ask(session, registry, "GET /subjects", ssl=trusted) == (200, [])
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(session, registry, "GET /subjects")


async def test_a_fault_is_for_the_requests_that_it_names(
    registry: FaultyRegistry, session: aiohttp.ClientSession
) -> None:
    registry.contents.register("a", LONG)
    registry.inject(faults.refuse(409, 40901), method="POST", path="/subjects/a/versions", times=2)
    for _ in range(2):
        assert await ask(session, registry, "POST /subjects/a/versions?normalize=true", {"schema": TEXT}) == (
            409,
            40901,
        )
        assert await ask(session, registry, "GET /schemas/ids/1") == (200, {**(await told(registry)), "schema": LONG})
    assert (await ask(session, registry, "POST /subjects/a/versions", {"schema": TEXT}))[0] == 200
    assert registry.count("POST", "/subjects/a/versions") == 3
    assert registry.seen[0].query == {"normalize": "true"}
    assert registry.count("GET", "/schemas/ids/1") == 2

    registry.inject(faults.refuse(503))
    assert [await ask(session, registry, "GET /subjects") for _ in range(2)] == [(503, 503)] * 2
    registry.heal()
    assert await ask(session, registry, "GET /subjects") == (200, ["a"])


async def told(registry: FaultyRegistry) -> dict[str, str]:
    return {"guid": registry.contents.by_id(1).guid, "schemaType": "AVRO"}


async def test_too_many_requests_say_when_to_come_back(
    registry: FaultyRegistry, session: aiohttp.ClientSession
) -> None:
    registry.inject(faults.too_many_requests("3"))
    async with session.get(registry.url + "/subjects") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")


async def test_a_redirect(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    registry.inject(faults.redirect("/subjects"), path="/elsewhere")
    async with session.get(registry.url + "/elsewhere") as answer:
        assert (answer.status, answer.url.path, len(answer.history)) == (200, "/subjects", 1)


ODD_ANSWERS = {
    "HTML page": (faults.HTML_PAGE, 502, "text/html"),
    "login page": (faults.LOGIN_PAGE, 200, "text/html"),
    "cut JSON": (faults.CUT_JSON, 200, faults.CONTENT_TYPE),
    "no UTF-8": (faults.NO_UTF_8, 200, faults.CONTENT_TYPE),
    "a list": (faults.reply(200, "[]"), 200, faults.CONTENT_TYPE),
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
async def test_answers_that_are_none(registry: FaultyRegistry, session: aiohttp.ClientSession, name: str) -> None:
    fault, status, content_type = ODD_ANSWERS[name]
    registry.inject(fault)
    async with session.get(registry.url + "/schemas/ids/1") as answer:
        assert (answer.status, answer.content_type) == (status, content_type)
        with pytest.raises((ValueError, TypeError)):
            json.loads(await answer.read())["schema"]


async def test_what_is_held_waits_for_its_release(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    registry.contents.register("a", LONG)
    hold = faults.Hold()
    registry.inject(hold, path="/schemas/ids/1")
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(session, registry, "GET /schemas/ids/1")) for _ in range(3)]
        await registry.arrived("GET", "/schemas/ids/1", 3)
        assert not any(task.done() for task in asked)
        assert await ask(session, registry, "GET /subjects") == (200, ["a"])
        hold.release()
    assert [task.result()[0] for task in asked] == [200, 200, 200]
    with pytest.raises(TimeoutError):
        await registry.arrived("GET", "/schemas/ids/1", 4, timeout_s=0.05)


async def test_what_hangs_is_ended_with_it(session: aiohttp.ClientSession) -> None:
    async with FaultyRegistry() as registry:
        registry.inject(faults.Hold())
        asked = asyncio.create_task(ask(session, registry, "GET /subjects"))
        await registry.arrived("GET", "/subjects")
    with pytest.raises(aiohttp.ClientError):
        await asked


async def test_a_connection_that_is_dropped(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    """POST, which the client does not try again by itself."""
    for fault, error, stays in (
        (faults.drop, aiohttp.ServerDisconnectedError, False),
        (faults.drop_mid_body, aiohttp.ClientPayloadError, True),
        (faults.lose_answer, aiohttp.ServerDisconnectedError, True),
    ):
        registry.inject(fault, times=1)
        with pytest.raises(error):
            await ask(session, registry, f"POST /subjects/{fault.__name__}/versions", {"schema": LONG})
        assert (fault.__name__ in registry.contents.subjects) is stays


async def test_a_slow_body_comes_bit_by_bit(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    registry.contents.register("a", LONG)
    registry.inject(faults.slow_body(0.0), times=1)
    assert (await ask(session, registry, "GET /schemas/ids/1"))[1]["schema"] == LONG
    registry.inject(faults.slow_body(0.05))
    with pytest.raises(TimeoutError):
        await ask(session, registry, "GET /schemas/ids/1", timeout=aiohttp.ClientTimeout(total=0.5, sock_read=0.3))


@pytest.mark.parametrize("length_told", [True, False])
async def test_a_huge_body_can_be_left_unread(
    registry: FaultyRegistry, session: aiohttp.ClientSession, length_told: bool
) -> None:
    size_bytes = 256 * 1024 * 1024
    huge = faults.HugeBody(size_bytes, length_told=length_told)
    registry.inject(huge, path="/schemas/ids/1")
    async with session.get(registry.url + "/schemas/ids/1") as answer:
        assert answer.content_length == (size_bytes if length_told else None)
        assert len(await answer.content.readexactly(1_000_000)) == 1_000_000
        answer.close()
    assert await ask(session, registry, "GET /subjects") == (200, [])
    assert 1_000_000 <= huge.sent_bytes < size_bytes / 4

    whole = faults.HugeBody(3_000_001, length_told=length_told)
    registry.heal()
    registry.inject(whole)
    async with session.get(registry.url + "/schemas/ids/1") as answer:
        assert len(await answer.read()) == whole.sent_bytes == 3_000_001


async def test_a_small_body_that_inflates(registry: FaultyRegistry, session: aiohttp.ClientSession) -> None:
    registry.inject(faults.inflating(5_000_000))
    async with session.get(registry.url + "/schemas/ids/1") as answer:
        assert answer.content_length is not None
        assert answer.content_length < 10_000
        assert len(await answer.read()) > 5_000_000


async def test_it_comes_back_on_its_port_with_what_it_knew(
    registry: FaultyRegistry, session: aiohttp.ClientSession
) -> None:
    registry.contents.register("a", LONG)
    assert await ask(session, registry, "GET /subjects") == (200, ["a"])
    url = registry.url
    await registry.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(session, registry, "GET /subjects")
    await registry.start()
    assert registry.url == url
    assert await ask(session, registry, "GET /subjects") == (200, ["a"])
