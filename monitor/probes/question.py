"""One question to name servers: over UDP, sent again while nobody answers, and over TCP where the answer was cut (RFC
1035 section 4.2, RFC 7766). Only what repeats the question's id and the question itself is taken for an answer.

dnspython spells and reads the messages; the sockets are our own, so that nothing between us and the server keeps an
answer, and the kernel drops what another address sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Sequence
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from monitor.interfaces import Clock
from monitor.probes import judge
from monitor.probes.address import NameServer
from monitor.probes.judge import ProbeError, Verdict

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before the question is sent again, the last one from then on: a datagram may be lost."""

RECORDS = 500
ANSWER_BYTES = 16_384
"""An answer with more of either is not read: decoded a long one takes over 2 MB (design/faults.md, "Defaults")."""

READ_AT_ONCE = 512
"""Bytes of an answer that is read in the loop: a compressed name is a few bytes that dnspython decodes in 2 ms, and
8 KB of them would hold the loop for a second and make the look void."""

DATAGRAM_BYTES = 4_096
"""A longer datagram is not read: one that was not asked for with EDNS has 512 (RFC 1035 section 4.2.1)."""

READ_AT_MOST = 100
"""Datagrams of one look that are read; whoever forges more has them dropped unread."""

HEADER_BYTES = 12
_HEARD_AT_ONCE = 64
_FAILURES = frozenset({dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.FORMERR})
"""Codes after which another server, where there is one, may know better."""


class Counts(NamedTuple):
    """Records in each section, as the header says and the message holds them."""

    answer: int
    authority: int
    additional: int


class Reply(NamedTuple):
    """An answer, who gave it, and how long it took to connect (TCP only) and to ask, in monotonic ns."""

    message: dns.message.QueryMessage
    counts: Counts
    server: NameServer
    connect_ns: int | None
    request_ns: int


Heard = tuple[NameServer, bytes | OSError]
Answered = tuple[dns.message.QueryMessage, bytes, NameServer]


class _Socket(asyncio.DatagramProtocol):
    """Hands on what comes; what comes too fast to be read is dropped, as the kernel would."""

    def __init__(self, server: NameServer, heard: asyncio.Queue[Heard]) -> None:
        self._server = server
        self._heard = heard

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._hear(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._hear(exc)

    def _hear(self, what: bytes | OSError) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._heard.put_nowait((self._server, what))


async def ask(question: dns.message.QueryMessage, servers: Sequence[NameServer], clock: Clock) -> Reply:
    """The first answer that settles it. Goes on until it is cancelled: the deadline is the caller's.

    Several servers are asked in turn; the code of a server that failed stands only when no other answers. Raises
    ProbeError where nobody can be reached at all, or a cut answer cannot be had over TCP.
    """
    asking = _Asking(question, servers, clock)
    try:
        return await asking.until_settled()
    finally:
        asking.close()


class _Asking:
    """One question under way: its sockets, and what has come back so far."""

    def __init__(self, question: dns.message.QueryMessage, servers: Sequence[NameServer], clock: Clock) -> None:
        self._question = question
        self._wire = question.to_wire()
        self._servers = servers
        self._clock = clock
        self._began = clock.monotonic_ns()
        self._heard: asyncio.Queue[Heard] = asyncio.Queue(_HEARD_AT_ONCE)
        self._open: dict[NameServer, asyncio.DatagramTransport] = {}
        self._errors: dict[NameServer, OSError] = {}
        self._failed: dict[NameServer, Reply] = {}
        self._read = 0

    async def until_settled(self) -> Reply:
        sent = 0
        while True:
            server = self._servers[sent % len(self._servers)]
            await self._send(server)
            pause = PAUSES[min(sent // len(self._servers), len(PAUSES) - 1)]
            sent += 1
            heard = None if server in self._errors else await self._listen(pause)
            if heard is not None:
                reply = await self._whole(*heard)
                if reply.message.rcode() not in _FAILURES:
                    return reply
                self._failed[reply.server] = reply
            if self._failed and sent >= len(self._servers):
                return next(iter(self._failed.values()))
            if len(self._errors) == len(self._servers):
                raise ProbeError(_verdict(next(iter(self._errors.values()))))

    def close(self) -> None:
        for transport in self._open.values():
            transport.abort()

    async def _send(self, server: NameServer) -> None:
        loop = asyncio.get_running_loop()
        self._errors.pop(server, None)
        try:
            if server not in self._open:
                made = await loop.create_datagram_endpoint(
                    lambda: _Socket(server, self._heard), remote_addr=(server.address, server.port)
                )
                self._open[server] = made[0]
            self._open[server].sendto(self._wire)
        except OSError as error:
            self._errors[server] = error

    async def _listen(self, pause: float) -> Answered | None:
        """An answer that comes within the pause; None: it is time to ask again, or another."""
        try:
            async with asyncio.timeout(pause):
                while True:
                    server, what = await self._heard.get()
                    if isinstance(what, OSError):
                        self._errors[server] = what
                        return None
                    message = await self._read_datagram(what)
                    if message is not None:
                        return message, what, server
        except TimeoutError:
            return None

    async def _read_datagram(self, wire: bytes) -> dns.message.QueryMessage | None:
        if len(wire) > DATAGRAM_BYTES or self._read >= READ_AT_MOST:
            return None
        self._read += 1
        return await _read_aside(self._question, wire)

    async def _whole(self, message: dns.message.QueryMessage, wire: bytes, server: NameServer) -> Reply:
        connect_ns = None
        if message.flags & dns.flags.TC:
            message, wire, connect_ns = await self._over_tcp(server)
        spent = self._clock.monotonic_ns() - self._began - (connect_ns or 0)
        return Reply(message, _counts(wire), server, connect_ns, spent)

    async def _over_tcp(self, server: NameServer) -> tuple[dns.message.QueryMessage, bytes, int]:
        began = self._clock.monotonic_ns()
        try:
            reader, writer = await asyncio.open_connection(server.address, server.port)
            connect_ns = self._clock.monotonic_ns() - began
            try:
                writer.write(len(self._wire).to_bytes(2, "big") + self._wire)
                wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            finally:
                writer.transport.abort()
        except asyncio.IncompleteReadError:
            raise judge.fail("dns_bad", "the answer was cut, and over TCP it ends too early") from None
        except OSError as error:
            raise ProbeError(_cut(error)) from None
        message = await _read_aside(self._question, wire)
        if message is None or message.flags & dns.flags.TC:
            most = f"{RECORDS} records or {ANSWER_BYTES} bytes"
            raise judge.fail("dns_bad", f"the answer was cut; over TCP came none, or over {most}")
        return message, wire, connect_ns


async def _read_aside(question: dns.message.QueryMessage, wire: bytes) -> dns.message.QueryMessage | None:
    if len(wire) <= READ_AT_ONCE:
        return read_reply(question, wire)
    return await asyncio.to_thread(read_reply, question, wire)


def read_reply(question: dns.message.QueryMessage, wire: bytes) -> dns.message.QueryMessage | None:
    """The answer to this question in these bytes; None for another's, and for what is no message. Of one that says that
    it was cut only the question is read."""
    if not HEADER_BYTES <= len(wire) <= ANSWER_BYTES or int.from_bytes(wire[:2], "big") != question.id:
        return None
    if sum(_counts(wire)) > RECORDS:
        return None
    try:
        message = dns.message.from_wire(wire, question_only=bool(wire[2] & 0x02))
    except dns.exception.DNSException:
        return None
    if not question.is_response(message) or not isinstance(message, dns.message.QueryMessage):
        return None
    return message


def _counts(wire: bytes) -> Counts:
    """RFC 1035 section 4.1.1: ANCOUNT, NSCOUNT, ARCOUNT."""
    return Counts(*(int.from_bytes(wire[place : place + 2], "big") for place in (6, 8, 10)))


def _verdict(error: OSError) -> Verdict:
    """Nobody could be asked. A port that nobody listens on is no answer, as with the resolvers."""
    if error.errno == errno.ECONNREFUSED:
        return Verdict("fail", "dns_timeout", "ECONNREFUSED: no name server listens there")
    return judge.of_os_error(error, "resolve")


def _cut(error: OSError) -> Verdict:
    found = judge.of_os_error(error, "resolve")
    if found.outcome == "void" or found.reason == "net_unreachable":
        return found
    return Verdict("fail", "dns_bad", f"the answer was cut, and over TCP there is none: {found.detail}")


def question_of(name: str, record: str, *, recursion: bool) -> dns.message.QueryMessage:
    """A question with a random id; `recursion` asks the server to ask others."""
    flags = dns.flags.RD if recursion else dns.flags.Flag(0)
    return dns.message.make_query(name, record, flags=flags)
