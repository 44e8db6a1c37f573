"""One name server, asked through c-ares on a channel of its own: what it says of a name, and whether it answers at all.

c-ares tells NXDOMAIN, NODATA and SERVFAIL apart and gives the TTLs, but not why an answer could not be had; what it
leaves open is asked here (design/faults.md rows 17, 18 and 31 to 33).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import aiodns
import pycares
from aiodns import error as ares

from monitor.probes import judge
from monitor.probes.address import name_server
from monitor.probes.judge import ProbeError, Verdict

FIRST_S = 0.4
"""c-ares shortens its timeout to five times what a server took on average, 250 ms at least, and drops what comes later.
So a channel that is kept asks once, and a slow server is asked again on a fresh one, which has no average. Nor does a
fresh one keep a refusal for as long as RFC 2308 lets it: the name may exist by now."""

RESENT_S = 1.5  # a question that was lost is sent again so much later, and either answer is taken
ADDRESSES_TAKEN = 64  # of a name: an answer of 64 KB holds 4,000, and a look has 2 MB (design/faults.md, "Defaults")
LONGEST_CHAIN = 16  # CNAMEs in a row: design/faults.md row 33
_PAUSE_S = 0.5  # after an answer that cannot be read
_DIAGNOSIS_S = 1.0
_PATIENCE_S = 60.0  # longer than anybody waits

_FAILURES = {
    ares.ARES_ENOTFOUND: "dns_nxdomain",
    ares.ARES_ENODATA: "dns_nodata",
    ares.ARES_ESERVFAIL: "dns_servfail",
    ares.ARES_EREFUSED: "dns_servfail",
    ares.ARES_ENOTIMP: "dns_servfail",
    ares.ARES_ETIMEOUT: "dns_timeout",
    ares.ARES_ECONNREFUSED: "dns_timeout",  # the server could not be reached at all
}
"""c-ares status to reason (design/faults.md rows 21 to 33); any other is `dns_bad`."""

_UNHEARD = frozenset({ares.ARES_ETIMEOUT, ares.ARES_ECONNREFUSED})
_CONTENT = frozenset({ares.ARES_ENOTFOUND, ares.ARES_ENODATA})


class Said(NamedTuple):
    """What a server said of a name: its addresses and for how many seconds they are good, or why there are none."""

    addresses: tuple[str, ...] = ()
    seconds: int = 0
    verdict: Verdict | None = None


class Upstream:
    """Asks one server (address or address:port). `up` is whether it answered when it was last asked, None before."""

    def __init__(self, server: str, clock: Callable[[], int]) -> None:
        self.server = server
        self.up: bool | None = None
        self._clock = clock
        self._channel: aiodns.DNSResolver | None = None
        self._heard_ns = 0

    async def ask(self, name: str, within_s: float) -> Said:
        """What the server says of a name in so many seconds. Never raises for what it does, or for want of our own."""
        began = self._clock()
        try:
            async with asyncio.timeout(within_s):
                return await self._ask(name, began)
        except TimeoutError:
            return self._silent(began, f"no answer within {within_s:.1f} s")
        except ProbeError as ours:
            return Said(verdict=ours.verdict)

    async def answers(self, name: str, within_s: float) -> bool:
        """Whether the server answers anew for a name; that there is no such name is an answer, a SERVFAIL is none."""
        began = self._clock()
        try:
            async with asyncio.timeout(within_s), _channel(self.server, _PATIENCE_S) as fresh:
                await fresh.query_dns(name, "A")
        except TimeoutError:
            self._silent(began, "")
            return False
        except ares.DNSError as error:
            status = int(error.args[0])
            if status in _UNHEARD:
                self._silent(began, "")
            else:
                self._hear()
            return status in _CONTENT
        except (pycares.AresError, MemoryError):
            return False  # we are short of something ourselves
        self._hear()
        return True

    async def aclose(self) -> None:
        """Ends what is being asked; a later question starts anew."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    # -- steps

    async def _ask(self, name: str, began: int) -> Said:
        while True:
            try:
                if self._channel is None:
                    self._channel = _channel(self.server, FIRST_S)
                found = await self._channel.getaddrinfo(name, type=socket.SOCK_STREAM)
            except ares.DNSError as error:
                status = int(error.args[0])
                if status == ares.ARES_ETIMEOUT or status in _CONTENT:
                    return await self._ask_patiently(name, began)
                if status != ares.ARES_EBADRESP:
                    return await self._refusal(name, status, began)
            except pycares.AresError:
                words = "c-ares could not be started"
                raise ProbeError(_our_shortage(self.server) or Verdict("void", "self_resolver", words)) from None
            else:
                self._hear()
                return _found(found)
            await asyncio.sleep(_PAUSE_S)  # what cannot be read is nobody's answer: the right one may still come

    async def _ask_patiently(self, name: str, began: int) -> Said:
        """On a fresh channel, until whoever waits has had enough."""
        async with _channel(self.server, _PATIENCE_S) as fresh:
            asked = [fresh.getaddrinfo(name, type=socket.SOCK_STREAM)]
            try:
                ended, _ = await asyncio.wait(asked, timeout=RESENT_S)
                if not ended:
                    asked.append(fresh.getaddrinfo(name, type=socket.SOCK_STREAM))
                    ended, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                found = ended.pop().result()
            except ares.DNSError as error:
                status = int(error.args[0])
            else:
                self._hear()
                return _found(found)
            finally:
                for each in asked:
                    if not each.cancel() and not each.cancelled():
                        each.exception()  # seen: one answer is enough
        if status == ares.ARES_EBADRESP:
            await asyncio.sleep(_PAUSE_S)
            return await self._ask_patiently(name, began)
        return await self._refusal(name, status, began)

    async def _refusal(self, name: str, status: int, began: int) -> Said:
        nodata = status == ares.ARES_ENODATA
        if nodata:
            status = await self._without_address(name)
        words = _words(status)
        if status == ares.ARES_ENOMEM:
            raise judge.void("self_memory", "c-ares is out of memory")
        if status in (ares.ARES_ECANCELLED, ares.ARES_EDESTRUCTION):
            raise judge.void("self_resolver", "the resolvers were changed during the look-up")
        if status in _UNHEARD:
            if (shortage := _our_shortage(self.server)) is not None:
                raise ProbeError(shortage)
            if status == ares.ARES_ETIMEOUT or not await self._cuts(name):
                return self._silent(began, words)
            status, words = ares.ARES_EBADRESP, "the answer was cut, and over TCP there is none"
        elif status == ares.ARES_EBADRESP and nodata:
            words = f"over {LONGEST_CHAIN} CNAME records in a row, or a loop of them"
        self._hear()
        return Said(verdict=Verdict("fail", _FAILURES.get(status, "dns_bad"), words))

    async def _cuts(self, name: str) -> bool:
        """Whether the server does answer over UDP, so that it was TCP that could not be had for a cut answer."""
        try:
            async with (
                asyncio.timeout(_DIAGNOSIS_S),
                _channel(self.server, _PATIENCE_S, pycares.ARES_FLAG_IGNTC) as uncut,
            ):
                await uncut.query_dns(name, "A")
        except ares.DNSError as error:
            return error.args[0] not in _UNHEARD
        except (TimeoutError, pycares.AresError):
            return False
        return True

    async def _without_address(self, name: str) -> int:
        """What c-ares means by NODATA: it says so too where one family has no record and the other one could not be
        had, and of a chain of CNAMEs that leads nowhere (`ARES_EBADRESP`)."""
        statuses = await asyncio.gather(self._status(name, "A"), self._status(name, "AAAA"))
        failed = [status for status in statuses if status not in (ares.ARES_SUCCESS, *_CONTENT)]
        return failed[0] if failed else int(ares.ARES_ENODATA)

    async def _status(self, name: str, record: str) -> int:
        """What becomes of a question for one family."""
        if self._channel is None:
            return int(ares.ARES_ENODATA)
        try:
            async with asyncio.timeout(_DIAGNOSIS_S):
                told = await self._channel.query_dns(name, record)
        except TimeoutError:
            return int(ares.ARES_ETIMEOUT)
        except ares.DNSError as error:
            return int(error.args[0])
        aliases = [(each.name, each.data) for each in told.answer]
        chain = ((alias, data.cname) for alias, data in aliases if isinstance(data, pycares.CNAMERecordData))
        return int(ares.ARES_EBADRESP if _endless(chain) else ares.ARES_SUCCESS)

    def _hear(self) -> None:
        self._heard_ns = self._clock()
        self.up = True

    def _silent(self, began: int, words: str) -> Said:
        """No answer to this question; other questions that were answered meanwhile show that the server lives."""
        if self._heard_ns <= began:
            self.up = False
        return Said(verdict=Verdict("fail", "dns_timeout", words))


def _channel(server: str, timeout_s: float, flags: int | None = None) -> aiodns.DNSResolver:
    return aiodns.DNSResolver(nameservers=[server], timeout=timeout_s, tries=1, flags=flags)


def _found(found: pycares.AddrInfoResult) -> Said:
    addresses = tuple(dict.fromkeys(_spelled(node.addr[0]) for node in found.nodes[:ADDRESSES_TAKEN]))
    if not addresses:
        return Said(verdict=Verdict("fail", "dns_nodata"))
    if _endless((cname.alias, cname.name) for cname in found.cnames):
        return Said(verdict=Verdict("fail", "dns_bad", f"over {LONGEST_CHAIN} CNAME records in a row"))
    lives = [node.ttl for node in found.nodes] + [cname.ttl for cname in found.cnames]
    return Said(addresses, max(min(lives), 0))


def _endless(aliases: Iterable[tuple[str, str]]) -> bool:
    """Whether CNAMEs (alias, name) are more than a chain may have, or lead back to one of them."""
    chain = {alias.lower(): name.lower() for alias, name in aliases}
    return len(chain) > LONGEST_CHAIN or any(_leads_back(chain, alias) for alias in chain)


def _leads_back(chain: Mapping[str, str], alias: str) -> bool:
    name = chain[alias]
    for _ in chain:
        if name == alias:
            return True
        name = chain.get(name, "")
    return False


def _our_shortage(server: str) -> Verdict | None:
    """Why we could not ask, which c-ares keeps to itself: whether a socket to the server is to be had."""
    to = name_server(server)
    family = socket.AF_INET6 if to is not None and ":" in to.address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            if to is not None:
                unsent.connect((to.address, to.port))
    except OSError as error:
        verdict = judge.of_os_error(error, "resolve")
        return verdict if verdict.outcome == "void" else None
    return None


def _words(status: int) -> str:
    words = pycares.errno.strerror(status)
    return words.decode("ascii", "replace") if isinstance(words, bytes) else words


def _spelled(address: str | bytes) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address
