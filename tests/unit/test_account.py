from __future__ import annotations

import asyncio

from bus.publish.account import Account


def test_takes_up_to_both_limits() -> None:
    account = Account(messages_max=2, bytes_max=100)
    assert account.take(60)
    assert not account.take(41)
    assert account.take(40)
    assert not account.take(0)
    assert (account.messages, account.size_bytes) == (2, 100)
    account.give(1, 60)
    assert account.take(60)


def test_utilization_is_the_fuller_measure() -> None:
    account = Account(messages_max=10, bytes_max=100)
    account.take(50)
    assert account.utilization == 0.5


async def test_waiters_are_served_in_order_and_nobody_overtakes() -> None:
    account = Account(messages_max=1, bytes_max=100)
    assert account.take(100)
    served: list[str] = []

    async def wait(name: str) -> None:
        assert await account.wait(50, 5)
        served.append(name)

    first, second = asyncio.create_task(wait("first")), asyncio.create_task(wait("second"))
    while len(account._waiters) < 2:
        await asyncio.sleep(0)
    account.give(1, 100)
    await first
    assert not account.take(1)
    account.give(1, 50)
    await second
    assert served == ["first", "second"]
    account.give(1, 50)
    assert (account.messages, account.size_bytes) == (0, 0)


async def test_a_wait_that_runs_out_leaves_nothing_taken() -> None:
    account = Account(messages_max=1, bytes_max=100)
    assert account.take(1)
    assert not await account.wait(1, 0)
    account.give(1, 1)
    assert (account.messages, account.size_bytes) == (0, 0)
    assert account.take(1)


async def test_a_cancelled_wait_gives_its_place_to_the_next() -> None:
    account = Account(messages_max=1, bytes_max=100)
    assert account.take(1)
    gone, stays = (asyncio.create_task(account.wait(1, 5)) for _ in range(2))
    while len(account._waiters) < 2:
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    account.give(1, 1)
    assert await stays


async def test_cancelled_in_the_step_in_which_it_was_served_the_room_goes_back() -> None:
    account = Account(messages_max=1, bytes_max=100)
    assert account.take(1)
    waiting = asyncio.create_task(account.wait(1, 5))
    while not account._waiters:
        await asyncio.sleep(0)
    account.give(1, 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (account.messages, account.size_bytes) == (0, 0)


async def test_room_that_comes_in_the_step_in_which_the_time_is_over_is_not_lost() -> None:
    account = Account(messages_max=1, bytes_max=100)
    assert account.take(1)
    waiting = asyncio.create_task(account.wait(1, 60))
    while not account._waiters:
        await asyncio.sleep(0)
    account._waiters[0][0].cancel()  # what the timeout does first; the task has not run since
    account.give(1, 1)
    await asyncio.wait([waiting])
    assert (account.messages, account.size_bytes) == (0, 0)
    assert account.take(1)
