"""The scales of the other tests: what a look takes is seen, and what it does not take is not."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MOST_MEMORY, Weigh
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.probes.servers import answer, repeats, says, serving


async def test_a_look_that_keeps_a_megabyte_weighs_a_megabyte() -> None:
    async with serving(says(answer(b"200 OK", b"x" * 1_000_000))) as server:
        kept = ("http", {"url": server.url, "expect": {"body_matches": "x$"}})
        heavy = await run_elsewhere(Errand((kept,), weighed=True))
        light = await run_elsewhere(Errand((("http", {"url": server.url}),), weighed=True))
    assert (heavy.only.outcome, light.only.outcome) == ("pass", "pass")
    assert heavy.peak > 1_000_000
    assert light.peak < heavy.peak


async def test_a_look_over_the_bound_fails(weigh: Weigh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.conftest.MOST_MEMORY", MOST_MEMORY // 10_000)
    async with serving(says(answer(b"200 OK", b"x" * 1_000_000))) as server:
        with pytest.raises(AssertionError, match="bytes"):
            await weigh(server.url, expect={"body_matches": "x$"})


async def test_an_endless_body_is_not_kept(weigh: Weigh) -> None:
    async with serving(repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536)) as server:
        seen = await weigh(server.url, expect={"body_matches": "y"})
    assert (seen.only.outcome, seen.only.reason) == ("fail", "http_too_large")
