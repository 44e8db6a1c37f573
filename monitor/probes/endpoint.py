"""Where a kind that speaks over one TCP connection connects to, as its settings say it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from monitor.probes.address import IpVersion, is_of_version, literal
from monitor.probes.tls import TlsPolicy
from monitor.probes.tls_settings import TlsSettings
from monitor.probes.web import ascii_host
from monitor.settings import Mistake, Settings


class Endpoint(NamedTuple):
    """A name or an address as DNS spells it, and a port; where TLS may be spoken its terms, and the name that is sent
    as SNI and verified."""

    host: str
    port: int
    tls: TlsPolicy | None = None
    name: str = ""
    ip_version: IpVersion = "any"

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)


@runtime_checkable
class Reaching(Protocol):
    """The settings of a kind that connects to one endpoint."""

    @property
    def endpoint(self) -> Endpoint: ...


class HostAndPort(Settings):
    """The keys `host`, `port` and `ip_version`."""

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)
    ip_version: IpVersion = "any"

    def mistakes(self) -> Iterator[Mistake]:
        try:
            ascii_host(self.host)
        except ValueError as error:
            yield Mistake(("host",), f"expected a host name or an address; {error}")
        if literal(self.host) is not None and not is_of_version(self.host, self.ip_version):
            yield Mistake(("ip_version",), f"the address in `host` is none of {self.ip_version}")
        yield from super().mistakes()

    @cached_property
    def spelled_host(self) -> str:
        """The host as DNS and certificates spell it."""
        return ascii_host(self.host)

    def endpoint_of(self, policy: TlsPolicy | None, tls: TlsSettings | None) -> Endpoint:
        """With the terms of TLS, if any, and whose name is verified."""
        name = self.spelled_host if tls is None else tls.name_of(self.spelled_host)
        return Endpoint(self.spelled_host, self.port, policy, name, self.ip_version)


def host_and_port(host: str, port: int) -> str:
    """Both in one text, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def target(settings: HostAndPort) -> str:
    return host_and_port(settings.host, settings.port)


def host(settings: HostAndPort) -> str:
    return settings.spelled_host
