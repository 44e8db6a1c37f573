"""The one deadline over a probe: many of one length share a timer of the loop's, and each ends its own block alone."""

from __future__ import annotations

import asyncio

import pytest

from monitor.probes.deadline import Deadline

SHORT_S, LONG_S = 0.02, 30.0


async def waits_in_vain(seconds: float) -> Deadline:
    loop = asyncio.get_running_loop()
    with Deadline(loop, seconds) as deadline:
        await loop.create_future()
    return deadline


async def test_deadlines_of_one_length_each_end_their_own_block() -> None:
    async with asyncio.timeout(LONG_S):
        first = asyncio.create_task(waits_in_vain(SHORT_S))
        loop = asyncio.get_running_loop()
        with Deadline(loop, SHORT_S) as in_time:
            pass
        assert (await first).passed
        assert (await waits_in_vain(SHORT_S)).passed, "the timer is set again after it has rung"
        both = await asyncio.gather(waits_in_vain(SHORT_S), waits_in_vain(SHORT_S))
    assert all(deadline.passed for deadline in both)
    assert not in_time.passed


async def test_one_that_begins_later_ends_later_and_not_with_the_timer_of_the_first() -> None:
    ended: list[str] = []

    async def one(name: str) -> None:
        began = asyncio.get_running_loop().time()
        await waits_in_vain(SHORT_S)
        assert asyncio.get_running_loop().time() - began >= SHORT_S - 0.001, "a millisecond is what uvloop knows"
        ended.append(name)

    async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as group:
        group.create_task(one("first"))
        await waits_in_vain(SHORT_S / 2)
        group.create_task(one("second"))
    assert ended == ["first", "second"]


async def test_a_short_one_ends_while_a_long_one_waits() -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LONG_S):
        with Deadline(loop, LONG_S) as long:
            assert (await waits_in_vain(SHORT_S)).passed is True
    assert not long.passed


async def test_a_cancellation_from_elsewhere_goes_on() -> None:
    waiting = asyncio.create_task(waits_in_vain(LONG_S))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_error_of_the_block_goes_on_and_leaves_no_deadline_behind() -> None:
    loop = asyncio.get_running_loop()

    def fails() -> None:
        with Deadline(loop, SHORT_S):
            raise ZeroDivisionError

    async with asyncio.timeout(LONG_S):
        with pytest.raises(ZeroDivisionError):
            fails()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2 * SHORT_S):
                await loop.create_future()
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]
