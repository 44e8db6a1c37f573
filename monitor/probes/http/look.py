"""One look over HTTP: hop by hop to the response that is judged, every phase measured."""

from __future__ import annotations

import asyncio
from functools import partial

from monitor.facts import Phases
from monitor.interfaces import Observation, Tick
from monitor.probes import judge
from monitor.probes.address import vetted
from monitor.probes.connect import Connected, connect
from monitor.probes.deadline import Deadline
from monitor.probes.exchange import Exchange
from monitor.probes.http.expect import judge_response
from monitor.probes.http.settings import HttpSettings
from monitor.probes.judge import Phase, ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.probes.response import Response
from monitor.probes.tls import TlsPolicy
from monitor.probes.web import REDIRECTS, Target, may_follow, redirected, request_bytes


async def probe(settings: HttpSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the last response is what was expected."""
    look = _Look(settings, io)
    verdict: Verdict | None = None
    with Deadline(look.loop, io.timeout_ms / 1000):
        try:
            verdict = await look.follow()
        except ProbeError as fault:
            verdict = fault.verdict
    return look.observation(verdict or judge.of_deadline(look.phase, io.timeout_ms))


class _Look:
    """One probe on its way: where it stands, and what it measured so far. Phases are summed over the hops, in ns."""

    __slots__ = (
        "_at",
        "_attributes",
        "_certificate_expires",
        "_connect",
        "_exchange",
        "_io",
        "_ip",
        "_phase",
        "_processing",
        "_redirects",
        "_resolve",
        "_response",
        "_settings",
        "_started",
        "_status",
        "_tls",
        "_transfer",
        "loop",
    )

    def __init__(self, settings: HttpSettings, io: Io) -> None:
        self.loop = asyncio.get_running_loop()
        self._settings = settings
        self._io = io
        self._at = io.clock.now()
        self._started = io.clock.monotonic_ns()
        self._phase: Phase = "resolve"
        self._exchange: Exchange | None = None
        self._response: Response | None = None
        self._resolve = self._connect = self._tls = self._processing = self._transfer = 0
        self._redirects = 0
        self._ip: str | None = None
        self._status: int | None = None
        self._certificate_expires: int | None = None
        self._attributes: dict[str, float | str] = {}

    @property
    def phase(self) -> Phase:
        return self._phase if self._exchange is None else self._exchange.phase

    async def follow(self) -> Verdict:
        """Hop by hop to the response that is judged. Raises ProbeError."""
        settings = self._settings
        target, request, method = settings.first, settings.first_request, settings.method
        while True:
            response = await self._hop(target, request, method == "HEAD")
            if response.status not in REDIRECTS or response.status in settings.expect.statuses:
                return judge_response(settings.expect, response)
            following = self._next(target, response)
            headers = settings.sent_headers if following.host == settings.first.host else {}
            if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                method = "HEAD" if method == "HEAD" else "GET"  # RFC 9110 section 15.4
            target, request = following, request_bytes(method, following, headers)

    def _next(self, current: Target, response: Response) -> Target:
        self._redirects += 1
        if self._redirects > self._settings.redirects.limit:
            raise judge.fail("http_redirect_loop", f"over {self._settings.redirects.limit} redirects")
        location = response.header(b"location")
        if location is None:
            raise judge.fail("http_protocol", "a redirect without a Location")
        try:
            following = redirected(current, location)
        except ValueError:
            raise judge.fail("http_protocol", "a redirect whose Location is no URL") from None
        if following is None:
            raise judge.fail("http_redirect_blocked", "a redirect to another scheme than http and https")
        if not may_follow(self._settings.first, current, following, self._settings.other_hosts):
            raise judge.fail("http_redirect_blocked", "a redirect to another host or port, or from https to http")
        return following

    async def _hop(self, target: Target, request: bytes, bodiless: bool) -> Response:
        addresses = await self._addresses(target)
        if target.secure:
            self._io.tls.context(self._policy(target)[0])  # made here once: it is no part of a connection
        self._phase, self._ip = "connect", addresses[0]
        began = self._io.clock.monotonic_ns()
        exchange, connected = await connect(partial(self._make, target, bodiless), addresses, target.port, self.loop)
        self._exchange = exchange
        try:
            exchange.start(request)
            await exchange.done
        finally:
            self._measure(exchange, connected, began)
            exchange.close()
        fault = exchange.fault or exchange.response.fault
        if fault is not None:
            raise ProbeError(fault)
        self._exchange = None
        return exchange.response

    def _make(self, target: Target, bodiless: bool) -> Exchange:
        io = self._io
        response = Response(self._settings.expect.body_matches is not None, bodiless)
        tls = io.tls.session(*self._policy(target)) if target.secure else None
        return Exchange(response, tls, io.clock.monotonic_ns, self.loop.create_future())

    def _policy(self, target: Target) -> tuple[TlsPolicy, str]:
        """With the name that is verified. Another host is shown no certificate of ours."""
        settings = self._settings
        if target.host == settings.first.host:
            return settings.tls_policy, settings.tls.name_of(target.host)
        return settings.tls_policy_elsewhere, target.host

    async def _addresses(self, target: Target) -> tuple[str, ...]:
        self._phase = "resolve"
        if target.literal:
            found: tuple[str, ...] = (target.host,)
        else:
            began = self._io.clock.monotonic_ns()
            try:
                found = (await self._io.resolver.look_up(target.host)).addresses
            finally:
                self._resolve += self._io.clock.monotonic_ns() - began
        allowed = vetted(found, self._io.allow_private_targets)
        if allowed:
            return allowed
        if self._redirects:
            raise judge.fail("http_redirect_blocked", "address_denied")
        raise judge.void("self_config", "address_denied")

    def _measure(self, exchange: Exchange, connected: Connected, began: int) -> None:
        self._ip = connected.address
        self._connect += exchange.connected_ns - began
        sent = exchange.secured_ns or exchange.connected_ns
        if exchange.secured_ns:
            self._tls += exchange.secured_ns - exchange.connected_ns
        if exchange.first_byte_ns:
            self._processing += exchange.first_byte_ns - sent
        if exchange.first_byte_ns and exchange.ended_ns:
            self._transfer += exchange.ended_ns - exchange.first_byte_ns
        if connected.failed_ipv6:
            self._attributes["ipv6_failed"] = 1
        if connected.failed_ipv4:
            self._attributes["ipv4_failed"] = 1
        self._describe(exchange)

    def _describe(self, exchange: Exchange) -> None:
        response = exchange.response
        self._response = response
        self._status = response.status or None
        if exchange.agreed is not None:
            version, expires = exchange.agreed
            self._attributes["probe_tls_version_info"] = (version or "").replace("TLSv", "TLS ")
            if expires is not None:
                self._certificate_expires = min(expires, self._certificate_expires or expires)

    def observation(self, verdict: Verdict) -> Observation:
        return Observation(
            outcome=verdict.outcome,
            at=self._at,
            duration_ms=judge.milliseconds(self._io.clock.monotonic_ns() - self._started),
            reason=verdict.reason,
            detail=verdict.detail,
            phases=self._phases(),
            status=self._status,
            ip=self._ip,
            certificate_expires=self._certificate_expires,
            attributes=self._all_attributes(verdict),
        )

    def _phases(self) -> Phases:
        return Phases(
            judge.milliseconds(self._resolve) if self._resolve else None,
            judge.milliseconds(self._connect) if self._connect else None,
            judge.milliseconds(self._tls) if self._tls else None,
            judge.milliseconds(self._processing) if self._processing else None,
            judge.milliseconds(self._transfer) if self._transfer else None,
        )

    def _all_attributes(self, verdict: Verdict) -> dict[str, float | str]:
        attributes = self._attributes
        attributes["probe_http_redirects"] = self._redirects
        attributes["probe_http_ssl"] = 1 if "probe_tls_version_info" in attributes else 0
        if self._ip is not None:
            attributes["probe_ip_protocol"] = 6 if ":" in self._ip else 4
        if self._response is not None and self._response.status:
            attributes["probe_http_version"] = float(self._response.version)
            attributes["probe_http_content_length"] = self._response.content_length
        if self._settings.expect.body_matches is not None:
            attributes["probe_failed_due_to_regex"] = 1 if verdict.reason == "http_content" else 0
        return attributes
