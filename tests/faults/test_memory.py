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


JSON_BODIES = {
    "ASCII": b'{"a": "' + b"x" * 299_000 + b'"}',
    "wide characters": b'{"a": "' + "\U0001f600".encode() * 18_000 + b'"}',
    "ASCII but for one": b'{"a": "' + b"x" * 74_000 + '\U0001f600"}'.encode(),
    "numbers": b"[" + b"1," * 4_990 + b"1]",
    "objects": b"[" + b"{}," * 1_650 + b"{}]",
    "members": b"{" + b",".join(b'"%d":%d' % (number, number) for number in range(4_990)) + b"}",
    "a number": b"9" * 299_000,
    "nested": b"[" * 4_900,
    "too many": b"[" + b"1," * 499_000 + b"1]",
}


@pytest.mark.parametrize("body", JSON_BODIES.values(), ids=JSON_BODIES)
async def test_no_json_takes_more_than_a_look_may(weigh: Weigh, body: bytes) -> None:
    async with serving(says(answer(b"200 OK", body))) as server:
        seen = await weigh(server.url, expect={"json": ["$.a == $[0]", "length($) >= 1"]})
    assert seen.only.assertions[-1].name.startswith("json")


async def test_many_expressions_look_at_one_body(weigh: Weigh) -> None:
    async with serving(says(answer(b"200 OK", b"x" * 999_000))) as server:
        patterns = [f"x{{{number}}}$" for number in range(1, 21)]
        seen = await weigh(server.url, expect={"body_matches": patterns, "body_lacks": patterns[:3]})
    assert [each.name for each in seen.only.assertions if not each.passed] == [
        f"body_lacks[{place}]" for place in range(3)
    ]
