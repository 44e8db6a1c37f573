"""The scales of the other tests: what a look takes is seen, and what it does not take is not."""

from __future__ import annotations

import sys
from random import Random

import pytest

from tests.faults.conftest import MOST_MEMORY, PATIENT_MS, Weigh, is_down
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
    "ASCII": b'{"a": "' + b"x" * 239_000 + b'"}',
    "wide characters": b'{"a": "' + "\U0001f600".encode() * 14_000 + b'"}',
    "ASCII but for one": b'{"a": "' + b"x" * 59_000 + '\U0001f600"}'.encode(),
    "ASCII with a wide escape": b'{"a": "' + b"x" * 238_000 + b'\\ud83d\\ude00"}',
    "members with wide escapes": b"{" + b",".join(b'"%036d\\uD83D\\ude00":%d' % (n, n) for n in range(3_900)) + b"}",
    "members with other escapes": b"{" + b",".join(b'"%042d\\u0100":%d' % (n, n) for n in range(3_900)) + b"}",
    "half of them": b"{" + b",".join(b'"%014d\\u0100":%d' % (n, n) for n in range(3_900)) + b"}",
    "long members": b"{" + b",".join(b'"%052d":%d' % (n, n) for n in range(3_900)) + b"}",
    "numbers": b"[" + b"1," * 3_990 + b"1]",
    "objects": b"[" + b"{}," * 1_320 + b"{}]",
    "members": b"{" + b",".join(b'"%d":%d' % (number, number) for number in range(3_990)) + b"}",
    "a number": b"9" * 239_000,
    "nested": b"[" * 3_900,
    "too many": b"[" + b"1," * 499_000 + b"1]",
}


@pytest.mark.parametrize("body", JSON_BODIES.values(), ids=JSON_BODIES)
async def test_no_json_takes_more_than_a_look_may(weigh: Weigh, body: bytes) -> None:
    async with serving(says(answer(b"200 OK", body))) as server:
        seen = await weigh(server.url, expect={"json": ["$.a == $[0]", "length($) >= 1"]})
    assert seen.only.assertions[-1].name.startswith("json")


async def test_small_pieces_weigh_too() -> None:
    """Also where the process has given back enough room for them before: nothing may hide in what is free."""
    body = b"[" + b",".join(b'"%030d"' % number for number in range(3_900)) + b"]"
    async with serving(says(answer(b"200 OK", body))) as server:
        kept = ("http", {"url": server.url, "expect": {"json": ["length($) == 3900"]}})
        seen = await run_elsewhere(Errand((kept,), weighed=True))
    assert seen.only.outcome == "pass"
    assert seen.peak > 2 * len(body) + 3_900 * sys.getsizeof("x" * 30)


def of_two_letters(length: int) -> bytes:
    """In no order: what an expression has met so far says nothing of what comes."""
    letters = Random(1)  # noqa: S311  no secret
    return letters.randbytes(length).translate(bytes(b"ab"[number % 2] for number in range(256)))


async def test_a_body_on_which_an_expression_is_slow_holds_no_loop_and_keeps_no_memory(weigh: Weigh) -> None:
    """Half a second and 2 MB for one of them, were RE2 left alone in the loop: each such look would be void."""
    async with serving(says(answer(b"200 OK", of_two_letters(990_000)))) as server:
        slow = "a[ab]{100}c"
        seen = await weigh(server.url, timeout_ms=PATIENT_MS, expect={"body_matches": slow, "body_lacks": "a[ab]{14}c"})
    assert is_down(seen.only, "http_content", PATIENT_MS / 1000)
    assert [each.name for each in seen.only.assertions if not each.passed] == ["body_matches"]


async def test_many_expressions_look_at_one_body(weigh: Weigh) -> None:
    async with serving(says(answer(b"200 OK", b"x" * 999_000))) as server:
        patterns = [f"x{{{number}}}$" for number in range(1, 21)]
        seen = await weigh(server.url, expect={"body_matches": patterns, "body_lacks": patterns[:3]})
    assert [each.name for each in seen.only.assertions if not each.passed] == [
        f"body_lacks[{place}]" for place in range(3)
    ]
