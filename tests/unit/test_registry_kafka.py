from __future__ import annotations

import asyncio

import pytest

from bus.avro.contract import Contract
from bus.avro.plain import PLAIN
from bus.avro.registry.history import History, version_key
from bus.avro.schema import AvroSchema
from bus.errors import ContractError
from tests.unit.memory_store import Store, record, registry_over


def priced(scale: int, name: str = "Price") -> Contract:
    price = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": scale}
    return record(name, ("p", price), contract=f"shop.price{scale}")


ORDER = record("Order", ("id", "long"))
ORDER_2 = record("Order", ("id", "long"), ("note", ["null", "string"], None))
ORDER_OTHER = record("Order", ("id", "string"))


async def test_a_client_that_starts_later_reads_what_was_registered() -> None:
    store = Store()
    await registry_over(store).register(ORDER)
    later = registry_over(store)
    assert later.known(ORDER.schema.frame) is None
    found = await later.find(ORDER.schema.frame)
    assert found is not None
    assert found.sha256 == ORDER.schema.sha256
    assert await later.names() == ["shop.thing"]
    assert [version.sha256 for version in await later.versions("shop.thing")] == [ORDER.schema.sha256]


async def test_two_that_register_the_same_end_with_one_entry() -> None:
    store = Store()
    await asyncio.gather(*(registry_over(store).register(ORDER) for _ in range(5)))
    assert sorted(store.entries) == sorted([*PLAIN, ORDER.schema.sha256, f"shop.thing@{ORDER.schema.sha256}"])


async def test_versions_keep_their_order_and_their_rule() -> None:
    store = Store()
    registry = registry_over(store)
    await registry.register(ORDER)
    await registry.register(ORDER_2)
    await registry.register(ORDER)
    assert [v.sha256 for v in await registry.versions("shop.thing")] == [ORDER.schema.sha256, ORDER_2.schema.sha256]
    before = dict(store.entries)
    with pytest.raises(ContractError, match=r"(?s)shop\.thing: not compatible: .*thing\.id: type"):
        await registry.register(ORDER_OTHER)
    assert store.entries == before
    await registry.register(record("Order", ("id", "string"), mode="NONE"))


async def test_two_scales_of_one_crc_are_not_both_let_in() -> None:
    assert priced(2).schema.frame == priced(4).schema.frame
    assert priced(2).schema.sha256 != priced(4).schema.sha256
    store = Store()
    await registry_over(store).register(priced(2))
    before = dict(store.entries)
    with pytest.raises(ContractError, match="same Avro fingerprint but other logical types"):
        await registry_over(store).register(priced(4))
    assert store.entries == before
    await registry_over(store).register(priced(4, "OtherPrice"))


@pytest.mark.parametrize(
    ("mine", "theirs", "reason"),
    [(priced(4), priced(2), "same Avro fingerprint"), (ORDER_OTHER, ORDER, "not compatible")],
    ids=["clash", "incompatible"],
)
async def test_of_two_that_race_the_later_in_the_topic_is_taken_out(
    mine: Contract, theirs: Contract, reason: str
) -> None:
    class Racing(Store):
        async def put(self, key: str, value: bytes | None) -> None:
            if key == version_key(mine) and value is not None:
                await registry_over(first).register(theirs)
                self.entries |= first.entries
            await super().put(key, value)

    first, store = Store(), Racing()
    with pytest.raises(ContractError, match=reason):
        await registry_over(store).register(mine)
    assert store.entries == first.entries
    assert await registry_over(store).look_up(mine) is None


async def test_what_is_not_a_version_of_the_contract_is_not_looked_up() -> None:
    store = Store()
    registry = registry_over(store)
    assert await registry.look_up(ORDER) is None
    await registry.register(ORDER)
    assert await registry.look_up(ORDER) is not None
    assert await registry.look_up(Contract("shop.other", ORDER.schema)) is None


async def test_plain_values_need_no_entry() -> None:
    store = Store()
    registry = registry_over(store)
    for schema in PLAIN.values():
        assert registry.known(schema.frame) is schema
        assert await registry.look_up(Contract(schema.name, schema)) is not None
    assert store.entries == {}


async def test_entries_that_are_no_schemas_are_passed_over() -> None:
    store = Store()
    store.entries = {"a": b"{", "b": b"{}", "c": b'{"name": "x", "schema": "[1]"}', "d": b"7", "x@y": b"{}"}
    store.entries |= {
        "e": b"[" * 100_000,
        "f": b'{"name": "x", "schema": "\\"int\\""}',
        "shop.thing@z": History().claim_of(ORDER),
    }
    registry = registry_over(store)
    assert await registry.find(ORDER.schema.frame) is None
    assert await registry.versions("x") == []
    await registry.register(ORDER)


@pytest.mark.parametrize("writes", range(1, 6))
async def test_stopped_anywhere_it_goes_on_where_it_was(writes: int) -> None:
    class Stopping(Store):
        left = writes

        async def put(self, key: str, value: bytes | None) -> None:
            await super().put(key, value)
            self.left -= 1
            if self.left == 0:
                raise asyncio.CancelledError

    store = Stopping()
    with pytest.raises(asyncio.CancelledError):
        await registry_over(store).register(ORDER)
    if ORDER.schema.sha256 not in store.entries:
        assert await registry_over(store).look_up(ORDER) is None
    await registry_over(store).register(ORDER)
    assert sorted(store.entries) == sorted([*PLAIN, ORDER.schema.sha256, version_key(ORDER)])


@pytest.mark.parametrize(
    ("mine", "theirs"), [(priced(4), priced(2)), (ORDER_OTHER, ORDER)], ids=["clash", "incompatible"]
)
async def test_a_claim_whose_writer_was_killed_is_not_taken_for_a_version(mine: Contract, theirs: Contract) -> None:
    store = Store()
    await registry_over(store).register(theirs)
    store.entries[version_key(mine)] = History().claim_of(mine)  # killed before it stepped back
    registry = registry_over(store)
    assert await registry.look_up(mine) is None
    if mine.name == theirs.name:
        assert [version.sha256 for version in await registry.versions(mine.name)] == [theirs.schema.sha256]
        await registry.register(ORDER_2)
    with pytest.raises(ContractError):
        await registry.register(mine)
    assert version_key(mine) not in store.entries
    assert registry.known(theirs.schema.frame) is not None


async def test_a_schema_that_went_away_is_not_read_by() -> None:
    store = Store()
    registry = registry_over(store)
    await registry_over(store).register(priced(2))
    assert await registry.find(priced(2).schema.frame) is not None
    store.entries.clear()  # as after a fresh start of the broker
    await registry_over(store).register(priced(4))
    await registry.names()
    found = await registry.find(priced(4).schema.frame)
    assert found is not None
    assert found.sha256 == priced(4).schema.sha256


async def test_versions_keep_their_order_when_compaction_moves_a_claim() -> None:
    store = Store()
    await registry_over(store).register(ORDER)
    first = dict(store.entries)
    await registry_over(store).register(ORDER_2)
    # A second instance of the first release had claimed the same; compaction keeps the later of the two records.
    for key, value in first.items():
        store.entries[key] = store.entries.pop(key, value)
    registry = registry_over(store)
    assert [v.sha256 for v in await registry.versions("shop.thing")] == [ORDER.schema.sha256, ORDER_2.schema.sha256]
    assert await registry.look_up(ORDER) is not None
    await registry.register(ORDER)


async def test_a_dead_loser_does_not_block_the_winner_under_another_name() -> None:
    store = Store()
    await registry_over(store).register(priced(2))
    loser = priced(4)
    store.entries[version_key(loser)] = History().claim_of(loser)
    await registry_over(store).register(Contract("shop.other", priced(2).schema))


async def test_only_what_is_asked_for_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    contracts = [record(f"R{number}", ("id", "long"), contract=f"shop.r{number}") for number in range(30)]
    for contract in contracts:
        await registry_over(store).register(contract)
    parsed: list[str] = []
    real = AvroSchema.from_json

    def noted(text: str, name: str) -> AvroSchema:
        parsed.append(name)
        return real(text, name)

    monkeypatch.setattr(AvroSchema, "from_json", noted)
    later = registry_over(store)
    assert await later.find(contracts[7].schema.frame) is not None
    assert parsed == ["shop.r7"]


def test_a_claim_that_is_made_anew_with_another_rule_counts_by_that() -> None:
    history = History()
    allowed = record("Order", ("id", "string"), mode="NONE")
    items = {version_key(ORDER): history.claim_of(ORDER)}
    history.read(items)
    refused = items | {version_key(ORDER_OTHER): history.claim_of(ORDER_OTHER)}
    history.read(refused)
    assert [version.sha256 for version in history.versions("shop.thing")] == [ORDER.schema.sha256]
    history.read(refused | {version_key(allowed): history.claim_of(allowed)})
    assert len(history.versions("shop.thing")) == 2
