"""Where a kind that speaks over one TCP connection connects to, as its settings say it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from pydantic import Field

from monitor.probes.tls import TlsPolicy
from monitor.probes.web import ascii_host
from monitor.settings import Mistake, Settings


class Endpoint(NamedTuple):
    """A name or an address as DNS spells it, and a port; where TLS may be spoken its terms, and the name that is sent
    as SNI and verified."""

    host: str
    port: int
    tls: TlsPolicy | None = None
    name: str = ""


class HostAndPort(Settings):
    """The keys `host` and `port`."""

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)

    def mistakes(self) -> Iterator[Mistake]:
        try:
            ascii_host(self.host)
        except ValueError as error:
            yield Mistake(("host",), f"expected a host name or an address; {error}")
        yield from super().mistakes()

    @cached_property
    def spelled_host(self) -> str:
        """The host as DNS and certificates spell it."""
        return ascii_host(self.host)


def target(settings: HostAndPort) -> str:
    return f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"


def host(settings: HostAndPort) -> str:
    return settings.spelled_host
