"""One look over HTTP: hop by hop to the response that is judged, every phase measured."""

from __future__ import annotations

import asyncio
from functools import partial
from threading import Event

from monitor.facts import Phases
from monitor.interfaces import Assertion, Observation, Tick
from monitor.probes import judge
from monitor.probes.address import of_version, vetted
from monitor.probes.connect import Connected, connect, connect_alone
from monitor.probes.deadline import Deadline
from monitor.probes.exchange import Exchange
from monitor.probes.http.judging import Judged, Seen, failed_by_pattern, judge_response, status_held
from monitor.probes.http.proxy import PROXY_AUTHENTICATION_REQUIRED, Tunnelled, unreached
from monitor.probes.http.settings import HttpSettings
from monitor.probes.judge import Phase, ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.probes.response import Response
from monitor.probes.tls import TlsPolicy
from monitor.probes.trace import Hop, Trace, certificate_of, safe
from monitor.probes.web import REDIRECTS, Target, is_ours, may_follow, redirected

JUDGED_AT_ONCE = 16_384
"""Bytes of body. One expression may take half a microsecond over each of them, RE2 or not: a megabyte would hold the
loop until the look looked stalled, and void. RE2 lets other threads run meanwhile."""


async def probe(settings: HttpSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the last response is what was expected."""
    look = _Look(settings, io)
    judged: Judged | None = None
    with Deadline(look.loop, io.timeout_ms / 1000):
        try:
            judged = await look.follow()
        except ProbeError as fault:
            judged = Judged(fault.verdict, ())
    return look.observation(judged or Judged(look.out_of_time(), ()))


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
        "_ours",
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
        self._ours = True  # until a redirect leads elsewhere; who leads back from there is not trusted with secrets
        self._ip: str | None = None
        self._status: int | None = None
        self._certificate_expires: int | None = None
        self._attributes: dict[str, float | str] = {"probe_http_ssl": 0}

    @property
    def phase(self) -> Phase:
        return self._phase if self._exchange is None else self._exchange.phase

    def out_of_time(self) -> Verdict:
        """The verdict where the deadline came first."""
        verdict = judge.of_deadline(self.phase, self._io.timeout_ms)
        connected = self._exchange is not None and self._exchange.connected_ns
        at_proxy = self._settings.proxy is not None and not connected and self._phase != "body"
        return unreached(verdict) if at_proxy else verdict

    async def follow(self) -> Judged:
        """Hop by hop to the response that is judged. Raises ProbeError."""
        settings = self._settings
        target, request, method, with_body = settings.first, settings.first_request, settings.method, True
        while True:
            response = await self._hop(target, request, method == "HEAD")
            if response.status == 407 and settings.proxy is not None:
                raise ProbeError(PROXY_AUTHENTICATION_REQUIRED)
            if self._is_last(response):
                return await self._judged(target, response)
            following = self._next(target, response)
            self._ours = self._ours and is_ours(settings.first, following)
            if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                method, with_body = ("HEAD" if method == "HEAD" else "GET"), False  # RFC 9110 section 15.4
            elif with_body and settings.body is not None and not self._ours:
                raise judge.fail("http_redirect_blocked", "a redirect that would take the body to another host")
            target, request = following, settings.request_to(following, method, with_body, self._ours)

    def _is_last(self, response: Response) -> bool:
        settings = self._settings
        return (
            response.status not in REDIRECTS
            or response.status in settings.expect.statuses
            or not settings.redirects.limit
        )

    async def _judged(self, target: Target, response: Response) -> Judged:
        expect = self._settings.expect
        if expect.status_alone and response.status in expect.statuses:
            return status_held(response.status)
        elapsed = judge.milliseconds(self._io.clock.monotonic_ns() - self._started)
        seen = Seen(response, target.secure, self._address, elapsed)
        if not expect.keeps_body or response.body_size <= JUDGED_AT_ONCE:
            return judge_response(expect, seen)
        self._phase, given_up = "body", Event()
        try:
            return await asyncio.to_thread(judge_response, expect, seen, given_up.is_set)
        finally:
            given_up.set()  # a thread is not cancelled: it ends with the expression that it is at

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
        settings = self._settings
        if not may_follow(settings.first, current, following, settings.other_hosts, settings.redirects.to_http):
            raise judge.fail("http_redirect_blocked", "a redirect to another host or port, or from https to http")
        return following

    async def _hop(self, target: Target, request: bytes, bodiless: bool) -> Response:
        if target.literal and self._settings.proxy is None:
            addresses, port = self._allowed((target.host,)), target.port
        else:
            addresses, port = await self._way_to(target)
        if target.secure:
            self._io.tls.context(self._policy(target)[0])  # made here once: it is no part of a connection
        self._phase, self._ip = "connect", addresses[0]
        began = self._io.clock.monotonic_ns()
        make = partial(self._make, target, bodiless)
        try:
            if len(addresses) == 1:
                exchange = make()
                exchange.request = request
                connect_alone(exchange, addresses[0], port, self.loop)
            else:
                exchange, connected = await connect(make, addresses, port, self.loop)
                self._see(connected)
        except ProbeError as error:
            raise self._of_the_way(error) from None
        self._exchange = exchange
        try:
            if not exchange.request:
                exchange.start(request)
            await exchange.done
        finally:
            exchange.close()
            if exchange.connected_ns:
                self._measure(exchange, began)
                if self._io.trace is not None:
                    self._trace(self._io.trace, target, exchange, began)
        fault = exchange.fault or exchange.response.fault
        if fault is not None:
            raise ProbeError(fault) if exchange.connected_ns else self._of_the_way(ProbeError(fault))
        self._exchange = None
        return exchange.response

    def _make(self, target: Target, bodiless: bool) -> Exchange:
        io, settings = self._io, self._settings
        response = Response(settings.expect.keeps_body, bodiless)
        done: asyncio.Future[None] = self.loop.create_future()
        if not target.secure:
            return Exchange(response, None, io.clock.monotonic_ns, done)
        tls = io.tls.session(*self._policy(target))
        if settings.proxy is None:
            return Exchange(response, tls, io.clock.monotonic_ns, done)
        tunnelled = Tunnelled(response, tls, io.clock.monotonic_ns, done)
        tunnelled.tunnel = settings.tunnel_to(target)
        return tunnelled

    def _policy(self, target: Target) -> tuple[TlsPolicy, str]:
        """With the name that is verified. Another host is shown no certificate of ours."""
        settings = self._settings
        if self._ours:
            return settings.tls_policy, settings.tls.name_of(target.host)
        return settings.tls_policy_elsewhere, target.host

    async def _way_to(self, target: Target) -> tuple[tuple[str, ...], int]:
        """The addresses and the port that are connected to."""
        proxy = self._settings.proxy
        if proxy is None:
            return await self._addresses(target), target.port
        if target.literal:
            self._allowed((target.host,))
        try:
            return await self._addresses(proxy.target), proxy.target.port
        except ProbeError as error:
            raise self._of_the_way(error) from None

    def _of_the_way(self, error: ProbeError) -> ProbeError:
        """Why there is no connection; where it would have been to the proxy, that is our own side."""
        return error if self._settings.proxy is None else ProbeError(unreached(error.verdict))

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
        return self._allowed(found)

    def _allowed(self, found: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the version that is asked for that the policy lets us connect to. Raises ProbeError for none."""
        wanted = self._settings.ip_version
        usable = of_version(found, wanted)
        if not usable:
            raise judge.fail("dns_nodata", f"no address for {wanted}")
        allowed = vetted(usable, self._io.allow_private_targets)
        if allowed:
            return allowed
        if self._redirects:
            raise judge.fail("http_redirect_blocked", "address_denied")
        raise judge.void("self_config", "address_denied")

    def _see(self, connected: Connected) -> None:
        self._ip = connected.address
        if connected.failed_ipv6:
            self._attributes["ipv6_failed"] = 1
        if connected.failed_ipv4:
            self._attributes["ipv4_failed"] = 1

    def _measure(self, exchange: Exchange, began: int) -> None:
        self._connect += exchange.connected_ns - began
        sent = exchange.secured_ns or exchange.connected_ns
        if exchange.secured_ns:
            self._tls += exchange.secured_ns - exchange.connected_ns
        if exchange.first_byte_ns:
            self._processing += exchange.first_byte_ns - sent
        if exchange.first_byte_ns and exchange.ended_ns:
            self._transfer += exchange.ended_ns - exchange.first_byte_ns
        self._describe(exchange)

    def _describe(self, exchange: Exchange) -> None:
        response = exchange.response
        self._response = response
        self._status = response.status or None
        self._attributes["probe_http_ssl"] = 0 if exchange.agreed is None else 1
        if exchange.agreed is not None:
            version, expires = exchange.agreed
            self._attributes["probe_tls_version_info"] = (version or "").replace("TLSv", "TLS ")
            if expires is not None:
                self._certificate_expires = min(expires, self._certificate_expires or expires)

    def _trace(self, trace: Trace, target: Target, exchange: Exchange, began: int) -> None:
        connected, first = exchange.connected_ns, exchange.first_byte_ns
        secured = exchange.secured_ns or connected
        trace.hops.append(
            Hop(
                target=safe(target.url.partition("?")[0]),
                address=self._ip or "",
                phases=Phases(
                    connect=judge.milliseconds(connected - began) if connected else None,
                    tls=judge.milliseconds(secured - connected) if exchange.secured_ns else None,
                    processing=judge.milliseconds(first - secured) if first else None,
                    transfer=judge.milliseconds(exchange.ended_ns - first) if first and exchange.ended_ns else None,
                ),
                proxy=None if self._settings.proxy is None else self._settings.proxy.target.authority,
                status=exchange.response.status or None,
                tls=exchange.agreed.version if exchange.agreed is not None else None,
                certificate=certificate_of(exchange.certificate(), exchange.agreed is not None),
            )
        )

    @property
    def _address(self) -> str | None:
        """The target's; a proxy does not tell to which it connects."""
        return self._ip if self._settings.proxy is None else None

    def observation(self, judged: Judged) -> Observation:
        (outcome, reason, detail), assertions = judged
        address = self._address
        return Observation(
            outcome,
            self._at,
            judge.milliseconds(self._io.clock.monotonic_ns() - self._started),
            reason,
            detail,
            self._phases(),
            self._status,
            address,
            self._certificate_expires,
            self._all_attributes(address, assertions),
            assertions,
        )

    def _phases(self) -> Phases:
        milliseconds = judge.milliseconds
        return Phases(
            milliseconds(self._resolve) if self._resolve else None,
            milliseconds(self._connect) if self._connect else None,
            milliseconds(self._tls) if self._tls else None,
            milliseconds(self._processing) if self._processing else None,
            milliseconds(self._transfer) if self._transfer else None,
        )

    def _all_attributes(self, address: str | None, assertions: tuple[Assertion, ...]) -> dict[str, float | str]:
        attributes, response = self._attributes, self._response
        attributes["probe_http_redirects"] = self._redirects
        if address is not None:
            attributes["probe_ip_protocol"] = 6 if ":" in address else 4
        if response is not None and response.status:
            attributes["probe_http_version"] = float(response.version)
            attributes["probe_http_content_length"] = response.content_length
        if not self._settings.expect.status_alone:
            attributes["probe_failed_due_to_regex"] = 1 if any(map(failed_by_pattern, assertions)) else 0
        return attributes
