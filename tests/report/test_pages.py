"""Reports as pages: made one at a time, kept a while, and not so many that nothing else is done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from monitor.errors import InputError
from monitor.ledger.period import Month
from monitor.report_pages import KEPT_NS, NOTHING_NS, PAGES, WAITING, ReportPages, Wanted

MARCH = Month(2026, 3)


@dataclass
class Hand:
    """A clock by hand, and a maker of pages that takes a second of it."""

    ns: int = 0
    terms: str = "a"
    takes_s: int = 1
    made: list[Wanted] = field(default_factory=list)
    slept_s: list[float] = field(default_factory=list)

    def now(self) -> int:
        return self.ns // 1_000_000

    def monotonic_ns(self) -> int:
        return self.ns

    def asleep_ns(self) -> int:
        return 0

    def synchronized(self) -> bool | None:
        return True

    def make(self, wanted: Wanted) -> str:
        self.made.append(wanted)
        self.ns += self.takes_s * 10**9
        if wanted.month > MARCH:
            raise InputError("it has not begun")
        return f"{wanted.service} {len(self.made)}"

    def pages(self) -> ReportPages:
        return ReportPages(self, self.make, lambda: self.terms, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        until = self.ns + int(seconds * 10**9)
        await asyncio.sleep(0)
        self.ns = max(self.ns, until)


def public(service: str) -> Wanted:
    return Wanted(service, MARCH, is_whole=False)


def whole(service: str = "app", month: Month = MARCH) -> Wanted:
    return Wanted(service, month, is_whole=True)


async def test_a_page_is_given_again_for_a_minute_and_not_after_a_reload() -> None:
    hand = Hand()
    pages = hand.pages()
    assert [await pages.page(whole()) for _ in range(3)] == ["app 1"] * 3
    hand.ns += KEPT_NS
    assert await pages.page(whole()) == "app 2"
    hand.terms = "b"
    assert await pages.page(whole()) == "app 3"


async def test_many_who_ask_at_once_are_given_one_page() -> None:
    hand = Hand()
    pages = hand.pages()
    assert set(await asyncio.gather(*(pages.page(whole()) for _ in range(20)))) == {"app 1"}
    assert len(hand.made) == 1


async def test_that_there_is_nothing_to_tell_is_remembered_too() -> None:
    hand = Hand()
    pages = hand.pages()
    for _ in range(3):
        with pytest.raises(InputError, match="it has not begun"):
            await pages.page(whole(month=Month(2199, 1)))
    assert len(hand.made) == 1
    hand.ns += NOTHING_NS
    with pytest.raises(InputError):
        await pages.page(whole(month=Month(2199, 1)))
    assert len(hand.made) == 2


async def test_pages_for_everybody_take_a_quarter_of_the_time_at_most() -> None:
    hand = Hand()
    pages = hand.pages()
    await pages.page(public("app"))
    assert await pages.page(public("app")) == "app 1"  # it is kept
    assert await pages.page(whole("other")) == "other 2"  # who may read everything waits for nobody
    assert hand.slept_s == []
    assert await pages.page(public("other")) == "other 3"  # a click on the next month waits its turn
    assert hand.slept_s == [3.0]
    assert set(await asyncio.gather(*(pages.page(public("third")) for _ in range(5)))) == {"third 4"}


async def test_who_would_wait_for_too_long_is_told_at_once() -> None:
    hand = Hand(takes_s=4)
    pages = hand.pages()
    await pages.page(public("app"))
    with pytest.raises(TimeoutError):
        await pages.page(public("other"))
    hand.ns += 2 * 10**9
    assert await pages.page(public("other")) == "other 2"
    assert hand.slept_s == [10.0]


async def test_only_so_many_wait() -> None:
    hand = Hand()
    pages = hand.pages()
    await pages.page(public("app"))
    told = await asyncio.gather(
        *(pages.page(public(f"s{place % 2}")) for place in range(WAITING + 3)), return_exceptions=True
    )
    assert [type(each) for each in told] == [str] * WAITING + [TimeoutError] * 3
    assert len(hand.made) == 3


async def test_what_is_kept_is_bounded() -> None:
    hand = Hand()
    pages = hand.pages()
    for place in range(PAGES + 1):
        await pages.page(whole(f"s{place}"))
    await pages.page(whole(f"s{PAGES}"))
    assert len(hand.made) == PAGES + 1
    await pages.page(whole("s0"))
    assert len(hand.made) == PAGES + 2
