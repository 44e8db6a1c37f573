"""Rows 52 to 73 of the fault catalogue: what a look records of a response, whatever it is."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from tests.faults.conftest import PATIENT_MS, SHORT_MS, Weigh, ended_by_its_deadline, is_down, is_up, is_weighed
from tests.probes.conftest import Look
from tests.probes.servers import Talk, answer, repeats, says, serving, silent

BOUND_S = 1
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


async def down(look: Look, talk: Talk, reason: str, **settings: object) -> bool:
    """Whether a server that talks so is down for this reason, after one request."""
    async with serving(talk) as server:
        seen = await look(server.url, timeout_ms=PATIENT_MS, **settings)
    assert (server.connections, len(server.requests)) == (1, 1)
    return is_down(seen, reason, BOUND_S)


async def up(look: Look, talk: Talk, **settings: object) -> bool:
    async with serving(talk) as server:
        seen = await look(server.url, timeout_ms=PATIENT_MS, **settings)
    assert (server.connections, len(server.requests)) == (1, 1)
    return is_up(seen, BOUND_S)


# ---------------------------------------------------------------- what it says


async def test_52_a_response_as_specified_is_up(look: Look) -> None:
    assert await up(look, says(answer()))
    assert await up(look, says(b"HTTP/1.1 204 No Content\r\n\r\n", then_close=False))
    assert await up(look, says(b"HTTP/1.0 200 OK\r\n\r\nuntil it closes"), expect={"body_matches": "closes$"})


@pytest.mark.parametrize("status", [500, 503, 404, 429, 304, 300, 600])
async def test_53_a_status_that_is_not_expected_is_down_with_its_code(look: Look, status: int) -> None:
    async with serving(says(answer(b"%d Whatever" % status))) as server:
        seen = await look(server.url, timeout_ms=PATIENT_MS)
    assert is_down(seen, "http_status", BOUND_S)
    assert (seen.status, seen.detail) == (status, f"status {status}")


@pytest.mark.parametrize("status", [429, 503])
async def test_54_a_refusal_that_names_when_to_come_again_may_be_a_rate_limit(look: Look, status: int) -> None:
    async with serving(says(answer(b"%d Slow Down" % status, b"", b"Retry-After: 3"))) as server:
        seen = await look(server.url, timeout_ms=PATIENT_MS)
    assert is_down(seen, "http_status", BOUND_S)
    assert seen.detail == f"status {status}, maybe rate limited"


async def test_55_an_error_page_with_a_good_status_is_down(look: Look) -> None:
    page = says(answer(b"200 OK", b"<h1>Something went wrong</h1>"))
    assert await down(look, page, "http_content", expect={"body_matches": '"status": *"ok"'})
    assert await down(look, page, "http_content", expect={"body_lacks": "went wrong"})


async def test_55_no_body_holds_an_expression_for_long(look: Look) -> None:
    backtracking = says(answer(b"200 OK", b"a" * 900_000 + b"!"))
    assert await down(look, backtracking, "http_content", expect={"body_matches": "^(a+)+$"})


# ---------------------------------------------------------------- how long it takes


@pytest.mark.parametrize("talk", [silent, says(OK + b"X: a", then_close=False)], ids=["nothing", "half a header"])
async def test_56_silence_after_the_connection_ends_at_the_deadline(look: Look, talk: Talk) -> None:
    async with serving(talk) as server:
        assert ended_by_its_deadline(await look(server.url, timeout_ms=SHORT_MS), "http_timeout_headers")
    assert len(server.requests) == 1


async def test_57_a_header_at_a_time_ends_at_the_deadline(look: Look) -> None:
    async with serving(repeats(OK, b"X: a\r\n", 0.02)) as server:
        assert ended_by_its_deadline(await look(server.url, timeout_ms=SHORT_MS), "http_timeout_headers")


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(repeats(OK + b"Content-Length: 100000\r\n\r\n", b"a", 0.02), id="a byte"),
        pytest.param(repeats(CHUNKED, b"1\r\na\r\n", 0.02), id="a chunk"),
        pytest.param(says(OK + b"Content-Length: 9\r\n\r\nabc", then_close=False), id="no more"),
    ],
)
async def test_58_a_body_a_byte_at_a_time_ends_at_the_deadline(look: Look, talk: Talk) -> None:
    async with serving(talk) as server:
        assert ended_by_its_deadline(await look(server.url, timeout_ms=SHORT_MS), "http_timeout_body")


# ---------------------------------------------------------------- how much there is


ENDLESS = [
    pytest.param(repeats(OK + b"\r\n", bytes(65_536)), id="until it closes"),
    pytest.param(repeats(CHUNKED, b"10000\r\n" + bytes(65_536) + b"\r\n"), id="chunks"),
    pytest.param(repeats(CHUNKED, b"1\r\na\r\n" * 10_000), id="one-byte chunks"),
]


@pytest.mark.parametrize("talk", ENDLESS)
async def test_59_a_body_without_end_is_too_large(look: Look, talk: Talk) -> None:
    assert await down(look, talk, "http_too_large")
    assert await down(look, talk, "http_too_large", expect={"body_matches": "never"})


async def test_59_a_body_without_end_takes_no_more_memory_than_a_look_may(weigh: Weigh) -> None:
    async with serving(repeats(OK + b"\r\n", bytes(65_536))) as server:
        weighed = await weigh(server.url, timeout_ms=PATIENT_MS, expect={"body_matches": "never"})
    assert is_weighed(weighed, "http_too_large")


GIGABYTE = repeats(OK + b"Content-Length: 1000000000\r\n\r\n", bytes(65_536))


async def test_60_a_gigabyte_of_an_honest_length_is_up_where_nobody_asks_for_the_body(look: Look) -> None:
    assert await up(look, GIGABYTE)
    assert await down(look, GIGABYTE, "http_too_large", expect={"body_matches": "never"})


async def test_60_reading_stops_at_the_cap(weigh: Weigh) -> None:
    sent = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(OK + b"Content-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            await writer.drain()
            sent += 65_536

    async with serving(count) as server:
        for expect, reason in (({}, None), ({"body_matches": "never"}, "http_too_large")):
            assert is_weighed(await weigh(server.url, timeout_ms=PATIENT_MS, expect=expect), reason)
    assert sent < 100_000_000  # what was on its way: the sockets' buffers


async def test_61_a_body_that_is_cut_short_is_truncated(look: Look) -> None:
    assert await down(look, says(OK + b"Content-Length: 100\r\n\r\nabc"), "http_truncated")


async def test_62_what_comes_after_the_length_is_ignored(look: Look) -> None:
    longer = says(OK + b"Content-Length: 3\r\n\r\nabcdefgh", then_close=False)
    assert await up(look, longer, expect={"body_matches": "^abc$"})


# ---------------------------------------------------------------- how it is framed


async def test_63_two_lengths_are_no_http(look: Look) -> None:
    assert await down(look, says(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "http_protocol")
    assert await down(look, says(OK + b"Content-Length: 3, 4\r\n\r\nabcd"), "http_protocol")


async def test_64_a_length_and_chunks_are_no_http(look: Look) -> None:
    length, chunks, end = b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n3\r\nabc\r\n0\r\n\r\n"
    assert await down(look, says(OK + length + chunks + end), "http_protocol")
    assert await down(look, says(OK + chunks + length + end), "http_protocol")


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        (b"zz\r\nabc\r\n0\r\n\r\n", "http_protocol"),
        (b"-3\r\nabc\r\n0\r\n\r\n", "http_protocol"),
        (b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n", "http_protocol"),
        (b"3\r\nabcdef\r\n0\r\n\r\n", "http_protocol"),
        (b"3\r\nabc\r\n", "http_truncated"),
        (b"3\r\nabc\r\n0\r\n", "http_truncated"),
        (b"3\r\nab", "http_truncated"),
    ],
)
async def test_65_chunks_that_are_none_are_down(look: Look, chunks: bytes, reason: str) -> None:
    assert await down(look, says(CHUNKED + chunks), reason)


async def test_65_chunk_extensions_without_end_are_no_http(look: Look) -> None:
    assert await down(look, repeats(CHUNKED + b"1;", b"x" * 4096), "http_protocol")


# ---------------------------------------------------------------- how it is compressed


def compressed(encoding: bytes, body: bytes) -> Talk:
    return says(answer(b"200 OK", body, b"Content-Encoding: " + encoding))


def bomb(megabytes: int) -> bytes:
    """So many megabytes of zeros, of a kilobyte each."""
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    first = packing.compress(bytes(1_000_000)) + packing.flush(zlib.Z_FULL_FLUSH)
    again = packing.compress(bytes(1_000_000)) + packing.flush(zlib.Z_FULL_FLUSH)
    return first + again * (megabytes - 1)


BOMBS = {
    "one member": compressed(b"gzip", bomb(400)),
    "many members": compressed(b"gzip", gzip.compress(bytes(10_000_000)) * 40),
    "nested": compressed(b"gzip, gzip", gzip.compress(bomb(400))),
    "nested in two headers": compressed(b"gzip\r\nContent-Encoding: deflate", zlib.compress(bomb(40))),
    "many bytes that are nothing": repeats(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 1_000),
}


@pytest.mark.parametrize("talk", BOMBS.values(), ids=BOMBS)
async def test_66_a_decompression_bomb_is_too_large(look: Look, talk: Talk) -> None:
    assert await down(look, talk, "http_too_large")


async def test_66_brotli_which_was_not_asked_for_is_never_unpacked(look: Look) -> None:
    """Its window alone may be 16 MB: what is not read cannot grow."""
    for talk in (compressed(b"br", bytes(400_000)), compressed(b"br, gzip", gzip.compress(bytes(400_000)))):
        assert await down(look, talk, "http_too_large")


async def test_66_a_bomb_takes_no_more_memory_than_a_look_may(weigh: Weigh) -> None:
    for talk in (BOMBS["one member"], BOMBS["nested"]):
        async with serving(talk) as server:
            weighed = await weigh(server.url, timeout_ms=PATIENT_MS, expect={"body_matches": "never"})
        assert is_weighed(weighed, "http_too_large")


@pytest.mark.parametrize(
    "talk",
    [
        compressed(b"gzip", b"not gzip at all"),
        compressed(b"gzip", gzip.compress(b"hello" * 100)[:-12]),
        compressed(b"gzip", gzip.compress(b"hello")[:-1] + b"\xff"),
        compressed(b"deflate", zlib.compress(b"hello")[:-1]),
        compressed(b"gzip, gzip", gzip.compress(b"only once")),
        compressed(b"zstd", b"abc"),
        compressed(b"gzip, gzip, gzip, gzip, gzip", b"abc"),
    ],
    ids=["damaged", "cut", "false sum", "deflate cut", "not nested", "unknown", "nested too deep"],
)
async def test_67_what_does_not_decompress_is_down(look: Look, talk: Talk) -> None:
    assert await down(look, talk, "http_decompress")


async def test_67_what_does_is_up_though_it_was_not_asked_for(look: Look) -> None:
    two_members = gzip.compress(b"hello ") + gzip.compress(b"world")
    assert await up(look, compressed(b"gzip", two_members), expect={"body_matches": "^hello world$"})
    async with serving(says(answer())) as server:
        await look(server.url)
    assert b"\r\nAccept-Encoding: identity\r\n" in server.requests[0]


# ---------------------------------------------------------------- what is no HTTP


async def test_68_an_end_in_the_headers_is_down(look: Look) -> None:
    for cut in (OK + b"Content-Le", OK, b"HTTP/1.1 2", OK + b"X: a\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"):
        assert await down(look, says(cut), "http_truncated")


@pytest.mark.parametrize(
    "banner",
    [
        b"<html>hello</html>",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail ESMTP\r\n",
        bytes(range(256)),
        b"ICY 200 OK\r\n\r\n",
    ],
    ids=["HTTP/0.9", "SSH", "SMTP", "binary", "ICY"],
)
async def test_69_what_is_no_http_is_down(look: Look, banner: bytes) -> None:
    assert await down(look, says(banner, then_close=False), "http_protocol")


@pytest.mark.parametrize("status", [b"99999", b"000", b"-20", b"abc", b"99", b"20x", b""])
async def test_70_a_status_that_is_none_is_down(look: Look, status: bytes) -> None:
    talk = says(b"HTTP/1.1 " + status + b" OK\r\nContent-Length: 0\r\n\r\n")
    assert await down(look, talk, "http_protocol")


TOO_MANY = {
    "a 2 MB header": says(OK + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n"),
    "a 2 MB name": says(OK + b"a" * 2_000_000 + b": X\r\n\r\n"),
    "a 2 MB reason": says(b"HTTP/1.1 200 " + b"a" * 2_000_000 + b"\r\n\r\n"),
    "100,000 headers": says(OK + b"X: a\r\n" * 100_000 + b"\r\n"),
    "headers without end": repeats(OK, b"X: a\r\n" * 1_000),
    "trailers without end": repeats(CHUNKED + b"0\r\n", b"X: a\r\n" * 1_000),
}


@pytest.mark.parametrize("talk", TOO_MANY.values(), ids=TOO_MANY)
async def test_71_too_many_headers_are_no_http(look: Look, talk: Talk) -> None:
    assert await down(look, talk, "http_protocol")


async def test_71_headers_take_no_more_memory_than_a_look_may(weigh: Weigh) -> None:
    for talk in (TOO_MANY["a 2 MB header"], TOO_MANY["headers without end"]):
        async with serving(talk) as server:
            weighed = await weigh(server.url, timeout_ms=PATIENT_MS)
        assert is_weighed(weighed, "http_protocol")


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


async def test_72_interim_responses_without_end_are_no_http(look: Look) -> None:
    assert await down(look, repeats(b"", INTERIM), "http_protocol")
    assert await down(look, says(b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + answer()), "http_protocol")
    assert await up(look, says(INTERIM * 8 + answer()))


async def test_72_interim_responses_take_no_more_memory_than_a_look_may(weigh: Weigh) -> None:
    async with serving(repeats(b"", INTERIM * 1_000)) as server:
        weighed = await weigh(server.url, timeout_ms=PATIENT_MS)
    assert is_weighed(weighed, "http_protocol")


async def test_72_an_interim_response_says_nothing_of_the_final_one(look: Look) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: br\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n"
    assert await up(look, says(early + answer()))


@pytest.mark.parametrize(
    "sent",
    [
        OK + b"X: a\r\nX: b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\r\n folded\r\n\tagain\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: \xff\0\xfe\r\nContent-Length: 1\r\n\r\n\xff",
        b"HTTP/1.1 200 \xff\0\xfe\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Type: text/html; charset=klingon-8\r\nContent-Length: 2\r\n\r\n\xc3\x28",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\nok",
    ],
    ids=[
        *["twice", "folded", "NUL and no UTF-8", "reason", "no reason", "charset"],
        *["line feeds", "spaces after the size", "identity"],
    ],
)
async def test_73_what_is_only_odd_is_up(look: Look, sent: bytes) -> None:
    assert await up(look, says(sent))
    assert await up(look, says(sent), expect={"body_lacks": "absent"})
