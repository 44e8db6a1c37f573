"""WebSocket: the opening handshake, and messages that are sent and expected.

```yaml
websocket:
  url: wss://app.example.com/live
  headers: {Origin: https://app.example.com}
  auth: {bearer: {from_file: secrets/probe-token}}
  subprotocols: [graphql-transport-ws]          # one of them must be agreed on
  steps:                                        # each expects, then sends
    - {send: '{"type": "ping"}'}                # a text message
    - {expect: '"pong"', refuse: '"error"'}     # messages are read until one matches; a refusal fails at once
```

Redirects are not followed.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from monitor.interfaces import Observation, Tick
from monitor.probes.address import IpVersion, is_of_version
from monitor.probes.conversation import Conversation, converse
from monitor.probes.dialogue import STEPS, Expecting
from monitor.probes.endpoint import Endpoint
from monitor.probes.frames import (
    BINARY,
    CLOSE,
    MESSAGE_BYTES,
    PING,
    PONG,
    TEXT,
    Frames,
    Head,
    Message,
    Opening,
    refusal,
    written,
)
from monitor.probes.http.expect import TOKEN
from monitor.probes.http.settings import Auth, Headers, plain_headers, wrong_headers
from monitor.probes.judge import ProbeError
from monitor.probes.kind import Io
from monitor.probes.pattern import BodyPattern
from monitor.probes.tls import HTTP_1
from monitor.probes.tls_settings import TlsSettings
from monitor.probes.web import Target, parse_target, request_bytes
from monitor.settings import Mistake, Secret, Settings, Text, parse_url_of

STEP_FRAMES = 1_000
"""The most frames that are read in a step, pings among them."""

STEP_PAYLOAD = 1_000_000
"""And the most bytes in them."""

_OF_THE_HANDSHAKE = frozenset({"connection", "upgrade", "content-length", "transfer-encoding"})
_NORMAL = (1000).to_bytes(2, "big")  # RFC 6455 section 7.4.1


def _parse_url(given: object) -> str:
    return parse_url_of(("ws", "wss"), "wss://app.example.com/live", given)


SocketUrl = Annotated[
    str, PlainValidator(_parse_url), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^wss?://"})
]
Subprotocol = Annotated[str, Field(pattern=f"^{TOKEN.pattern}$")]


class MessageStep(Expecting):
    """Expects a message, then sends one; what is not written is not done."""

    send: Text | None = None

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        if self.expect is None and self.send is None:
            yield Mistake((), "expected `expect`, `send` or both; found none")
        if len(self.sent) > MESSAGE_BYTES:
            yield Mistake(("send",), f"expected at most {MESSAGE_BYTES} bytes")

    @cached_property
    def sent(self) -> bytes:
        return (self.send.reveal() if isinstance(self.send, Secret) else self.send or "").encode()


class WebSocketSettings(Settings):
    url: SocketUrl
    headers: Headers = Field(default_factory=dict)
    auth: Auth | None = None
    ip_version: IpVersion = "any"
    subprotocols: list[Subprotocol] = Field(default_factory=list, max_length=10)
    tls: TlsSettings = TlsSettings()
    steps: list[MessageStep] = Field(default_factory=list, max_length=STEPS)

    def mistakes(self) -> Iterator[Mistake]:
        try:
            parse_target(self._as_http)
        except ValueError as error:
            yield Mistake(("url",), f"expected a URL such as wss://app.example.com/live; {error}")
        else:
            if self.target.literal and not is_of_version(self.target.host, self.ip_version):
                yield Mistake(("ip_version",), f"the address in `url` is none of {self.ip_version}")
            if not self.target.secure and self.tls != TlsSettings():
                yield Mistake(("tls",), "the URL is ws; leave the section out")
        yield from wrong_headers(self.headers)
        if self.auth is not None and "authorization" in map(str.lower, self.headers):
            yield Mistake(("headers",), "Authorization is made of `auth`; leave one of them out")
        for name in self.headers:
            if name.lower() in _OF_THE_HANDSHAKE or name.lower().startswith("sec-websocket-"):
                yield Mistake(("headers",), f"{name} is said by the handshake itself; leave it out")

    @property
    def _as_http(self) -> str:
        return "http" + self.url[len("ws") :]

    @cached_property
    def target(self) -> Target:
        return parse_target(self._as_http)

    @cached_property
    def endpoint(self) -> Endpoint:
        policy = self.tls.policy(HTTP_1) if self.target.secure else None
        host, port = self.target.host, self.target.port
        return Endpoint(host, port, policy, self.tls.name_of(host), self.ip_version)

    def request(self, key: str) -> bytes:
        """The opening handshake (RFC 6455 section 4.1)."""
        asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        if self.subprotocols:
            asked["Sec-WebSocket-Protocol"] = ", ".join(self.subprotocols)
        if self.auth is not None:
            asked["Authorization"] = self.auth.header()
        headers = {**plain_headers(self.headers), **asked, "Sec-WebSocket-Key": key}
        return request_bytes("GET", self.target, headers)


def target(settings: WebSocketSettings) -> str:
    return settings.url


def host(settings: WebSocketSettings) -> str:
    return settings.target.host


async def probe(settings: WebSocketSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the handshake is agreed to, and every step has come about."""
    return await converse(settings.endpoint, io, partial(_talk, settings))


async def _talk(settings: WebSocketSettings, look: Conversation) -> None:
    if settings.target.secure:
        await look.secure()
    look.attributes["probe_websocket_connection_upgraded"] = 0
    key = b64encode(secrets.token_bytes(16)).decode("ascii")
    look.phase, look.awaited = "headers", "upgrade"
    look.stream.send(settings.request(key))
    opening = Opening()
    head = await _head(look, opening)
    look.attributes["probe_websocket_status_code"] = head.status
    look.status = head.status if head.status != 101 else None
    refused = refusal(head, key, frozenset(name.encode() for name in settings.subprotocols))
    if refused is not None:
        raise look.disprove("upgrade", "ws_handshake", refused)
    look.attributes["probe_websocket_connection_upgraded"] = 1
    look.prove("upgrade", "status 101")
    look.phase = "body"
    messages = _Messages(look, opening.received)
    for place, step in enumerate(settings.steps):
        if step.expected is not None:
            look.awaited = f"steps[{place}].expect"
            await messages.expect(step.expected, step.refused, look.awaited)
        if step.send is not None:
            messages.send(TEXT, step.sent)
    messages.send(CLOSE, _NORMAL)


async def _head(look: Conversation, opening: Opening) -> Head:
    while (head := opening.head()) is None:
        data = await look.stream.receive("headers")
        if not data:
            raise opening.cut()
        look.answered()
        opening.received += data
    return head


class _Messages:
    """The messages of a look."""

    __slots__ = ("_frames", "_look")

    def __init__(self, look: Conversation, received: bytearray) -> None:
        self._look = look
        self._frames = Frames(received)

    def send(self, opcode: int, payload: bytes) -> None:
        self._look.stream.send(written(opcode, payload, secrets.token_bytes(4)))

    async def expect(self, expected: BodyPattern, refused: BodyPattern | None, name: str) -> None:
        """Reads messages until one matches; answers pings."""
        self._look.attributes["probe_websocket_failed_due_to_regex"] = 0
        taken = 0
        for _ in range(STEP_FRAMES):
            message = await self._frame(name)
            taken += len(message.payload)
            if taken > STEP_PAYLOAD:
                break
            if message.opcode in (TEXT, BINARY):
                if expected.found_in(message.payload):
                    self._look.prove(name, "a message matches")
                    return
                if refused is not None and refused.found_in(message.payload):
                    raise self._unmatched(name, "a message matches `refuse`")
        raise self._unmatched(name, f"no match in {STEP_FRAMES} frames and {STEP_PAYLOAD} bytes")

    async def _frame(self, name: str) -> Message:
        while (message := self._frames.frame()) is None:
            data = await self._look.stream.receive("body")
            if not data:
                raise self._unmatched(name, "closed by the target before a message matched")
            self._frames.received += data
        if message.opcode == PING:
            self.send(PONG, message.payload)
        elif message.opcode == CLOSE:
            raise self._unmatched(name, f"closed by the target with code {message.close_code}")
        return message

    def _unmatched(self, name: str, words: str) -> ProbeError:
        self._look.attributes["probe_websocket_failed_due_to_regex"] = 1
        return self._look.disprove(name, "ws_content", words)
