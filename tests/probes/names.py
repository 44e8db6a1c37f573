"""A name server on loopback that answers as a test says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.probes.servers import serving

Reply = Callable[[dns.message.Message], "bytes | None"]
"""From a question to the bytes of an answer; None: silence."""


def records(*rows: tuple[int, str, str]) -> Reply:
    """Answers with the (ttl, type, value) rows that fit the question's type; NODATA where none does."""

    def reply(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        name, kind = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
        for ttl, record, value in rows:
            if record == kind:
                response.answer.append(dns.rrset.from_text(name, ttl, "IN", record, value))
        return response.to_wire()

    return reply


def code(rcode: dns.rcode.Rcode) -> Reply:
    def reply(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        return response.to_wire()

    return reply


def silence(query: dns.message.Message) -> None:
    return None


def turning(turns: Iterator[tuple[str, ...]]) -> Reply:
    """The next addresses at each question, for this question alone (TTL 0)."""

    def reply(query: dns.message.Message) -> bytes | None:
        if query.question[0].rdtype == dns.rdatatype.A:
            return records(*[(0, "A", address) for address in next(turns)])(query)
        return records()(query)

    return reply


def cut(query: dns.message.Message) -> bytes:
    """Says that the answer does not fit into a datagram."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return response.to_wire()


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """`zone` is changed by the test as it goes; names that it does not hold do not exist."""

    zone: dict[str, Reply]
    asked: list[str] = field(default_factory=list)
    pause: float = 0  # seconds before each answer
    address: str = ""
    asked_over_tcp: list[str] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text(omit_final_dot=True)
        self.asked.append(name)
        answer = self.zone.get(name, code(dns.rcode.NXDOMAIN))(query)
        if answer is not None:
            asyncio.get_running_loop().call_later(self.pause, self._send, answer, addr)

    def _send(self, answer: bytes, addr: tuple[str, int]) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def naming(zone: dict[str, Reply], at: socket.socket | None = None) -> AsyncIterator[NameServer]:
    """A name server on a port of loopback, or on a UDP socket that is bound already."""
    server, loop = NameServer(zone), asyncio.get_running_loop()
    transport, _ = await (
        loop.create_datagram_endpoint(lambda: server, sock=at)
        if at
        else loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
    )
    try:
        yield server
    finally:
        transport.close()


@contextlib.asynccontextmanager
async def cutting(over_tcp: Mapping[str, Reply], keeps: bool = True) -> AsyncIterator[NameServer]:
    """A name server that cuts its answers for these names over UDP, and gives them over TCP; silence there ends the
    connection, as does each answer where it `keeps` none. Names may be added to its zone."""
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := int.from_bytes(await reader.read(2), "big"):
            query = dns.message.from_wire(await reader.readexactly(size))
            asked.append(query.question[0].to_text())
            answer = over_tcp[query.question[0].name.to_text(omit_final_dot=True)](query)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
            if not keeps:
                return

    async with serving(talk, read_request=False) as listening:
        server = NameServer(dict.fromkeys(over_tcp, cut), asked_over_tcp=asked)
        address = ("127.0.0.1", listening.port)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, address)
        with contextlib.closing(transport):
            yield server
        for _ in range(5):  # turns of the loop: connections that were given up at once are accepted, and ended
            await asyncio.sleep(0)
