from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from bus.avro.codec import Codec
from bus.avro.contract import Contract
from bus.avro.framing import GUID_HEADER, framing_of, id_frame
from bus.avro.reader import UnknownSchema
from bus.errors import ContractError, DecodeError
from bus.settings import RouteRule
from tests.unit.memory_store import Store, codec_over, record

ORDER = record("Order", ("id", "long"))
ORDER_2 = record("Order", ("id", "long"), ("note", ["null", "string"], None))
TOPIC = "shop.orders.new"
GUID = UUID("89791762-2336-4186-9674-299b90a802e2")


async def register(codec: Codec, contract: Contract) -> None:
    """As another client's: a contract remembers that it is registered."""
    await codec.register(Contract(contract.name, contract.schema, contract.compatibility))


async def read(codec: Codec, topic: str, value: bytes) -> Any:
    try:
        return codec.decode(topic, value)
    except UnknownSchema as unknown:
        await codec.learn(unknown, value)
        return codec.decode(topic, value)


async def test_what_one_client_writes_another_reads() -> None:
    store = Store()
    writing, reading = codec_over(store), codec_over(store)
    await register(writing, ORDER)
    value = ORDER.encode({"id": 7})
    with pytest.raises(UnknownSchema):
        reading.decode(TOPIC, value)
    assert await read(reading, TOPIC, value) == {"id": 7}


async def test_a_reader_with_a_contract_reads_every_version_as_its_own() -> None:
    store = Store()
    writing, reading = codec_over(store), codec_over(store)
    for contract in (ORDER, ORDER_2):
        await register(writing, contract)
    reading.add(ORDER_2)
    reading._rule_of = lambda topic: RouteRule(pattern="**", contract=ORDER_2.name)
    assert await read(reading, TOPIC, ORDER.encode({"id": 7})) == {"id": 7, "note": None}
    assert await read(reading, TOPIC, ORDER_2.encode({"id": 7, "note": "x"})) == {"id": 7, "note": "x"}
    reading.add(ORDER)
    assert await read(reading, TOPIC, ORDER_2.encode({"id": 7, "note": "x"})) == {"id": 7}


async def test_what_cannot_be_read_as_the_contract_is_refused_with_its_bytes() -> None:
    store = Store()
    codec = codec_over(store)
    await register(codec, ORDER)
    other = record("Order", ("id", "string"))
    codec.add(other)
    codec._rule_of = lambda topic: RouteRule(pattern="**", contract=other.name)
    value = ORDER.encode({"id": 7})
    for _ in range(2):
        with pytest.raises(DecodeError, match=r"(?s)not readable as shop\.thing: .*thing\.id") as refused:
            await read(codec, TOPIC, value)
        assert refused.value.raw == value


async def test_without_read_as_contract_values_are_as_they_were_written() -> None:
    store = Store()
    rule = RouteRule(pattern="datagov.**", contract="datagov.dataset")
    codec = codec_over(store, routes=(rule,), read_as_contract=False)
    await register(codec, ORDER)
    assert await read(codec, "datagov.datasets.created", ORDER.encode({"id": 7})) == {"id": 7}


async def test_an_unknown_schema_is_a_decode_error_with_the_bytes_and_is_not_asked_for_again_and_again() -> None:
    store = Store()
    codec = codec_over(store)
    value = ORDER.encode({"id": 7})
    with pytest.raises(DecodeError, match=f"fingerprint {ORDER.schema.frame[2:].hex()} is in no registry") as unknown:
        await read(codec, TOPIC, value)
    assert unknown.value.raw == value
    asked = store.refreshed
    with pytest.raises(DecodeError, match="is in no registry"):
        await read(codec, TOPIC, value)
    assert store.refreshed == asked


@pytest.mark.parametrize("foreign", [b"", b"{}", b"\xc3\x01", b"\x00\x00\x01", b"\x01abc", b"\xff" * 20])
def test_no_framing_is_a_decode_error_with_the_bytes(foreign: bytes) -> None:
    with pytest.raises(DecodeError, match="no Avro framing") as refused:
        codec_over(Store()).decode(TOPIC, foreign)
    assert refused.value.raw == foreign


async def test_values_of_a_registry_server_need_one() -> None:
    codec = codec_over(Store())
    with pytest.raises(DecodeError, match="schema id 7 is in a schema registry; set schema_registry_url"):
        await read(codec, TOPIC, id_frame(7) + b"\x0e")


def test_the_header_of_a_guid_goes_before_the_value() -> None:
    assert framing_of(b"\x00\x00\x00\x00\x07x", b"\x01" + GUID.bytes) == (GUID, 0)
    assert framing_of(b"\x01" + GUID.bytes + b"x") == (GUID, 17)
    with pytest.raises(UnknownSchema) as unknown:
        codec_over(Store()).decode(TOPIC, b"x", [("bus-topic", b"t"), (GUID_HEADER, b"\x01" + GUID.bytes)])
    assert unknown.value.reference == GUID
    with pytest.raises(DecodeError, match=f"header {GUID_HEADER} is 02"):
        framing_of(b"x", b"\x02" + GUID.bytes)


async def test_production_uses_registered_contracts_only() -> None:
    store = Store()
    codec = codec_over(store, environment="production")
    contract = Contract(ORDER.name, ORDER.schema)
    with pytest.raises(ContractError, match=r"not registered as it is here .*tierbus contracts push shop\.thing"):
        await codec.register(contract)
    assert store.entries == {}
    await codec.register(codec.plain.json)
    await register(codec_over(store), ORDER)
    await codec.register(contract)
    assert contract.registered


def test_an_unknown_contract_lists_those_that_are() -> None:
    with pytest.raises(ContractError, match=r"contract shop\.none is unknown; known are .*datagov\.dataset"):
        codec_over(Store(), routes=[{"pattern": "**", "contract": "shop.none"}])


def test_one_contract_has_one_rule_of_change() -> None:
    rules = [{"pattern": "a.**", "contract": "trading.order", "compatibility": mode} for mode in ("FULL", "NONE")]
    with pytest.raises(ContractError, match=r"bind contract trading\.order with compatibility FULL and NONE"):
        codec_over(Store(), routes=rules)
    assert codec_over(Store(), routes=rules[:1]).contract("trading.order").compatibility == "FULL"


def test_contracts_of_a_folder_of_ones_own(tmp_path: Any) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "order.avsc").write_text(ORDER.schema.text)
    codec = codec_over(Store(), contracts_dir=str(tmp_path))
    assert codec.contract("shop.order").schema.sha256 == ORDER.schema.sha256
    (tmp_path / "shop" / "broken.avsc").write_text("{")
    with pytest.raises(ContractError, match=r"shop\.broken"):
        codec_over(Store(), contracts_dir=str(tmp_path))
    with pytest.raises(ContractError, match="is no folder"):
        codec_over(Store(), contracts_dir=str(tmp_path / "missing"))
