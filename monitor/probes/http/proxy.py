"""HTTP proxies: absolute-form requests for http, a tunnel by CONNECT for https (RFC 9110 section 9.3.6, RFC 9112
section 3.2.2). A proxy that cannot be reached, or refuses us, is our own side; what it says of the target is a fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.probes import judge
from monitor.probes.exchange import Exchange
from monitor.probes.judge import Phase, Verdict
from monitor.probes.response import Response
from monitor.probes.tls import TlsSession
from monitor.probes.web import Target

PROXY_AUTHENTICATION_REQUIRED = Verdict("void", "self_config", "the proxy asks for other credentials (status 407)")


def unreached(verdict: Verdict) -> Verdict:
    """What a failed connection to the proxy means for the look."""
    if verdict.outcome == "void":
        return verdict
    words = ": ".join(each for each in (verdict.reason, verdict.detail) if each)
    return Verdict("void", "self_network", f"the proxy: {words}")


def tunnel_request(target: Target, headers: dict[str, str]) -> bytes:
    """What the proxy is asked for a connection to the target."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    place = f"{host}:{target.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join((*lines, "", "")).encode()


def of_tunnel(answer: Response) -> Verdict | None:
    """Why there is no tunnel after this answer; None: there is one."""
    if answer.fault is not None:
        return unreached(answer.fault)
    status = answer.status
    if 200 <= status < 300:
        return None
    if status == 407:
        return PROXY_AUTHENTICATION_REQUIRED
    if status == 504:
        return Verdict("fail", "tcp_timeout", "the proxy did not reach the target in time (status 504)")
    if status >= 500:
        return Verdict("fail", "net_unreachable", f"the proxy could not reach the target (status {status})")
    return Verdict("void", "self_config", f"the proxy refuses the tunnel (status {status})")


class Tunnelled(Exchange):
    """An exchange behind a tunnel: the handshake and the request begin once the proxy has opened it. Until then it is
    connecting, and `connected_ns` is when the tunnel was open."""

    __slots__ = ("_answer", "_open", "tunnel")

    def __init__(
        self, response: Response, tls: TlsSession, clock: Callable[[], int], done: asyncio.Future[None]
    ) -> None:
        super().__init__(response, tls, clock, done)
        self.tunnel = b""
        self._answer = Response(keep_body=False, bodiless=True)
        self._open = False

    @property
    def phase(self) -> Phase:
        return super().phase if self._open else "connect"

    def start(self, request: bytes) -> None:
        self.request = request
        self._send(self.tunnel)

    def data_received(self, data: bytes) -> None:
        if self._open:
            super().data_received(data)
        elif not self.done.done():
            self._answer.feed(data)
            if self._answer.ended:
                self._opened(of_tunnel(self._answer))

    def _opened(self, refusal: Verdict | None) -> None:
        if refusal is not None:
            self._finish(refusal)
            return
        self._open = True
        self.connected_ns = self._clock()
        super().start(self.request)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._open or not isinstance(exc, OSError):
            super().connection_lost(exc)
        else:
            self._finish(unreached(judge.of_os_error(exc, "connect")))

    def _end(self) -> None:
        if self._open:
            super()._end()
        else:
            self._finish(unreached(judge.of_end("connect")))
