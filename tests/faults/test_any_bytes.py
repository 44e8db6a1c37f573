"""Whatever a target sends, and however the network cuts it: one verdict, no exception, no more memory than allowed."""

from __future__ import annotations

import gzip
import zlib
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.facts.kinds import FAIL_REASONS
from monitor.probes.response import BODY_LIMIT, HEADER_BYTES, HEADER_LINES, Response

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = b"Content-Encoding: gzip\r\n"

PIECES = st.sampled_from(
    [
        OK,
        b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: br\r\n\r\n",
        b"HTTP/1.1 204 None\r\n\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 302 \xff\0\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"Content-Length: 5\r\n",
        b"content-length:0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        GZIP,
        b"Content-Encoding: gzip, deflate\n",
        b"Connection: close\r\n",
        b"Upgrade: h2c\r\nConnection: upgrade\r\n",
        b"X: a\r\n",
        b" folded\r\n",
        b"X: " + b"x" * 1_000 + b"\r\n",
        b"\r\n",
        b"\n",
        b"5\r\nhello\r\n",
        b"1;extension=1\r\na\r\n",
        b"5 \r\nhello",
        b"0\r\n\r\n",
        b"0\r\nTrailer: x\r\n",
        b"hello",
        gzip.compress(b"hello"),
        gzip.compress(bytes(1_100_000)),
        gzip.compress(zlib.compress(b"hello" * 1_000)),
        gzip.compress(b"hello")[:-5],
        gzip.compress(b""),
        b"\0" * 1_000,
    ]
)
SENT = st.lists(
    st.one_of(
        PIECES, st.tuples(PIECES, st.integers(2, 120)).map(lambda pair: pair[0] * pair[1]), st.binary(max_size=20)
    ),
    max_size=12,
).map(b"".join)
STARTS = st.sampled_from([b"", OK, OK + GZIP + b"\r\n", CHUNKED, OK + GZIP + CHUNKED[len(OK) :], OK + b"\r\n"])


class Read(NamedTuple):
    """All that a look uses of a response."""

    complete: bool
    reason: str | None
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    content_length: int


def read(pieces: list[bytes], keep_body: bool = True, bodiless: bool = False) -> Read:
    response = Response(keep_body, bodiless)
    for piece in pieces:
        response.feed(piece)
    response.end()
    assert response.ended
    assert len(response.headers) <= HEADER_LINES
    assert sum(len(name) + len(value) for name, value in response.headers) <= HEADER_BYTES
    assert len(response.body) <= BODY_LIMIT + max(map(len, pieces), default=0)
    if response.complete:
        return Read(True, None, response.status, response.headers, bytes(response.body), response.content_length)
    assert response.fault is not None
    assert response.fault.reason in FAIL_REASONS
    assert response.fault.detail is not None
    assert response.fault.detail.isascii()
    assert response.fault.detail.isprintable()
    return Read(False, response.fault.reason, 0, [], b"", 0)


def cut(sent: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(sent) + 1) for place in places} | {len(sent)})
    return [sent[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@settings(max_examples=300)
@given(STARTS, SENT, st.lists(st.integers(0, 2_000_000), max_size=12), st.booleans(), st.booleans())
def test_the_same_bytes_come_to_the_same_verdict_however_they_are_cut(
    start: bytes, rest: bytes, places: list[int], keep_body: bool, bodiless: bool
) -> None:
    sent = start + rest
    whole = read([sent], keep_body, bodiless)
    assert read(cut(sent, places), keep_body, bodiless) == whole
    if len(sent) < 2_000:
        assert read([sent[place : place + 1] for place in range(len(sent))], keep_body, bodiless) == whole


@settings(max_examples=300)
@given(st.binary(max_size=2_000), st.lists(st.integers(0, 2_000), max_size=8))
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", [])
def test_bytes_that_are_nothing_at_all_are_a_fault_with_a_reason(sent: bytes, places: list[int]) -> None:
    assert read(cut(sent, places)) == read([sent])
