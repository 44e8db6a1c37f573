"""One name server, asked through c-ares: what it says of a name, and whether it answers at all.

c-ares tells NXDOMAIN, NODATA and SERVFAIL apart and gives the TTLs, but not why an answer could not be had; what it
leaves open is asked here (design/faults.md rows 17, 18 and 31 to 33).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pycares
from aiodns import error as ares

from monitor.probes import cut_answer, judge
from monitor.probes.address import name_server
from monitor.probes.ares import Channel
from monitor.probes.judge import ProbeError, Verdict
from monitor.probes.said import LONGEST_CHAIN, Said, endless, said

FIRST_S = 0.4
"""c-ares shortens its timeout to five times what a server took on average, 250 ms at least, and drops what comes later.
So the channel that is kept, because a new one costs two thirds of a look-up, is asked once, and what it has no answer
to is asked again on a fresh one, which has no average. Nor does a fresh one keep a refusal for as long as RFC 2308 lets
it: the name may exist by now."""

RESENT_S = 1.5  # a question that was lost is sent again so much later, and either answer is taken
_PATIENCE_S = 60.0  # longer than anybody waits
_PAUSE_S = 0.5  # after an answer that cannot be read
_DIAGNOSIS_S = 1.0

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
_ANSWERED = _CONTENT | {ares.ARES_SUCCESS}


class Upstream:
    """Asks one server (address or address:port). `up` is whether it answered when it was last asked, None before."""

    def __init__(self, server: str, clock: Callable[[], int]) -> None:
        self.server = server
        self.up: bool | None = None
        self._clock = clock
        self._heard_ns = 0
        self._kept: Channel | None = None

    async def ask(self, name: str, within_s: float) -> Said:
        """What the server says of a name in so many seconds. Never raises for what it does, or for want of our own."""
        began = self._clock()
        try:
            async with asyncio.timeout(within_s):
                while True:
                    told = await self._ask(name, began)
                    if told is not None:
                        return told
                    await asyncio.sleep(_PAUSE_S)  # nobody's answer: the right one may still come
        except TimeoutError:
            return self._silent(began, f"no answer within {within_s:.1f} s")
        except ProbeError as ours:
            return Said(verdict=ours.verdict)
        except pycares.AresError:
            return Said(verdict=self._shortage() or Verdict("void", "self_resolver", "c-ares could not be started"))
        except OSError as error:
            return Said(verdict=Verdict("void", "self_memory", judge.of_os_error(error, "resolve").detail))

    async def answers(self, name: str, within_s: float) -> bool:
        """Whether the server answers anew for a name; that there is no such name is an answer, as is one that was cut,
        and a SERVFAIL is none."""
        began = self._clock()
        try:
            async with asyncio.timeout(within_s), Channel(self.server, _PATIENCE_S) as channel:
                status = await _status(channel, name, "A")
                answered = status in _ANSWERED or channel.was_cut(status)
        except TimeoutError:
            status, answered = int(ares.ARES_ETIMEOUT), False
        except (pycares.AresError, OSError, MemoryError):
            return False  # we are short of something ourselves
        if answered or status not in _UNHEARD:
            self._hear()
        else:
            self._silent(began, "")
        return answered

    async def aclose(self) -> None:
        """Lets go of what is kept; a later question starts anew."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.close()

    # -- steps

    async def _ask(self, name: str, began: int) -> Said | None:
        """What the server says; None where it cannot be read."""
        quick = await self._ask_quickly(name)
        if quick is not None:
            return quick
        async with Channel(self.server, _PATIENCE_S) as channel:
            try:
                found = await _first_answer(channel, name)
            except ares.DNSError as error:
                status, nodata = int(error.args[0]), error.args[0] == ares.ARES_ENODATA
                if nodata:
                    status = await _without_address(channel, name)
            else:
                self._hear()
                return _found(found)
        if channel.was_cut(status):
            return await self._fetch(name)
        if status == ares.ARES_EBADRESP and not nodata:
            return None
        return self._refusal(status, began, nodata)

    async def _ask_quickly(self, name: str) -> Said | None:
        """The addresses, where they are to be had at once."""
        try:
            if self._kept is None:
                self._kept = Channel(self.server, FIRST_S)
            async with asyncio.timeout(FIRST_S):
                found = await self._kept.getaddrinfo(name, type=socket.SOCK_STREAM)
        except (TimeoutError, ares.DNSError):
            return None
        self._hear()
        return _found(found)

    async def _fetch(self, name: str) -> Said:
        to = name_server(self.server)
        if to is None:
            raise judge.void("self_resolver", f"{self.server} is no address that could be asked over TCP")
        told = await cut_answer.fetch(to, name)
        self._hear()
        return told

    def _refusal(self, status: int, began: int, nodata: bool) -> Said:
        words = _words(status)
        if status == ares.ARES_ENOMEM:
            raise judge.void("self_memory", "c-ares is out of memory")
        if status in _UNHEARD:
            return Said(verdict=shortage) if (shortage := self._shortage()) else self._silent(began, words)
        if nodata and status == ares.ARES_EBADRESP:
            words = f"over {LONGEST_CHAIN} CNAME records in a row, or a loop of them"
        self._hear()
        return Said(verdict=Verdict("fail", _FAILURES.get(status, "dns_bad"), words))

    def _shortage(self) -> Verdict | None:
        """Why we could not ask, which c-ares keeps to itself: whether a socket to the server is to be had."""
        to = name_server(self.server)
        family = socket.AF_INET6 if to is not None and ":" in to.address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as unsent:
                if to is not None:
                    unsent.connect((to.address, to.port))
        except OSError as error:
            verdict = judge.of_os_error(error, "resolve")
            return verdict if verdict.outcome == "void" else None
        return None

    def _hear(self) -> None:
        self._heard_ns = self._clock()
        self.up = True

    def _silent(self, began: int, words: str) -> Said:
        """No answer to this question; other questions that were answered meanwhile show that the server lives."""
        if self._heard_ns <= began:
            self.up = False
        return Said(verdict=Verdict("fail", "dns_timeout", words))


async def _first_answer(channel: Channel, name: str) -> pycares.AddrInfoResult:
    asked: list[asyncio.Future[pycares.AddrInfoResult]] = []
    ended: set[asyncio.Future[pycares.AddrInfoResult]] = set()
    try:
        for pause in (RESENT_S, None):
            asked.append(channel.getaddrinfo(name, type=socket.SOCK_STREAM))
            ended, _ = await asyncio.wait(asked, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if ended:
                break
        return ended.pop().result()
    finally:
        for each in asked:
            if not each.cancel() and not each.cancelled():
                each.exception()  # seen: one answer is enough


async def _without_address(channel: Channel, name: str) -> int:
    """What c-ares means by NODATA: it says so too where one family has no record and the other one could not be had,
    and of a chain of CNAMEs that leads nowhere (`ARES_EBADRESP`)."""
    statuses = await asyncio.gather(*[_status_soon(channel, name, record) for record in ("A", "AAAA")])
    failed = [status for status in statuses if status not in _ANSWERED]
    return failed[0] if failed else int(ares.ARES_ENODATA)


async def _status_soon(channel: Channel, name: str, record: str) -> int:
    try:
        async with asyncio.timeout(_DIAGNOSIS_S):
            return await _status(channel, name, record)
    except TimeoutError:
        return int(ares.ARES_ETIMEOUT)


async def _status(channel: Channel, name: str, record: str) -> int:
    """What becomes of a question for one type of records."""
    try:
        told = await channel.query_dns(name, record)
    except ares.DNSError as error:
        return int(error.args[0])
    chain = ((each.name, each.data.cname) for each in told.answer if isinstance(each.data, pycares.CNAMERecordData))
    return int(ares.ARES_EBADRESP if endless(chain) else ares.ARES_SUCCESS)


def _found(found: pycares.AddrInfoResult) -> Said:
    addresses = [_spelled(node.addr[0]) for node in found.nodes]
    lives = [node.ttl for node in found.nodes] + [cname.ttl for cname in found.cnames]
    return said(addresses, lives, ((cname.alias, cname.name) for cname in found.cnames))


def _words(status: int) -> str:
    words = pycares.errno.strerror(status)
    return words.decode("ascii", "replace") if isinstance(words, bytes) else words


def _spelled(address: str | bytes) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address
