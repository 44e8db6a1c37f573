"""One connection that is read in pieces, plain at first or for good, TLS from any moment on: the asyncio.Protocol under
every kind that holds a dialogue over TCP.

What arrives while nobody reads is held back by TCP itself beyond `HELD` bytes. Every fault is a ProbeError.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import cast

from monitor.probes import judge
from monitor.probes.judge import Phase, ProbeError
from monitor.probes.tls import Agreed, TlsSession

HELD = 65_536
BYTES_BEFORE_HANDSHAKE = "bytes before the handshake"


class Stream(asyncio.Protocol):
    """Connected first; then `secure` where TLS is wanted, `send` and `receive`; `close` lets go in any state.

    `connected_ns` is a monotonic instant, `tls_ns` how long the handshake took; 0 for what was not reached.
    """

    __slots__ = (
        "_clock",
        "_ended",
        "_error",
        "_paused",
        "_received",
        "_session",
        "_shaking",
        "_transport",
        "_waiter",
        "agreed",
        "connected_ns",
        "protocol",
        "tls_ns",
    )

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._session: TlsSession | None = None
        self._shaking: TlsSession | None = None  # also once hands were shaken, or could not be
        self._received = bytearray()
        self._ended = self._paused = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.agreed: Agreed | None = None
        self.protocol: str | None = None
        self.connected_ns = self.tls_ns = 0

    # -- what a probe does with it

    async def secure(self, session: TlsSession) -> None:
        """Shakes hands. Bytes that came before it are nobody's any more: they could be a stranger's, put before the
        target's own."""
        if self._received:
            raise judge.fail("tls_protocol", BYTES_BEFORE_HANDSHAKE)
        began, self._shaking = self._clock(), session
        complete = self._shake_hands(session, b"")
        while not complete:
            received = await self._next("tls")
            if not received:
                raise ProbeError(judge.of_end("tls"))
            complete = self._shake_hands(session, received)
        self.tls_ns, self.agreed, self.protocol = self._clock() - began, session.agreed(), session.protocol()
        self._session = session

    def send(self, data: bytes) -> None:
        """Sends as TCP takes it; what it cannot take any more shows when the next piece is awaited."""
        try:
            self._write(data if self._session is None else self._session.encrypt(data))
        except ssl.SSLError as error:
            raise ProbeError(judge.of_tls_error(error, "dialogue")) from None

    async def receive(self, phase: Phase) -> bytes:
        """The next plain bytes; none at the target's end. `phase` is what a reset is blamed on."""
        session = self._session
        if session is None:
            return await self._next(phase)
        plain = self._decrypt(session, b"", phase)
        while not plain and not session.ended:
            received = await self._next(phase)
            if not received:
                return b""
            plain = self._decrypt(session, received, phase)
        return plain

    def close(self) -> None:
        """Lets go of the connection; what TCP has not taken by now is not sent."""
        if self._transport is not None:
            if self._transport.get_write_buffer_size():
                self._transport.abort()
            else:
                self._transport.close()
            self._transport = None

    def certificate(self) -> Mapping[str, object] | None:
        """What the target showed, as `ssl` decodes it: verified where `agreed` is there."""
        return None if self._shaking is None else self._shaking.certificate()

    # -- called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.connected_ns = self._clock()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > HELD and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return True  # we may still have something to send

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._error = True, exc
        self._wake()

    # -- steps

    async def _next(self, phase: Phase) -> bytes:
        while not self._received and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._received:
            data = bytes(self._received)
            self._received.clear()
            if self._paused and self._transport is not None and not self._transport.is_closing():
                self._paused = False
                self._transport.resume_reading()
            return data
        if isinstance(self._error, OSError):
            raise ProbeError(judge.of_os_error(self._error, phase))
        if self._error is not None:
            raise self._error  # a bug in a callback of ours
        return b""

    def _shake_hands(self, session: TlsSession, received: bytes) -> bool:
        try:
            return session.handshake(received)
        except ssl.SSLError as error:
            raise ProbeError(judge.of_tls_error(error, "tls")) from None
        finally:
            self._write(session.outgoing())  # also the alert that says why

    def _decrypt(self, session: TlsSession, received: bytes, phase: Phase) -> bytes:
        try:
            return session.decrypt(received)
        except ssl.SSLError as error:
            raise ProbeError(judge.of_tls_error(error, phase)) from None
        finally:
            self._write(session.outgoing())

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
