"""Names to addresses through c-ares: own name servers, answers kept for their TTL, every failure told apart."""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import aiodns
import pycares
from aiodns import error as ares

from monitor.probes.judge import ProbeError, Verdict

NAMES_KEPT = 10_000
QUERY_TIMEOUT = 2.0  # seconds before c-ares asks the next server; a slow answer is still taken
TRIES = 2

_FAILURES = {
    ares.ARES_ENOTFOUND: "dns_nxdomain",
    ares.ARES_ENODATA: "dns_nodata",
    ares.ARES_ESERVFAIL: "dns_servfail",
    ares.ARES_EREFUSED: "dns_servfail",
    ares.ARES_ENOTIMP: "dns_servfail",
    ares.ARES_ETIMEOUT: "dns_timeout",
    ares.ARES_ECONNREFUSED: "dns_timeout",  # no server could be reached at all
}
"""c-ares status to reason (design/faults.md rows 21 to 33); any other is `dns_bad`."""


class Answer(NamedTuple):
    """The addresses of a name, IPv6 and IPv4 as the system prefers them, good until a monotonic instant."""

    addresses: tuple[str, ...]
    expires_ns: int


class Resolver:
    """Asks `servers` (address or address:port; none: the system's) and keeps what they answered for its TTL."""

    def __init__(self, servers: Sequence[str], clock: Callable[[], int]) -> None:
        self._servers = tuple(servers)
        self._clock = clock
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._channel: aiodns.DNSResolver | None = None

    @property
    def servers(self) -> tuple[str, ...]:
        """The name servers that are asked, the system's where none were given; none where c-ares cannot be started."""
        try:
            return self._servers or tuple(self._ares().nameservers)
        except pycares.AresError:
            return ()

    @property
    def answered_names(self) -> tuple[str, ...]:
        """The names that were answered, the newest first, also those whose TTL is over."""
        return tuple(reversed(self._kept))

    def kept(self, name: str) -> Answer | None:
        """What is known of a name without asking anybody."""
        answer = self._kept.get(name)
        if answer is not None and answer.expires_ns > self._clock():
            return answer
        return None

    async def look_up(self, name: str) -> Answer:
        """The addresses of a name. Raises ProbeError with a `dns_*` reason."""
        kept = self.kept(name)
        if kept is not None:
            return kept
        try:
            found = await self._ares().getaddrinfo(name, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            raise ProbeError(of_ares_status(int(error.args[0]))) from None
        except pycares.AresError:
            raise ProbeError(Verdict("void", "self_resolver", "c-ares could not be started")) from None
        answer = self._answer(found)
        self._keep(name, answer)
        return answer

    async def aclose(self) -> None:
        """Ends what is being asked; a later look-up starts anew."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    def _ares(self) -> aiodns.DNSResolver:
        if self._channel is None:
            servers = list(self._servers) or None
            self._channel = aiodns.DNSResolver(nameservers=servers, timeout=QUERY_TIMEOUT, tries=TRIES)
        return self._channel

    def _answer(self, found: pycares.AddrInfoResult) -> Answer:
        addresses = tuple(dict.fromkeys(_spelled(node.addr[0]) for node in found.nodes))
        if not addresses:
            raise ProbeError(Verdict("fail", "dns_nodata"))
        lives = [node.ttl for node in found.nodes] + [cname.ttl for cname in found.cnames]
        seconds = max(min(lives), 0)
        return Answer(addresses, self._clock() + seconds * 1_000_000_000)

    def _keep(self, name: str, answer: Answer) -> None:
        self._kept[name] = answer
        self._kept.move_to_end(name)
        if len(self._kept) > NAMES_KEPT:
            self._kept.popitem(last=False)


def of_ares_status(status: int) -> Verdict:
    """What a failed look-up means."""
    if status == ares.ARES_ENOMEM:
        return Verdict("void", "self_memory", "c-ares is out of memory")
    if status in (ares.ARES_ECANCELLED, ares.ARES_EDESTRUCTION):
        return Verdict("void", "self_resolver", "the resolvers were changed during the look-up")
    return Verdict("fail", _FAILURES.get(status, "dns_bad"), _words(status))


def _words(status: int) -> str:
    words = pycares.errno.strerror(status)
    return words.decode("ascii", "replace") if isinstance(words, bytes) else words


def _spelled(address: str | bytes) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address
