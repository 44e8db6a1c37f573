"""WebSocket without a socket (RFC 6455): the opening handshake of a client, and frames, within the limits of a look.

Every fault is a ProbeError. No extension is offered, so no message is compressed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from typing import NamedTuple

from monitor.probes import judge
from monitor.probes.judge import ProbeError
from monitor.probes.response import HEADER_BYTES, HEADER_LINES, INTERIM_LIMIT

MESSAGE_BYTES = 65_536

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_CONTINUATION = 0
_CONTROL = frozenset({CLOSE, PING, PONG})
_DATA = frozenset({_CONTINUATION, TEXT, BINARY})
_CONTROL_BYTES = 125  # section 5.5

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")


class Head(NamedTuple):
    """The head of an HTTP response; names in lower case, of a name that stands twice the values joined by commas."""

    status: int
    headers: Mapping[bytes, bytes]


class Opening:
    """What comes before the first frame: `received` grows as it comes."""

    __slots__ = ("_interim", "received")

    def __init__(self) -> None:
        self.received = bytearray()
        self._interim = 0

    def head(self) -> Head | None:
        """Takes the final response's head, and the interim ones before it; None: not whole yet."""
        received = self.received
        while (end := received.find(b"\r\n\r\n", 0, HEADER_BYTES)) >= 0:
            head = _parsed(bytes(received[:end]))
            del received[: end + 4]
            if head.status >= 200 or head.status == 101:
                return head
            self._interim += 1
            if self._interim > INTERIM_LIMIT:
                raise judge.fail("http_protocol", f"over {INTERIM_LIMIT} interim responses")
        if len(received) >= HEADER_BYTES or not b"HTTP/1.".startswith(received[:7]):
            raise judge.fail("http_protocol", "not HTTP/1.1")
        return None

    def cut(self) -> ProbeError:
        """What it means that the target closed the connection now."""
        if not self.received and not self._interim:
            return judge.fail("http_reset", "closed without a byte")
        return judge.fail("http_truncated", "closed in the headers")


def _parsed(head: bytes) -> Head:
    first, *lines = head.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise judge.fail("http_protocol", "not HTTP/1.1")
    if len(lines) > HEADER_LINES:
        raise judge.fail("http_protocol", f"over {HEADER_LINES} header lines")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise judge.fail("http_protocol", "a header without its name")
        name, value = name.lower(), value.strip()
        headers[name] = headers[name] + b", " + value if name in headers else value
    return Head(int(match[1]), headers)


def refusal(head: Head, key: str, subprotocols: frozenset[bytes]) -> str | None:
    """Why this is no agreement to a handshake with this key (section 4.1), in words of ours; None: it is one."""
    headers = head.headers
    if head.status != 101:
        return f"status {head.status}"
    if headers.get(b"upgrade", b"").lower() != b"websocket":
        return "Upgrade does not say websocket"
    if b"upgrade" not in {token.strip() for token in headers.get(b"connection", b"").lower().split(b",")}:
        return "Connection does not say Upgrade"
    expected = b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    if headers.get(b"sec-websocket-accept") != expected:
        return "Sec-WebSocket-Accept does not fit the key"
    if b"sec-websocket-extensions" in headers:
        return "an extension that was not asked for"
    agreed = headers.get(b"sec-websocket-protocol")
    if agreed is None:
        return "no subprotocol was agreed on" if subprotocols else None
    return None if agreed in subprotocols else "a subprotocol that was not asked for"


def written(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One frame, final and masked, as a client sends it (section 5.2); `mask` is 4 random bytes."""
    length = len(payload)
    if length <= _CONTROL_BYTES:
        size = bytes([0x80 | length])
    elif length < 65_536:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    stretched = (mask * (length // 4 + 1))[:length]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")).to_bytes(length, "big")
    return bytes([0x80 | opcode]) + size + mask + masked


class Message(NamedTuple):
    """A whole message or a control frame. The payload of a CLOSE begins with its code."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """Why it was closed (section 7.4); 1005 where it does not say."""
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) > 1 else 1005


class Frames:
    """What came after the handshake: `received` grows as it comes, `frame` takes a frame from its start.

    A frame that ends no message gives an empty CONTINUATION.
    """

    __slots__ = ("_kind", "_parts", "received")

    def __init__(self, received: bytearray) -> None:
        self.received = received
        self._kind = 0
        self._parts = bytearray()

    def frame(self) -> Message | None:
        """What the next frame brings; None: not whole yet. Raises ProbeError for what no server may send."""
        received = self.received
        if len(received) < 2:
            return None
        final, opcode, length = received[0] & 0x80, received[0] & 0x0F, received[1] & 0x7F
        if received[0] & 0x70 or received[1] & 0x80 or opcode not in _CONTROL | _DATA:
            raise broken()
        if opcode in _CONTROL and (not final or length > _CONTROL_BYTES):
            raise broken()
        start = 2
        if length > _CONTROL_BYTES:
            start += 2 if length == 126 else 8
            if len(received) < start:
                return None
            length = int.from_bytes(received[2:start], "big")
        if length > MESSAGE_BYTES:
            raise judge.fail("ws_content", f"over {MESSAGE_BYTES} bytes of message")
        if len(received) < start + length:
            return None
        payload = bytes(received[start : start + length])
        del received[: start + length]
        return Message(opcode, payload) if opcode in _CONTROL else self._joined(opcode, payload, bool(final))

    def _joined(self, opcode: int, payload: bytes, final: bool) -> Message:
        if (opcode == _CONTINUATION) != bool(self._kind):
            raise broken()
        kind = self._kind or opcode
        self._parts += payload
        if len(self._parts) > MESSAGE_BYTES:
            raise judge.fail("ws_content", f"over {MESSAGE_BYTES} bytes of message")
        if not final:
            self._kind = kind
            return Message(_CONTINUATION, b"")
        whole, self._parts, self._kind = bytes(self._parts), bytearray(), 0
        if kind == TEXT and not _is_utf_8(whole):
            raise broken()
        return Message(kind, whole)


def broken() -> ProbeError:
    """What a frame that breaks RFC 6455 means."""
    return judge.fail("ws_content", "a frame that WebSocket does not have")


def _is_utf_8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
