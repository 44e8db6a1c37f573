"""What an HTTP look is asked to do: the sections under `http`, and what is made of them once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field

from monitor.probes.http.expect import Expect
from monitor.probes.tls import HTTP_1, TlsPolicy
from monitor.probes.tls_settings import TlsSettings
from monitor.probes.web import Target, parse_target, request_bytes
from monitor.settings import Mistake, Secret, Settings, Text, WebUrl

REDIRECT_LIMIT = 5  # design/faults.md, "Defaults"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2


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


def _plain(text: str | Secret) -> str:
    return text.reveal() if isinstance(text, Secret) else text
