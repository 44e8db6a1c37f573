"""HTTP: one request a hop over a fresh connection, every phase measured, redirects followed within bounds.

```yaml
http:
  url: https://app.example.com/health
  method: GET
  headers: {Authorization: {from_file: secrets/probe-token}}   # never sent to another host
  expect: {status: [200, 300-399], body_matches: '"status":\\s*"ok"'}   # default: 200-299, any body
  redirects: {limit: 5, hosts: [login.example.com]}             # other hosts, or host:port, that may be followed to
```
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from monitor.facts import Phases
from monitor.interfaces import Observation, Tick
from monitor.probes import judge
from monitor.probes.address import vetted
from monitor.probes.connect import Connected, connect
from monitor.probes.deadline import Deadline
from monitor.probes.exchange import Exchange
from monitor.probes.judge import PASS, Phase, ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.probes.pattern import BodyPattern
from monitor.probes.response import Response
from monitor.probes.tls import HTTP_1, TlsPolicy
from monitor.probes.tls_settings import TlsSettings
from monitor.probes.web import REDIRECTS, Target, may_follow, parse_target, redirected, request_bytes
from monitor.settings import Mistake, Secret, Settings, Text, WebUrl, shown, wrong

REDIRECT_LIMIT = 5  # design/faults.md, "Defaults"

_RANGE = re.compile(r"([1-9]\d\d)-([1-9]\d\d)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2


def _parse_status(given: object) -> int | str:
    if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 999:
        return given
    match = _RANGE.fullmatch(given) if isinstance(given, str) else None
    if match is None or match[1] > match[2]:
        raise wrong(f"expected a status such as 200, or a range such as 200-299; found {shown(given)}")
    return match[0]


def _parse_pattern(given: object) -> str:
    if not isinstance(given, str):
        raise wrong(f"expected a regular expression; found {shown(given)}")
    try:
        BodyPattern(given)
    except ValueError as error:
        raise wrong(f"expected a regular expression; {error}") from None
    return given


Status = Annotated[
    int | str,
    PlainValidator(_parse_status),
    WithJsonSchema({"type": ["integer", "string"], "examples": [200, "200-299"]}),
]


class Expect(Settings):
    """What a response must be."""

    status: list[Status] = Field(default=["200-299"], min_length=1)
    body_matches: Annotated[str, PlainValidator(_parse_pattern), WithJsonSchema({"type": "string"})] | None = None

    @cached_property
    def statuses(self) -> frozenset[int]:
        return frozenset(code for status in self.status for code in _codes(status))

    @cached_property
    def pattern(self) -> BodyPattern | None:
        return None if self.body_matches is None else BodyPattern(self.body_matches)


class Redirects(Settings):
    """How far redirects are followed: how many, and to which hosts (or host:port) beside the URL's own."""

    limit: int = Field(default=REDIRECT_LIMIT, ge=0, le=REDIRECT_LIMIT)
    hosts: list[str] = Field(default_factory=list)


class HttpSettings(Settings):
    url: WebUrl
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    headers: dict[str, Text] = Field(default_factory=dict)
    expect: Expect = Expect()
    redirects: Redirects = Redirects()
    tls: TlsSettings = TlsSettings()

    def mistakes(self) -> Iterator[Mistake]:
        try:
            parse_target(self.url)
        except ValueError as error:
            yield Mistake(("url",), f"expected a URL such as https://app.example.com/health; {error}")
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name):
                yield Mistake(("headers", name), "expected a header's name: letters, digits and hyphens")
            if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", _plain(value)):
                yield Mistake(("headers", name), "expected one line of text")
        if self.method == "HEAD" and self.expect.body_matches is not None:
            yield Mistake(("expect", "body_matches"), "a HEAD request has no body; use method: GET")

    @cached_property
    def first(self) -> Target:
        return parse_target(self.url)

    @cached_property
    def first_request(self) -> bytes:
        return request_bytes(self.method, self.first, self.sent_headers)

    @cached_property
    def sent_headers(self) -> dict[str, str]:
        return {name: _plain(value) for name, value in self.headers.items()}

    @cached_property
    def tls_policy(self) -> TlsPolicy:
        return self.tls.policy(HTTP_1)

    @cached_property
    def tls_policy_elsewhere(self) -> TlsPolicy:
        return self.tls_policy.anonymous()

    @cached_property
    def other_hosts(self) -> frozenset[str]:
        return frozenset(self.redirects.hosts)


def _codes(status: int | str) -> range:
    if isinstance(status, int):
        return range(status, status + 1)
    first, _, last = status.partition("-")
    return range(int(first), int(last) + 1)


def _plain(text: str | Secret) -> str:
    return text.reveal() if isinstance(text, Secret) else text


def target(settings: HttpSettings) -> str:
    return settings.url


def host(settings: HttpSettings) -> str:
    return settings.first.host


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


def judge_response(expect: Expect, response: Response) -> Verdict:
    """Whether a whole response is the expected one."""
    if response.status not in expect.statuses:
        return Verdict("fail", "http_status", f"status {response.status}")
    if expect.pattern is not None and not expect.pattern.found_in(response.body):
        return Verdict("fail", "http_content", "the body does not match body_matches")
    return PASS


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
