"""Whom a round of the canaries asks, and how: name servers, the default gateway, probes of the configuration's
kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from monitor.interfaces import Tick
from monitor.prober import network
from monitor.prober.evidence import Mask, mask_of
from monitor.probes import KINDS, Io
from monitor.probes.dns import DnsSettings
from monitor.probes.http import HttpSettings
from monitor.probes.icmp import IcmpSettings
from monitor.probes.judge import ProbeError
from monitor.probes.resolver import Answer, Resolver
from monitor.probes.tls_only import TlsOnlySettings
from monitor.probes.upstream import Upstream
from monitor.settings import Settings

TIMEOUT_MS = 2_000
REFRESH_S = 1.0
"""Of a canary's 2 s, for a fresh look-up of its name."""

ANY_NAME = "example.com"  # RFC 2606: exists, and belongs to nobody's service
_PASS: frozenset[str | None] = frozenset({None})
_ANSWERS = _PASS | {"dns_nxdomain", "dns_nodata"}
"""A name server that says that a name does not exist has answered; where `expect` is written, it decides."""


class Canary(NamedTuple):
    """One of `probing.canaries`: its kind and settings."""

    kind: str
    settings: Settings


class Sign(NamedTuple):
    """What a canary showed: whether it sang, and whether somebody else answered in its place."""

    sang: bool
    mask: Mask = ""


class Witness(NamedTuple):
    """A canary that is asked. One that is not `named` by the configuration counts once it has sung. `web`: it says who
    it is. `seldom`: it is somebody else's, and not asked every round."""

    name: str
    look: Callable[[], Awaitable[Sign]]
    named: bool = True
    web: bool = False
    seldom: bool = False


class Steadfast(Resolver):
    """Keeps a canary's addresses: where the name servers are gone, it is still asked at its last ones. It must not fall
    silent with them, or they would count twice."""

    def __init__(self, servers: tuple[str, ...], clock: Callable[[], int]) -> None:
        super().__init__(servers, clock)
        self._last: dict[str, Answer] = {}

    async def look_up(self, name: str) -> Answer:
        last = self._last.get(name)
        try:
            async with asyncio.timeout(None if last is None else REFRESH_S):
                answer = await super().look_up(name)
        except (ProbeError, TimeoutError):
            if last is None:
                raise
            return last
        self._last[name] = answer
        return answer


def configured(canary: Canary, io: Io) -> Witness:
    """A canary of the configuration. TypeError for a kind that is not asked from here."""
    settings = canary.settings
    kind = KINDS[canary.kind]
    probe = kind.bind(settings)
    if probe is None:
        raise TypeError(f"no canary of kind {canary.kind}")
    good = _ANSWERS if isinstance(settings, DnsSettings) and "expect" not in settings.model_fields_set else _PASS
    asked, tick = probe, Tick("", 0, 0)

    async def look() -> Sign:
        seen = await asked(tick, io)
        return Sign(seen.reason in good, mask_of(seen))

    return Witness(f"{canary.kind} {kind.target_of(settings)}", look, web=_says_who_it_is(settings))


def _says_who_it_is(settings: Settings) -> bool:
    """Whether nobody else can answer in its place unseen: by its certificate, or by its known body."""
    if isinstance(settings, HttpSettings):
        return settings.expect.body_matches is not None or settings.url.lower().startswith("https:")
    return isinstance(settings, TlsOnlySettings)


def by_default(io: Io, upstreams: Iterable[Upstream], anchor: Canary | None) -> list[Witness]:
    """The name servers in use, the default gateway, and the anchor (design/faults.md, "Canaries")."""
    found = [_name_server(upstream) for upstream in upstreams]
    address = network.read_default_gateway()
    if address is not None:
        near = replace(io, allow_private_targets=True)  # it is no target: nobody chose it
        gateway = configured(Canary("icmp", IcmpSettings(host=address)), near)
        found.append(gateway._replace(name=f"gateway {address}", named=False))
    if anchor is not None:
        found.append(configured(anchor, io)._replace(named=False, seldom=True))
    return found


def _name_server(upstream: Upstream) -> Witness:
    async def look() -> Sign:
        return Sign(await upstream.answers(ANY_NAME, TIMEOUT_MS / 1000))

    return Witness(f"dns {upstream.server}", look)
