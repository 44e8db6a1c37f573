"""One HTTP/1.1 response read from bytes, without a socket: httptools parses, this holds the limits of faults.md.

A response ends in one of two ways: `complete`, or a `fault` with its reason. Bytes after the end are ignored.
"""

from __future__ import annotations

from io import BytesIO
from typing import NoReturn

import httptools

from monitor.probes.decompress import DamagedError, Decompression, TooLargeError, UnknownEncodingError, WindowError
from monitor.probes.judge import Verdict

# design/faults.md, "Defaults"
BODY_LIMIT = 1_000_000
HEADER_BYTES = 32 * 1024
HEADER_LINES = 100
INTERIM_LIMIT = 8

_ALLOWANCE = 17  # bytes on the wire for a body byte: one-byte chunks need 6, with short extensions more


class StopReadingError(Exception):
    """Raised in a callback to stop the parser; what happened stands in the Response."""


class Response:
    """Feed it what arrives; `keep_body` keeps the decoded body for matching.

    `bodiless` says that the request was a HEAD. Without `keep_body` a plain body of an honest length beyond the limit
    is no fault: reading stops there. `version` is HTTP's as the target spelled it, such as 1.1. `headers` are those of
    the final response, without trailers. However the bytes are cut, the same ones come to the same verdict.
    """

    __slots__ = (
        "_bodiless",
        "_body_size",
        "_content_length",
        "_decompression",
        "_header_bytes",
        "_interim",
        "_keep_body",
        "_kept",
        "_lines",
        "_lines_left",
        "_parser",
        "_raw_body",
        "_raw_bytes",
        "complete",
        "fault",
        "headers",
        "headers_complete",
        "status",
        "version",
    )

    def __init__(self, keep_body: bool, bodiless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # What every client reads is no downtime (faults.md row 73): an odd byte in a value, lines that end in a bare
        # line feed, spaces after a chunk's size, an interim response that says "close".
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_data_after_close=True,
            lenient_keep_alive=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._keep_body = keep_body
        self._bodiless = bodiless
        self._decompression: Decompression | None = None
        self._body_size = 0
        self._raw_body = 0
        self._raw_bytes = 0
        self._header_bytes = 0
        self._lines: list[tuple[bytes, bytes]] = []
        self._lines_left = HEADER_LINES
        self._interim = 0
        self._content_length: int | None = None
        self._kept = BytesIO()
        self.headers: list[tuple[bytes, bytes]] = []
        self.headers_complete = False
        self.status = 0
        self.version = ""
        self.complete = False
        self.fault: Verdict | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to read."""
        return self.complete or self.fault is not None

    @property
    def content_length(self) -> int:
        """The length declared, or else the bytes of body read."""
        return self._raw_body if self._content_length is None else self._content_length

    @property
    def body(self) -> bytes:
        """What is kept of the body, decompressed. It is not copied: a look has memory for one body."""
        return self._kept.getvalue()

    @property
    def body_size(self) -> int:
        """The bytes of body read, decompressed."""
        return self._body_size

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Nothing is raised: look at `ended`."""
        if self.complete or self.fault is not None:
            return
        if self._raw_bytes + len(data) <= HEADER_BYTES:
            self._parse(data)
        else:
            self._parse_within_bounds(data)
        if self.ended:
            del self._parser  # it holds this object's methods: a cycle that only the collector would free

    def _parse_within_bounds(self, data: bytes) -> None:
        """Up to the byte that is one too many: headers, and a body with its framing, have so many."""
        while data:
            room = HEADER_BYTES + _ALLOWANCE * self._raw_body - self._raw_bytes
            self._parse(data[: room + 1])
            if self._raw_bytes > HEADER_BYTES + _ALLOWANCE * self._raw_body:
                self._fail("http_protocol", f"over {HEADER_BYTES} bytes of headers or framing")
            if self.ended:
                return
            data = data[room + 1 :]

    def _parse(self, data: bytes) -> None:
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("http_protocol", "an upgrade that was not asked for")
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, MemoryError):
                raise error.__context__ from None
            self._fail("http_protocol", f"not HTTP/1.1 ({type(error).__name__})")

    def end(self) -> None:
        """The connection was closed by the target."""
        if self.ended:
            return
        if self._raw_bytes == 0:
            self._fail("http_reset", "closed without a byte")
        elif not self.headers_complete:
            self._fail("http_truncated", "closed in the headers")
        elif self._until_close():
            self._finish()
        else:
            self._fail("http_truncated", f"closed after {self._raw_body} bytes of body")

    def _until_close(self) -> bool:
        coding = self.header(b"transfer-encoding")
        return self._content_length is None and (coding is None or coding.strip().lower() == b"identity")

    def _fail(self, reason: str, detail: str) -> None:
        if self.fault is None and not self.complete:
            self.fault = Verdict("fail", reason, detail)

    def _stop(self, reason: str, detail: str) -> NoReturn:
        self._fail(reason, detail)
        raise StopReadingError

    # -- called by httptools

    def on_message_begin(self) -> None:
        if self.ended:
            raise StopReadingError

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > HEADER_BYTES:
            self._stop("http_protocol", f"over {HEADER_BYTES} bytes of headers")
        self._lines.append((name, value))
        if len(self._lines) > self._lines_left:
            self._stop("http_protocol", f"over {HEADER_LINES} header lines")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if not 100 <= status <= 999:
            self._stop("http_protocol", "a status that HTTP does not have")
        if status == 101:
            self._stop("http_protocol", "an upgrade that was not asked for")
        if status < 200:
            self._interim += 1
            if self._interim > INTERIM_LIMIT:
                self._stop("http_protocol", f"over {INTERIM_LIMIT} interim responses")
            self._take_lines()  # they say nothing about the final response: RFC 9110 section 15.2
            return
        self.status = status
        self.version = self._parser.get_http_version()
        self.headers_complete = True
        self.headers = self._take_lines()  # what follows is a trailer and no header: RFC 9110 section 6.5.1
        self._read_framing()
        if self._bodiless:
            self.complete = True
            raise StopReadingError

    def _take_lines(self) -> list[tuple[bytes, bytes]]:
        lines, self._lines = self._lines, []
        self._lines_left -= len(lines)
        return lines

    def _read_framing(self) -> None:
        encodings: list[bytes] = []
        for key, value in self.headers:
            name = key.lower()
            if name == b"content-length":
                self._content_length = int(value)  # checked by the parser
            elif name == b"content-encoding":
                encodings += (encoding.strip() for encoding in value.lower().split(b","))
        if encodings and not self._bodiless:
            self._set_encodings([encoding for encoding in encodings if encoding not in {b"", b"identity"}])

    def _set_encodings(self, encodings: list[bytes]) -> None:
        if encodings:
            try:
                self._decompression = Decompression(encodings, BODY_LIMIT)
            except UnknownEncodingError:
                self._stop("http_decompress", "a content encoding that was not asked for")
            except WindowError:
                self._stop("http_too_large", "a body in Brotli, which takes too much memory to be unpacked")

    def on_body(self, data: bytes) -> None:
        self._raw_body += len(data)
        if self._decompression is None:
            self._take(data)
        else:
            self._decompress(self._decompression, data)

    def _decompress(self, decompression: Decompression, data: bytes) -> None:
        over = self._raw_body - BODY_LIMIT
        try:
            decompression.feed(data[:-over] if over > 0 else data, self._take)
        except DamagedError:
            self._stop("http_decompress", "the compressed body is damaged")
        except TooLargeError:
            self._stop("http_too_large", f"over {BODY_LIMIT} bytes of decompressed body")
        if over > 0:
            self._stop("http_too_large", f"over {BODY_LIMIT} bytes of compressed body")

    def _take(self, piece: bytes) -> None:
        self._body_size += len(piece)
        if self._keep_body:
            self._kept.write(piece)
        if self._body_size > BODY_LIMIT:
            if self._keep_body or self._content_length is None:
                self._stop("http_too_large", f"over {BODY_LIMIT} bytes of body")
            self.complete = True
            raise StopReadingError

    def on_message_complete(self) -> None:
        if self.headers_complete:
            self._finish()

    def _finish(self) -> None:
        if self._decompression is not None and self._raw_body and not self._decompression.whole:
            self._fail("http_decompress", "the compressed body ends too early")
        else:
            self.complete = True
