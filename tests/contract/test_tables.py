"""The promise of `bus.transport.base`, kept by both engines: tables."""

from __future__ import annotations

import asyncio

import pytest

from bus.errors import UndeclaredTopicError
from tests.contract.conftest import MakeClient
from tests.contract.harness import bounded


async def test_a_table_gives_what_was_put(make_transport: MakeClient) -> None:
    table = await (await make_transport()).table("_things")
    assert table.get("a") is None
    assert dict(table.items()) == {}
    await bounded(table.put("a", b"1"))
    await bounded(table.put("b", b""))
    await bounded(table.put("a", b"2"))
    assert (table.get("a"), table.get("b")) == (b"2", b"")
    assert list(table.items().items()) == [("a", b"2"), ("b", b"")]


async def test_another_client_sees_a_put_after_refresh(make_transport: MakeClient) -> None:
    mine = await (await make_transport()).table("_things")
    theirs = await (await make_transport()).table("_things")
    await bounded(mine.put("a", b"mine"))
    await bounded(theirs.refresh())
    assert theirs.get("a") == b"mine"
    await bounded(theirs.put("a", b"theirs"))
    await bounded(mine.refresh())
    assert mine.get("a") == b"theirs"


async def test_a_put_is_read_back_with_what_others_put_before(make_transport: MakeClient) -> None:
    mine = await (await make_transport()).table("_things")
    theirs = await (await make_transport()).table("_things")
    await bounded(theirs.put("theirs", b"1"))
    await bounded(mine.put("mine", b"2"))
    assert list(mine.items().items()) == [("theirs", b"1"), ("mine", b"2")]


async def test_a_table_that_is_opened_later_has_all(make_transport: MakeClient) -> None:
    client = await make_transport()
    table = await client.table("_things")
    for number in range(50):
        await bounded(table.put(f"key-{number % 10}", b"%d" % number))
    await bounded(table.put("key-3", None))
    await client.transport.close(5.0)
    later = await (await make_transport()).table("_things")
    assert dict(later.items()) == {f"key-{n - 40}": b"%d" % n for n in range(40, 50) if n != 43}


async def test_none_removes_a_key_everywhere(make_transport: MakeClient) -> None:
    mine = await (await make_transport()).table("_things")
    theirs = await (await make_transport()).table("_things")
    await bounded(mine.put("a", b"1"))
    await bounded(theirs.refresh())
    await bounded(mine.put("a", None))
    assert mine.get("a") is None
    await bounded(theirs.refresh())
    assert theirs.get("a") is None
    assert dict(theirs.items()) == {}
    await bounded(mine.put("never", None))
    assert dict(mine.items()) == {}


async def test_tables_do_not_mix(make_transport: MakeClient) -> None:
    client = await make_transport()
    one, two = await client.table("_one"), await client.table("_two")
    await bounded(one.put("a", b"1"))
    await bounded(two.refresh())
    assert two.get("a") is None


async def test_concurrent_puts_all_land(make_transport: MakeClient) -> None:
    mine = await (await make_transport()).table("_things")
    theirs = await (await make_transport()).table("_things")
    puts = [table.put(f"{name}{n}", b"x") for n in range(10) for name, table in (("m", mine), ("t", theirs))]
    await bounded(asyncio.gather(*puts))
    await bounded(asyncio.gather(mine.refresh(), theirs.refresh()))
    assert list(mine.items()) == list(theirs.items())
    assert mine.items().keys() == {f"{name}{n}" for n in range(10) for name in "mt"}


async def test_production_opens_declared_tables_only(make_transport: MakeClient) -> None:
    production = await make_transport(environment="production")
    with pytest.raises(UndeclaredTopicError, match="tierbus topics create"):
        await bounded(production.table("_things"))
    declared = await (await make_transport()).table("_things")
    await bounded(declared.put("a", b"1"))
    assert (await bounded(production.table("_things"))).get("a") == b"1"
