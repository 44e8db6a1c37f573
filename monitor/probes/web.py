"""Where an HTTP request goes and what it says: pure functions from URLs to targets and bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from monitor import __version__
from monitor.probes.address import literal
from monitor.settings import split_url

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_HOST_LENGTH = 253  # RFC 1035 section 2.3.4, without the lengths of labels
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,15}")  # an interface of this host
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986 reserved, and what is escaped already


class Target(NamedTuple):
    """One hop: whom to connect to, and the request target and Host that are sent there."""

    secure: bool
    host: str
    port: int
    path: str
    authority: str
    literal: bool  # the host is an address

    @property
    def url(self) -> str:
        return f"http{'s' if self.secure else ''}://{self.authority}{self.path}"


def parse_target(url: str) -> Target:
    """The hop that a URL leads to. Raises ValueError for what is no http or https URL with a host."""
    parts = split_url(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("neither http nor https")
    named, default = parts.host, _DEFAULT_PORTS[parts.scheme]
    if not named:
        raise ValueError("no host")
    host = ascii_host(named.replace("%25", "%"))  # a zone in a URL: RFC 6874 section 2
    port = parts.port or default
    shown = f"[{host.partition('%')[0]}]" if ":" in host else host
    authority = shown if port == default else f"{shown}:{port}"
    path = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path, authority, literal(host) is not None)


def ascii_host(host: str) -> str:
    """A host name or address as DNS and certificates spell it. Raises ValueError."""
    if literal(host) is not None:
        if "%" in host and not _ZONE.fullmatch(host.partition("%")[2]):
            raise ValueError("an address with a zone that is none")
        return host
    if len(host) > _HOST_LENGTH + 1:  # with the dot of its end; before it is encoded, which takes long
        raise ValueError("not a host name")
    spelled = (host if host.isascii() else host.encode("idna").decode("ascii")).removesuffix(".").lower()
    if len(spelled) > _HOST_LENGTH or not _NAME.fullmatch(spelled):
        raise ValueError("not a host name")
    return spelled


def redirected(current: Target, location: bytes) -> Target | None:
    """Where a redirect leads; None for a scheme that is not followed. Raises ValueError for what is no URL."""
    text = location.decode("utf-8", "strict").strip()
    if not text or any(ord(character) < 0x20 for character in text):
        raise ValueError("an empty or unreadable Location")
    given = urlsplit(text)
    if given.scheme in _DEFAULT_PORTS and not given.netloc:
        raise ValueError("no host")  # urljoin would take it for a path
    absolute = urljoin(current.url, text)
    if urlsplit(absolute).scheme not in _DEFAULT_PORTS:
        return None
    return parse_target(absolute)


def may_follow(first: Target, current: Target, to: Target, hosts: frozenset[str], to_http: bool = False) -> bool:
    """Whether a redirect is followed: from https to http only with `to_http`, to another host only where it is named,
    and only to the scheme's own port, the first request's on its host, or one named with its host (faults.md rows 76
    to 78)."""
    if current.secure and not to.secure and not to_http:
        return False
    if to.host == first.host and to.port == first.port:
        return True
    named = to.host == first.host or to.host in hosts
    return f"{to.host}:{to.port}" in hosts or (named and to.port == (443 if to.secure else 80))


def is_ours(first: Target, to: Target) -> bool:
    """Whether what is sent to the first target is sent here too, secrets and all: it is the same scheme, host and
    port, or the same host over TLS at last, at the schemes' own ports."""
    if (to.secure, to.host, to.port) == (first.secure, first.host, first.port):
        return True
    return to.host == first.host and (first.secure, first.port, to.secure, to.port) == (False, 80, True, 443)


def request_bytes(
    method: str, target: Target, headers: Mapping[str, str], body: bytes = b"", absolute: bool = False
) -> bytes:
    """The whole request; `headers` stand in for our own of the same name. `absolute`: as a proxy is asked."""
    sent = {
        "Host": target.authority,
        "User-Agent": f"minutebook/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body or method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        sent["Content-Length"] = str(len(body))
    given = {name.lower() for name in headers}
    lines = [f"{name}: {value}" for name, value in sent.items() if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    asked = target.url if absolute else target.path
    return "\r\n".join((f"{method} {asked} HTTP/1.1", *lines, "", "")).encode("utf-8") + body
