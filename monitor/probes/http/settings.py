"""What an HTTP look is asked to do: the sections under `http`, and what is made of them once."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from pydantic import Field

from monitor.probes.address import IpVersion, is_of_version
from monitor.probes.http.expect import TOKEN, Expect
from monitor.probes.http.proxy import tunnel_request
from monitor.probes.tls import HTTP_1, TlsPolicy
from monitor.probes.tls_settings import TlsSettings
from monitor.probes.web import Target, ascii_host, parse_target, request_bytes
from monitor.settings import Mistake, Secret, SecretText, Settings, Text, WebUrl, once

REDIRECT_LIMIT = 5  # design/faults.md, "Defaults"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = frozenset({"GET", "HEAD"})
_OF_CONTENT = frozenset({"content-encoding", "content-language", "content-location", "content-type"})
"""Headers that go with the body when a redirect turns a request into a GET (Fetch, section "HTTP-redirect fetch")."""

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Headers = dict[str, Text]


class Redirects(Settings):
    """How far redirects are followed: how many, and to which hosts (or host:port) beside the URL's own."""

    limit: int = Field(default=REDIRECT_LIMIT, ge=0, le=REDIRECT_LIMIT)
    hosts: list[str] = Field(default_factory=list)
    to_http: bool = False

    def mistakes(self) -> Iterator[Mistake]:
        for place, given in enumerate(self.hosts):
            try:
                host, _, port = given.rpartition(":") if re.search(r":\d+$", given) else (given, "", "")
                spelled = ascii_host(host) + (f":{int(port)}" if port else "")
            except ValueError:
                yield Mistake(("hosts", place), "expected a host such as login.example.com, or host:port")
                continue
            if spelled != given:
                yield Mistake(("hosts", place), f"is never met as it is spelled; write {spelled}")


class Auth(Settings):
    """Who we say we are: a user with a password (RFC 7617), or a bearer token (RFC 6750)."""

    user: str | None = None
    password: SecretText | None = None
    bearer: SecretText | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if (self.user is None) == (self.bearer is None):
            yield Mistake((), "expected `user` with `password`, or `bearer`")
        elif (self.user is None) != (self.password is None):
            yield Mistake((), "expected `user` and `password` together")
        yield from _wrong_user(self.user, self.password)
        if self.bearer is not None and _CONTROL.search(self.bearer.reveal()):
            yield Mistake(("bearer",), "expected one line of text")

    def header(self) -> str:
        """The value of Authorization."""
        if self.bearer is not None:
            return f"Bearer {self.bearer.reveal()}"
        return _basic(self.user or "", self.password or Secret(""))


class ProxyAuth(Settings):
    """Who we say to the proxy that we are (RFC 7617)."""

    user: str
    password: SecretText

    def mistakes(self) -> Iterator[Mistake]:
        yield from _wrong_user(self.user, self.password)

    def header(self) -> str:
        """The value of Proxy-Authorization."""
        return _basic(self.user, self.password)


def _wrong_user(user: str | None, password: Secret | None) -> Iterator[Mistake]:
    if user is not None and (":" in user or _CONTROL.search(user)):
        yield Mistake(("user",), "expected a name on one line, without a colon")
    if password is not None and _CONTROL.search(password.reveal()):
        yield Mistake(("password",), "expected one line of text")


def _basic(user: str, password: Secret) -> str:
    return "Basic " + b64encode(f"{user}:{password.reveal()}".encode()).decode("ascii")


class Proxy(Settings):
    """An HTTP proxy that every hop goes through."""

    url: WebUrl
    headers: Headers = Field(default_factory=dict)
    auth: ProxyAuth | None = None

    def mistakes(self) -> Iterator[Mistake]:
        try:
            target = parse_target(self.url)
        except ValueError as error:
            yield Mistake(("url",), f"expected a proxy such as http://proxy.example.com:3128; {error}")
        else:
            if target.secure or target.path != "/":
                yield Mistake(("url",), "expected a proxy such as http://proxy.example.com:3128, http and no path")
        yield from wrong_headers(self.headers)
        if self.auth is not None and "proxy-authorization" in map(str.lower, self.headers):
            yield Mistake(("headers",), "Proxy-Authorization is made of `auth`; leave one of them out")

    @cached_property
    def target(self) -> Target:
        return parse_target(self.url)

    @cached_property
    def tunnel_headers(self) -> dict[str, str]:
        """What is said with CONNECT, which the proxy alone reads."""
        sent = plain_headers(self.headers)
        return sent if self.auth is None else {**sent, "Proxy-Authorization": self.auth.header()}

    @cached_property
    def request_headers(self) -> dict[str, str]:
        """What goes into a request that the proxy passes on: only what it takes out again (RFC 9110 section 11.7.2)."""
        return {name: value for name, value in self.tunnel_headers.items() if name.lower() == "proxy-authorization"}


class HttpSettings(Settings):
    url: WebUrl
    method: Method = "GET"
    headers: Headers = Field(default_factory=dict)
    auth: Auth | None = None
    body: Text | None = None
    compression: list[Literal["gzip", "deflate"]] = Field(default_factory=list, max_length=2)
    ip_version: IpVersion = "any"
    proxy: Proxy | None = None
    expect: Expect = Expect()
    redirects: Redirects = Redirects()
    tls: TlsSettings = TlsSettings()

    def mistakes(self) -> Iterator[Mistake]:
        yield from self._mistakes_of_url()
        if self.headers:
            yield from self._mistakes_of_headers(self.headers)
        if self.body is not None and self.method in _BODILESS:
            yield Mistake(("body",), f"a {self.method} request has no body; use method: POST")
        if self.method == "HEAD":
            for key in self.expect.of_bodies():
                yield Mistake(("expect", key), "a HEAD request has no body; use method: GET")
        if self.proxy is not None and self.expect.ip is not None:
            yield Mistake(("expect", "ip"), "the proxy connects to the target, and its address is not known here")
        if self.proxy is not None and self.ip_version != "any":
            yield Mistake(("ip_version",), "the proxy connects to the target; leave the key out")

    def _mistakes_of_url(self) -> Iterator[Mistake]:
        try:
            first = self.first
        except ValueError as error:
            yield Mistake(("url",), f"expected a URL such as https://app.example.com/health; {error}")
            return
        if first.literal and not is_of_version(first.host, self.ip_version):
            yield Mistake(("ip_version",), f"the address in `url` is none of {self.ip_version}")
        if not first.secure and "tls" in self.model_fields_set and not self.redirects.limit:
            yield Mistake(("tls",), "the URL is http, and no redirect is followed; leave the section out")

    def _mistakes_of_headers(self, headers: Mapping[str, str | Secret]) -> Iterator[Mistake]:
        yield from wrong_headers(headers)
        given = {name.lower() for name in headers}
        if self.auth is not None and "authorization" in given:
            yield Mistake(("headers",), "Authorization is made of `auth`; leave one of them out")
        if self.compression and "accept-encoding" in given:
            yield Mistake(("headers",), "Accept-Encoding is made of `compression`; leave one of them out")
        for name in sorted(given & {"content-length", "transfer-encoding", "connection"}):
            yield Mistake(("headers",), f"{name} is said by the request itself; leave it out")

    @once
    def first(self) -> Target:
        return parse_target(self.url)

    @cached_property
    def first_request(self) -> bytes:
        return self.request_to(self.first, self.method, with_body=True, ours=True)

    def request_to(self, target: Target, method: str, with_body: bool, ours: bool) -> bytes:
        """The whole request of a hop; headers, credentials and a Host of its own go along only where it is `ours`."""
        headers = dict(self._own_headers if ours else self._open_headers)
        if not with_body:
            headers = {name: value for name, value in headers.items() if name.lower() not in _OF_CONTENT}
        absolute = self.proxy is not None and not target.secure
        if self.proxy is not None and absolute:
            headers |= self.proxy.request_headers
        body = _plain(self.body).encode() if self.body is not None and with_body else b""
        return request_bytes(method, target, headers, body, absolute)

    def tunnel_to(self, target: Target) -> bytes:
        """What the proxy is asked before a hop over TLS."""
        return tunnel_request(target, {} if self.proxy is None else self.proxy.tunnel_headers)

    @cached_property
    def _own_headers(self) -> Mapping[str, str]:
        auth = {} if self.auth is None else {"Authorization": self.auth.header()}
        return {**plain_headers(self.headers), **auth, **self._open_headers}

    @cached_property
    def _open_headers(self) -> Mapping[str, str]:
        return {"Accept-Encoding": ", ".join(self.compression)} if self.compression else {}

    @cached_property
    def tls_policy(self) -> TlsPolicy:
        return self.tls.policy(HTTP_1)

    @cached_property
    def tls_policy_elsewhere(self) -> TlsPolicy:
        return self.tls_policy.anonymous()

    @cached_property
    def other_hosts(self) -> frozenset[str]:
        return frozenset(self.redirects.hosts)


def wrong_headers(headers: Mapping[str, str | Secret]) -> Iterator[Mistake]:
    """What is wrong with headers that are to be sent."""
    for name, value in headers.items():
        if not TOKEN.fullmatch(name):
            yield Mistake(("headers", name), "expected a header's name: letters, digits and hyphens")
        if _CONTROL.search(_plain(value)):
            yield Mistake(("headers", name), "expected one line of text")


def plain_headers(headers: Mapping[str, str | Secret]) -> dict[str, str]:
    return {name: _plain(value) for name, value in headers.items()}


def _plain(text: str | Secret) -> str:
    return text.reveal() if isinstance(text, Secret) else text
