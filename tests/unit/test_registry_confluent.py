"""What the client of a schema registry does when the server is slow, wrong, hostile or forbids it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trustme

from bus.avro.contract import Contract
from bus.avro.framing import GUID_HEADER, id_frame
from bus.avro.reader import UnknownSchema
from bus.avro.registry.confluent import ConfluentRegistry
from bus.avro.schema import AvroSchema
from bus.errors import BusConnectionError, ContractError, DecodeError, SettingsError
from bus.settings import Settings
from tests import registry_faults as faults
from tests.authorization import basic
from tests.faulty_registry import FaultyRegistry
from tests.unit.memory_store import Store, codec_over, record

ORDER = record("Order", ("id", "long"))
ORDER_2 = record("Order", ("id", "long"), ("note", ["null", "string"], None))
TIMEOUT_MS = 300
TOPIC = "shop.orders.new"


def fresh(contract: Contract) -> Contract:
    """As another client has it: a contract remembers that it is registered."""
    return Contract(contract.name, contract.schema, contract.compatibility)


def registry_at(url: str, **values: Any) -> ConfluentRegistry:
    given = {"schema_registry_url": url, "schema_registry_timeout_ms": TIMEOUT_MS} | values
    return ConfluentRegistry(Settings(**given))


@pytest.fixture
async def server() -> AsyncIterator[FaultyRegistry]:
    async with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
async def client(server: FaultyRegistry) -> AsyncIterator[ConfluentRegistry]:
    registry = registry_at(server.url)
    yield registry
    await registry.close()


def put(server: FaultyRegistry, contract: Contract, text: str | None = None) -> int:
    """Registered by someone else."""
    return server.contents.register(contract.name, text or contract.schema.text)[0].id


async def test_a_schema_is_asked_for_once_however_many_want_it(
    server: FaultyRegistry, client: ConfluentRegistry
) -> None:
    number = put(server, ORDER)
    found = await asyncio.gather(*(client.find(number) for _ in range(50)))
    assert {schema.sha256 for schema in found if schema} == {ORDER.schema.sha256}
    assert await client.find(number) is client.known(number) is found[0]
    assert server.count("GET", f"/schemas/ids/{number}") == 1


async def test_who_is_cancelled_takes_nobody_along(server: FaultyRegistry, client: ConfluentRegistry) -> None:
    number = put(server, ORDER)
    server.inject(hold := faults.Hold())
    first, second = (asyncio.create_task(client.find(number)) for _ in range(2))
    await server.arrived("GET", f"/schemas/ids/{number}")
    first.cancel()
    await asyncio.wait([first])
    hold.release()
    found = await second
    assert found is not None
    assert found.sha256 == ORDER.schema.sha256
    assert server.count("GET", f"/schemas/ids/{number}") == 1


async def test_a_contract_is_registered_with_its_rule_and_known_from_then_on(
    server: FaultyRegistry, client: ConfluentRegistry
) -> None:
    registered = await client.register(ORDER)
    assert registered.id is not None
    assert registered.guid is not None
    assert client.known(registered.id) is client.known(registered.guid) is ORDER.schema
    assert server.contents.subject_level("shop.thing", default_to_global=False) == "BACKWARD_TRANSITIVE"
    assert await client.look_up(ORDER) == registered
    assert await client.look_up(ORDER_2) is None
    await client.register(ORDER_2)
    assert [v.sha256 for v in await client.versions("shop.thing")] == [ORDER.schema.sha256, ORDER_2.schema.sha256]
    assert await client.names() == ["shop.thing"]
    assert await client.versions("shop.none") == []
    assert server.count("PUT", "/config/shop.thing") == 2


async def test_the_rule_is_ours_and_the_servers_no_is_told(server: FaultyRegistry, client: ConfluentRegistry) -> None:
    put(server, ORDER)
    with pytest.raises(ContractError, match=r"(?s)not compatible.*thing\.id: type"):
        await client.register(record("Order", ("id", "string")))
    assert server.count("POST", "/subjects/shop.thing/versions") == 0
    server.inject(faults.refuse(409, 40901, "Schema being registered is incompatible"), method="POST")
    with pytest.raises(ContractError, match="refused by the schema registry: Schema being registered is incompatible"):
        await client.register(ORDER_2)


BROKEN: dict[str, tuple[faults.Fault, str]] = {
    "429": (faults.too_many_requests("1"), "answers 429"),
    "500": (faults.refuse(500, 50001, "store is away"), "answers 500: store is away; try again"),
    "503": (faults.refuse(503), "answers 503"),
    "401": (faults.refuse(401), "refuses the login .status 401.; check schema_registry_username"),
    "403": (faults.refuse(403), "refuses the login .status 403"),
    "redirect": (faults.redirect("http://127.0.0.1:1/"), "redirects .status 307"),
    "html": (faults.HTML_PAGE, "answers 502"),
    "login page": (faults.LOGIN_PAGE, "answers 200 without JSON"),
    "cut": (faults.CUT_JSON, "without JSON"),
    "no utf-8": (faults.NO_UTF_8, "without JSON"),
    "no such page": (faults.reply(404, "<html>"), "answers 404 without JSON; set schema_registry_url"),
    "another server's 404": (faults.reply(404, '{"status": 404}'), "answers 404 without JSON"),
    "list": (faults.reply(200, "[1]"), "schema registry answers 200 to asking for"),
    "inflating": (faults.inflating(8 << 20), "more than 4194304 bytes"),
    "huge": (faults.HugeBody(8 << 20, length_told=False), "more than 4194304 bytes"),
    "huge and told": (faults.HugeBody(8 << 20, length_told=True), "more than 4194304 bytes"),
    "slow body": (faults.slow_body(0.1), "did not answer within 0.3 s"),
    "hanging": (faults.Hold(), "did not answer within 0.3 s"),
    "dropped": (faults.drop, "is not reachable"),
    "dropped in the middle": (faults.drop_mid_body, "is not reachable"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_no_answer_is_an_error_and_never_a_missing_schema(
    server: FaultyRegistry, client: ConfluentRegistry, name: str
) -> None:
    number = put(server, ORDER)
    fault, reason = BROKEN[name]
    server.inject(fault)
    with pytest.raises(BusConnectionError, match=reason):
        await client.find(number)
    server.heal()
    assert await client.find(number) is not None


async def test_of_two_at_once_the_later_is_told(server: FaultyRegistry, client: ConfluentRegistry) -> None:
    put(server, ORDER)
    server.inject(hold := faults.Hold(), method="POST")
    mine = asyncio.create_task(client.register(ORDER_2))
    await server.arrived("POST", "/subjects/shop.thing/versions")
    put(server, record("Order", ("id", "long"), ("note", "long")))
    hold.release()
    with pytest.raises(ContractError, match=r"(?s)not compatible.*thing\.note: "):
        await mine


async def test_what_differs_in_documentation_only_is_the_same(
    server: FaultyRegistry, client: ConfluentRegistry
) -> None:
    documented = dict(ORDER.schema.json, doc="Another text.")
    put(server, ORDER, json.dumps(documented))
    found = await client.look_up(ORDER)
    assert found is not None
    assert found == await client.look_up(Contract(ORDER.name, AvroSchema(documented, ORDER.name)))


async def test_many_versions_are_asked_for_a_few_at_a_time(server: FaultyRegistry, client: ConfluentRegistry) -> None:
    for number in range(40):
        put(server, record("Order", ("id", "long"), *((f"f{at}", "long", 0) for at in range(number))))
    assert len(await client.versions("shop.thing")) == 40
    server.inject(faults.refuse(500))
    with pytest.raises(BusConnectionError):
        await client.versions("shop.none")


async def test_a_registration_whose_answer_was_lost_is_repeated_without_harm(
    server: FaultyRegistry, client: ConfluentRegistry
) -> None:
    server.inject(faults.lose_answer, method="POST", times=1)
    with pytest.raises(BusConnectionError):
        await client.register(ORDER)
    await client.register(ORDER)
    assert len(await client.versions("shop.thing")) == 1


async def test_the_next_address_is_asked_when_one_is_away(server: FaultyRegistry) -> None:
    number = put(server, ORDER)
    registry = registry_at(f"http://127.0.0.1:1, {server.url}")
    assert await registry.find(number) is not None
    await registry.names()
    assert server.count("GET", "/subjects") == 1
    await server.stop()
    with pytest.raises(BusConnectionError, match="is not reachable"):
        await registry.names()
    await registry.close()


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ({"schema_registry_username": "alice", "schema_registry_password": "s3cret"}, basic("alice", "s3cret")),
        ({"schema_registry_token": "t0ken"}, "Bearer t0ken"),
    ],
    ids=["basic", "bearer"],
)
async def test_logins_over_tls(login: dict[str, str], header: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with FaultyRegistry(authorization=header, authority=authority) as server:
        number = put(server, ORDER)
        registry = registry_at(server.url, schema_registry_cafile=str(tmp_path / "ca.pem"), **login)
        assert await registry.find(number) is not None
        await registry.close()
        for refused, reason in (
            (registry_at(server.url, schema_registry_cafile=str(tmp_path / "ca.pem")), "refuses the login"),
            (registry_at(server.url, **login), "certificate verify failed"),
        ):
            with pytest.raises(BusConnectionError, match=reason):
                await refused.find(number)
            await refused.close()


async def test_credentials_are_not_taken_elsewhere(server: FaultyRegistry) -> None:
    async with FaultyRegistry() as other:
        registry = registry_at(server.url, schema_registry_token="t0ken")
        server.inject(faults.redirect(other.url))
        with pytest.raises(BusConnectionError, match="redirects"):
            await registry.names()
        assert other.seen == []
        await registry.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON"),
        ('{"type": "record", "name": "A", "fields": [{"name": "a", "type": ["null", "A"]}]}', "contains itself"),
        ('{"type": "array", "items": "null"}', "take no bytes"),
        (json.dumps({"type": "enum", "name": "E", "symbols": [f"S{n}" for n in range(40_000)]}), "bytes; at most"),
    ],
    ids=["json", "cycle", "empty items", "large"],
)
async def test_what_is_not_admitted_is_a_decode_error_with_the_bytes(
    server: FaultyRegistry, text: str, reason: str
) -> None:
    server.inject(faults.reply(200, json.dumps({"schema": text})), path="/schemas/ids/7")
    codec = codec_over(Store(), schema_registry_url=server.url)
    value = id_frame(7) + b"\x02"
    with pytest.raises(DecodeError, match=f"schema id 7 is not let in: .*{reason}") as refused:
        await read(codec, value)
    assert refused.value.raw == value
    with pytest.raises(DecodeError, match=reason):
        await read(codec, value)
    assert server.count("GET", "/schemas/ids/7") == 1
    await codec.close()


async def read(codec: Any, value: bytes, headers: Any = ()) -> Any:
    try:
        return codec.decode(TOPIC, value, headers)
    except UnknownSchema as unknown:
        await codec.learn(unknown, value)
        return codec.decode(TOPIC, value, headers)


async def test_a_schema_that_shows_late_is_found(server: FaultyRegistry) -> None:
    number = put(server, ORDER)
    server.inject(faults.refuse(404, 40403, "Schema not found"), path=f"/schemas/ids/{number}", times=2)
    codec = codec_over(Store(), schema_registry_url=server.url)
    assert await read(codec, id_frame(number) + b"\x0e") == {"id": 7}
    await codec.close()


async def test_guids_are_written_in_a_header_and_read_from_both_places(server: FaultyRegistry) -> None:
    settings = {"schema_registry_url": server.url, "wire_format": "confluent_guid"}
    writing, reading = codec_over(Store(), **settings), codec_over(Store(), **settings)
    contract = fresh(ORDER)
    await writing.register(contract)
    value = contract.encode({"id": 7})
    assert value == b"\x0e"
    ((name, guid),) = contract.headers
    assert (name, guid[:1], len(guid)) == (GUID_HEADER, b"\x01", 17)
    headers = [("bus-topic", TOPIC.encode()), *contract.headers]
    assert await read(reading, value, headers) == {"id": 7}
    assert await read(reading, guid + value) == {"id": 7}
    assert server.count("GET", f"/schemas/guids/{UUID(bytes=guid[1:])}") == 1
    by_id = [("bus-topic", b"t"), (GUID_HEADER, id_frame(put(server, ORDER)))]
    assert await read(reading, value, by_id) == {"id": 7}
    for codec in (writing, reading):
        await codec.close()


async def test_a_registry_without_guids() -> None:
    async with FaultyRegistry(guids=False) as server:
        server.inject(faults.reply(404, ""), path="/schemas/guids/89791762-2336-4186-9674-299b90a802e2")
        codec = codec_over(Store(), schema_registry_url=server.url, wire_format="confluent_guid")
        with pytest.raises(ContractError, match="gives no GUIDs; set wire_format to confluent"):
            await codec.register(fresh(ORDER))
        guid = UUID("89791762-2336-4186-9674-299b90a802e2")
        with pytest.raises(DecodeError, match="this schema registry knows no GUIDs"):
            await read(codec, b"\x01" + guid.bytes + b"\x0e")
        await codec.close()


async def test_schemas_that_refer_to_others_are_made_whole(server: FaultyRegistry) -> None:
    money = {"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "Cents"}]}
    cents = {"type": "fixed", "name": "Cents", "namespace": "shop", "size": 2}
    order = {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [{"name": "price", "type": "Money"}, {"name": "paid", "type": "shop.Money"}],
    }

    def refer(name: str, subject: str) -> dict[str, Any]:
        return {"name": name, "subject": subject, "version": 1}

    answers = {
        "/subjects/cents/versions/1": {"schema": json.dumps(cents)},
        "/subjects/money/versions/1": {"schema": json.dumps(money), "references": [refer("shop.Cents", "cents")]},
        "/schemas/ids/7": {"schema": json.dumps(order), "references": [refer("shop.Money", "money")]},
        "/schemas/ids/8": {"schema": json.dumps(order), "references": [refer("shop.Money", "gone")]},
        "/schemas/ids/9": {"schema": json.dumps(order), "references": [{"name": "a"}]},
        "/schemas/ids/10": {"schema": json.dumps(order), "references": 7},
    }
    for path, answer in answers.items():
        server.inject(faults.reply(200, json.dumps(answer)), path=path)
    codec = codec_over(Store(), schema_registry_url=server.url)
    assert await read(codec, id_frame(7) + b"abcd") == {"price": {"cents": b"ab"}, "paid": {"cents": b"cd"}}
    with pytest.raises(DecodeError, match="refers to version 1 of gone, which is not there"):
        await read(codec, id_frame(8) + b"abcd")
    for number in (9, 10):
        with pytest.raises(DecodeError, match="in words that are not the API's"):
            await read(codec, id_frame(number) + b"abcd")
    await codec.close()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"schema_registry_url": "ftp://a"}, "is no address"),
        ({"schema_registry_url": "http://alice:s3cret@127.0.0.1"}, "holds a login"),
        ({"schema_registry_url": "http://registry.example:8081"}, "is unencrypted: use https"),
        ({"schema_registry_url": "https://a", "schema_registry_username": "x"}, "go together"),
        ({"schema_registry_token": "s3cret"}, "schema_registry_token has no effect without schema_registry_url"),
        ({"wire_format": "confluent"}, "wire_format confluent needs schema_registry_url"),
        (
            {"schema_registry_url": "https://a", "schema_registry_token": "s3cret\n"},
            "schema_registry_token is empty or",
        ),
        ({"schema_registry_url": "https://a", "schema_registry_token": ""}, "schema_registry_token is empty or"),
        (
            {"schema_registry_url": "http://localhost", "schema_registry_cafile": "a"},
            "cafile has no effect without https",
        ),
        (
            {
                "schema_registry_url": "https://a",
                "schema_registry_token": "s3cret",
                "schema_registry_username": "a",
                "schema_registry_password": "b",
            },
            "not both",
        ),
    ],
)
def test_impossible_settings_are_refused_without_their_secrets(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as refused:
        Settings(**values)
    assert "s3cret" not in str(refused.value)


def test_a_registry_elsewhere_over_http_has_to_be_wanted_twice() -> None:
    url = "http://registry.example:8081"
    settings = Settings(schema_registry_url=url, allow_schema_registry_plaintext=True)
    assert settings.written_format == "confluent"
    assert "s3cret" not in repr(Settings(schema_registry_url="https://a", schema_registry_token="s3cret"))
    with pytest.raises(SettingsError, match=r"schema_registry_cafile .* cannot be loaded"):
        registry_at("https://a", schema_registry_cafile="missing.pem")
