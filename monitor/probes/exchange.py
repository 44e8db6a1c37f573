"""One request and its response on one fresh connection: the asyncio.Protocol under the HTTP probe.

It stamps every phase with the monotonic clock, writes once, reads until the response ends, and never asks again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import cast

from monitor.probes import judge
from monitor.probes.judge import Phase, Verdict
from monitor.probes.response import Response
from monitor.probes.tls import Agreed, TlsSession
from monitor.probes.wire import Wire


class Exchange(asyncio.Protocol):
    """`done` ends when there is nothing left to wait for; the connection is closed by then. With a `request` it begins
    as soon as it is connected, otherwise `start` does.

    After `done`, `fault` says what went wrong below HTTP, `response` what was read, `agreed` what TLS came to. The
    stamps are monotonic ns, 0 for what was not reached.
    """

    __slots__ = (
        "_clock",
        "_tls",
        "_tls_ready",
        "_transport",
        "agreed",
        "connected_ns",
        "done",
        "ended_ns",
        "fault",
        "first_byte_ns",
        "request",
        "response",
        "secured_ns",
    )

    def __init__(
        self, response: Response, tls: TlsSession | None, clock: Callable[[], int], done: asyncio.Future[None]
    ) -> None:
        self.response = response
        self._tls = tls
        self._tls_ready = tls is None
        self._clock = clock
        self._transport: Wire | None = None
        self.request = b""
        self.done = done
        self.fault: Verdict | None = None
        self.agreed: Agreed | None = None
        self.connected_ns = self.secured_ns = self.first_byte_ns = self.ended_ns = 0

    def start(self, request: bytes) -> None:
        """Sends the request, after the handshake where there is one."""
        self.request = request
        if self._tls is not None:
            self._shake_hands(self._tls, b"")
        elif self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        """Lets go of the connection, whatever state it is in."""
        if self._transport is not None:
            self._transport.let_go()
            self._transport = None

    def certificate(self) -> Mapping[str, object] | None:
        """What the target showed, as `ssl` decodes it: verified where `agreed` is there."""
        return None if self._tls is None else self._tls.certificate()

    @property
    def phase(self) -> Phase:
        """Where it is now, or was when it ended."""
        if not self.connected_ns:
            return "connect"
        if not self._tls_ready:
            return "tls"
        return "body" if self.response.headers_complete else "headers"

    # -- called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(Wire, transport)
        self.connected_ns = self._clock()
        if self.request:
            self.start(self.request)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        if self._tls is None:
            self._read(data)
        elif self._tls_ready:
            self._read_records(self._tls, data)
        else:
            self._shake_hands(self._tls, data)

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._end()
        elif isinstance(exc, OSError):
            self._finish(judge.of_os_error(exc, self.phase))
        elif not self.done.done():
            self.done.set_exception(exc)  # a bug in a callback of ours

    # -- steps

    def _end(self) -> None:
        if self.done.done():
            return
        if self._tls_ready:
            self.response.end()
            self._finish()
        else:
            self._finish(judge.of_end("tls"))

    def _shake_hands(self, tls: TlsSession, received: bytes) -> None:
        try:
            self._tls_ready = tls.handshake(received)
            if self._tls_ready:
                self.secured_ns, self.agreed = self._clock(), tls.agreed()
                # With the end of the handshake in one write: a target that refuses us then and closes would let a
                # second one fail, and its alert be lost.
                self._send(tls.encrypt(self.request))
            else:
                self._send(tls.outgoing())
        except ssl.SSLError as error:
            self._send(tls.outgoing())  # the alert that says why
            self._finish(judge.of_tls_error(error, "tls"))
            return
        if self._tls_ready:
            self._read_records(tls, b"")

    def _read_records(self, tls: TlsSession, received: bytes) -> None:
        try:
            plain = tls.decrypt(received)
            self._send(tls.outgoing())  # an answer of TLS's own: no second handshake, new keys
        except ssl.SSLError as error:
            self._finish(judge.of_tls_error(error, self.phase))
            return
        if plain:
            self._read(plain)
        if tls.ended:
            self._end()  # a target may wait for us to close the connection below

    def _read(self, data: bytes) -> None:
        if not self.first_byte_ns:
            self.first_byte_ns = self._clock()
        response = self.response
        response.feed(data)
        if response.complete or response.fault is not None:
            self._finish()

    def _send(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _finish(self, fault: Verdict | None = None) -> None:
        if self.done.done():
            return
        self.ended_ns = self._clock()
        self.fault = fault
        self.close()
        self.done.set_result(None)
