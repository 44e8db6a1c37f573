"""One call of grpc.health.v1.Health/Check as HTTP/2 bytes, without a socket: h2 frames, this holds the limits.

A target that goes beyond a limit, or breaks HTTP/2 or gRPC, ends the call with a ProbeError. Sources: RFC 9113; "gRPC
over HTTP/2" and "health checking protocol" in grpc's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from monitor import __version__
from monitor.probes import judge
from monitor.probes.judge import ProbeError

TOTAL_BYTES = 65_536
"""All that is read: a health answer has some hundred bytes."""
FRAMES = 200
FRAME_BYTES = 16_384
"""What RFC 9113 section 4.2 allows who has not said otherwise."""
MESSAGE_BYTES = 4_096
HEADER_BYTES = 32_768  # design/faults.md, "Defaults"
INTERIM_LIMIT = 8

_HEAD = 9  # bytes before a frame's own: RFC 9113 section 4.1
_SETTINGS = 4
_PATH = "/grpc.health.v1.Health/Check"
STATUS_NAMES = """OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED
    RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS
    UNAUTHENTICATED""".split()
"""By number: grpc's documentation, "status codes"."""
SERVING_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
"""By number: grpc.health.v1.HealthCheckResponse.ServingStatus."""


class Answer(NamedTuple):
    """How a call ended: gRPC's status, and of an OK what the service's state is."""

    code: int
    serving: str | None = None

    @property
    def words(self) -> str:
        return f"{self.code} {STATUS_NAMES[self.code]}" if self.code < len(STATUS_NAMES) else str(self.code)


class HealthCall:
    """`begin` first; `feed` what arrives and send what it gives, until it has `ended`; then ask for the `answer`.

    `status` is HTTP's, 0 until it came.
    """

    __slots__ = ("_body", "_code", "_frames", "_http", "_interim", "_rest", "_taken", "_type", "ended", "status")

    def __init__(self) -> None:
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._body = bytearray()
        self._code: bytes | None = None
        self._type = b""
        self._rest = bytearray()
        self._frames = self._interim = self._taken = 0
        self.status = 0
        self.ended = False

    def begin(self, authority: str, secure: bool, service: str, timeout_ms: int) -> bytes:
        """The whole request; RFC 9113 section 3.4 lets it go without waiting for the target's settings."""
        http = self._http
        http.local_settings = Settings(
            client=True,
            initial_values={SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_BYTES},
        )
        http.decoder.max_header_list_size = HEADER_BYTES
        http.initiate_connection()
        headers = [
            (":method", "POST"),
            (":scheme", "https" if secure else "http"),
            (":path", _PATH),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", f"minutebook/{__version__}"),
            ("grpc-timeout", f"{timeout_ms}m"),
        ]
        http.send_headers(1, headers)
        http.send_data(1, _message(service), end_stream=True)
        return http.data_to_send()

    def feed(self, received: bytes) -> bytes:
        """Takes what arrives; answers what HTTP/2 wants to be sent. Raises ProbeError."""
        self._rest += received
        while not self.ended and (frame := self._frame()):
            try:
                events = self._http.receive_data(frame)
            except H2Error as error:
                raise judge.fail("http_protocol", f"not HTTP/2 ({type(error).__name__})") from None
            for event in events:
                self._take(event)
        return self._http.data_to_send()

    def _frame(self) -> bytes:
        """The next whole frame; h2 would wait for the end of one of any length."""
        if len(self._rest) < _HEAD:
            return b""
        length = int.from_bytes(self._rest[:3], "big")
        if length > FRAME_BYTES or (not self._frames and self._rest[3] != _SETTINGS):
            raise judge.fail("http_protocol", "not HTTP/2")
        if len(self._rest) < _HEAD + length:
            return b""
        self._frames += 1
        self._taken += _HEAD + length
        if self._frames > FRAMES or self._taken > TOTAL_BYTES:
            raise judge.fail("http_protocol", f"no end in {FRAMES} frames and {TOTAL_BYTES} bytes")
        frame = bytes(self._rest[: _HEAD + length])
        del self._rest[: _HEAD + length]
        return frame

    def cut(self) -> ProbeError:
        """What it means that the target closed the connection now."""
        if not self._frames and not self._rest:
            return judge.fail("http_reset", "closed without a byte")
        return judge.fail("http_truncated", "closed before the end of the call")

    def answer(self) -> Answer:
        """How the call ended. Raises ProbeError where that is no end of gRPC's."""
        if self.status != 200:
            raise judge.fail("http_status", f"status {self.status}")
        if not self._type.startswith(b"application/grpc"):
            raise judge.fail("http_protocol", "the content type is not gRPC's")
        if self._code is None or not _CODE.fullmatch(self._code):
            raise judge.fail("http_protocol", "no grpc-status")
        code = int(self._code)
        return Answer(code) if code else Answer(code, _serving(bytes(self._body)))

    def _take(self, event: Event) -> None:
        if isinstance(event, InformationalResponseReceived):
            self._interim += 1
            if self._interim > INTERIM_LIMIT:
                raise judge.fail("http_protocol", f"over {INTERIM_LIMIT} interim responses")
        elif isinstance(event, ResponseReceived | TrailersReceived):
            self._take_headers(event.headers)
        elif isinstance(event, DataReceived):
            self._body += event.data
            if len(self._body) > MESSAGE_BYTES:
                raise judge.fail("http_too_large", f"over {MESSAGE_BYTES} bytes of message")
        elif isinstance(event, StreamReset):
            raise judge.fail("http_protocol", f"RST_STREAM ({_error_words(event.error_code)})")
        elif isinstance(event, ConnectionTerminated):
            raise judge.fail("http_protocol", f"GOAWAY ({_error_words(event.error_code)})")
        elif isinstance(event, StreamEnded):
            self.ended = True

    def _take_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name == b":status":
                if not _HTTP_STATUS.fullmatch(value):
                    raise judge.fail("http_protocol", "a status that HTTP does not have")
                self.status = int(value)
            elif name == b"grpc-status":
                self._code = bytes(value)
            elif name == b"content-type":
                self._type = bytes(value)


_HTTP_STATUS = re.compile(rb"[1-9]\d\d")
_CODE = re.compile(rb"\d{1,2}")


def _error_words(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else "an unknown code"


def _message(service: str) -> bytes:
    """HealthCheckRequest{service = 1} in gRPC's frame: not compressed, its length, then protobuf."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\x00" + len(message).to_bytes(4, "big") + message


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _serving(body: bytes) -> str:
    """The serving status of a HealthCheckResponse{status = 1} in gRPC's frame; a field that is absent is 0."""
    if len(body) < 5 or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise judge.fail("http_protocol", "not one message")
    if body[0]:
        raise judge.fail("http_decompress", "a compressed message that was not asked for")
    number = 0
    try:
        for field, value in _fields(body[5:]):
            if field == 1 and value is not None:
                number = value
    except (IndexError, ValueError):
        raise judge.fail("http_protocol", "not a HealthCheckResponse") from None
    return SERVING_STATUSES[number] if number < len(SERVING_STATUSES) else SERVING_STATUSES[0]


def _fields(message: bytes) -> Iterator[tuple[int, int | None]]:
    """Number and value of each field; None for a value that is no varint. Raises ValueError or IndexError."""
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        value = None
        if tag & 7 == _VARINT:
            value, place = _read_varint(message, place)
        elif tag & 7 == _LENGTH_DELIMITED:
            length, place = _read_varint(message, place)
            place += length
        elif tag & 7 in _FIXED:
            place += _FIXED[tag & 7]
        else:
            raise ValueError("a wire type that is not in use")
        if place > len(message):
            raise ValueError("a field that is cut")
        yield tag >> 3, value


# protobuf's documentation, "Encoding": wire types
_VARINT, _LENGTH_DELIMITED = 0, 2
_FIXED = {1: 8, 5: 4}


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a varint of over 10 bytes")
