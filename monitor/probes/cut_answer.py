"""An answer that was cut, fetched over TCP (RFC 1035 section 4.2.2, RFC 7766) and read as far as a look needs it.

Our own reading, because no library bounds what it makes of an answer: of 64 KB at most ADDRESSES_TAKEN addresses and
the names of LONGEST_CHAIN CNAMEs become objects. dnspython reads what is written in a configuration or a `dns` check
wants to know; it is 2 MiB that other files do not pay.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Mapping
from typing import NamedTuple

from monitor.probes import judge
from monitor.probes.address import NameServer
from monitor.probes.connect import reaches_ipv6
from monitor.probes.judge import ProbeError, Verdict
from monitor.probes.said import ADDRESSES_TAKEN, LONGEST_CHAIN, Said, endless, said

A, CNAME, AAAA = 1, 5, 28  # RFC 1035 section 3.2.2, RFC 3596
_IN = 1
_HEADER_BYTES = 12
_RESPONSE, _OPCODE, _CUT, _RECURSION, _RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x000F  # RFC 1035 section 4.1.1
_POINTER = 0xC0
_LONGEST_NAME = 255
_LONGEST_LABEL = 63
_FAMILIES = {A: socket.AF_INET, AAAA: socket.AF_INET6}
_RECORD = struct.Struct("!HHIH")  # type, class, TTL, length of what follows

_NXDOMAIN = 3
_FAILURES = {
    2: Verdict("fail", "dns_servfail", "SERVFAIL"),
    _NXDOMAIN: Verdict("fail", "dns_nxdomain", "NXDOMAIN"),
    4: Verdict("fail", "dns_servfail", "NOTIMP"),
    5: Verdict("fail", "dns_servfail", "REFUSED"),
}
_CONTENT = frozenset({"dns_nxdomain", "dns_nodata"})
_NODATA = Verdict("fail", "dns_nodata", "neither an A nor an AAAA record")
_ENDLESS = Verdict("fail", "dns_bad", f"over {LONGEST_CHAIN} CNAME records in a row, or a loop of them")
_NONE = Verdict("fail", "dns_bad", "the answer was cut, and over TCP it ends too early")
_UNREADABLE = Verdict("fail", "dns_bad", "the answer was cut, and what came over TCP is none")


class UnreadableError(ValueError):
    """These bytes are no answer to the question."""


class Told(NamedTuple):
    """What an answer says, as far as it was read: the addresses of the family that was asked for, and the CNAMEs
    (alias, name), with the seconds that each lives."""

    rcode: int
    addresses: tuple[str, ...] = ()
    chain: tuple[tuple[str, str], ...] = ()
    lives: tuple[int, ...] = ()


async def fetch(server: NameServer, name: str) -> Said:
    """What the server says over TCP. Goes on until it is cancelled: the deadline is the caller's. Raises ProbeError for
    a shortage of our own."""
    ident = int.from_bytes(os.urandom(2), "big")
    questions = {kind: question(name, kind, ident ^ place) for place, kind in enumerate(_FAMILIES)}
    try:
        told = await _ask(server, questions)
    except OSError as error:
        verdict = judge.of_os_error(error, "resolve")
        if verdict.outcome == "void":
            raise ProbeError(verdict) from None
        words = f"the answer was cut, and over TCP there is none: {verdict.detail}"
        return Said(verdict=Verdict("fail", "dns_bad", words))
    return together(told)


def together(told: Mapping[int, Told | Verdict]) -> Said:
    """What the answers for both families come to, as c-ares has it: what one of them has counts, and that the name has
    no address is said where both say so."""
    read = {kind: each for kind, each in told.items() if isinstance(each, Told)}
    ipv6, ipv4 = (read[kind].addresses if kind in read else () for kind in (AAAA, A))
    if ipv6 or ipv4:
        first, then = (ipv4, ipv6) if ipv4 and ipv6 and not reaches_ipv6(ipv6[0]) else (ipv6, ipv4)
        lives = [life for each in read.values() if each.addresses for life in each.lives]
        return said(first + then, lives, [alias for each in read.values() for alias in each.chain])
    verdicts = [_why_none(each) for each in told.values()]
    failed = [verdict for verdict in verdicts if verdict.reason not in _CONTENT]
    silent = [verdict for verdict in verdicts if verdict.reason == "dns_nodata"]
    return Said(verdict=[*failed, *silent, *verdicts][0])


def _why_none(told: Told | Verdict) -> Verdict:
    if isinstance(told, Verdict):
        return told
    if told.rcode:
        return _FAILURES.get(told.rcode, Verdict("fail", "dns_bad", f"the answer has the code {told.rcode}"))
    return _ENDLESS if len(told.chain) > LONGEST_CHAIN or endless(told.chain) else _NODATA


# -- the conversation


async def _ask(server: NameServer, questions: Mapping[int, bytes]) -> dict[int, Told | Verdict]:
    """Both questions over one connection, and what it leaves open over another one: not every server keeps it."""
    told: dict[int, Told | Verdict] = {}
    for _ in questions:
        missing = {kind: wire for kind, wire in questions.items() if kind not in told}
        if missing:
            try:
                await _ask_at_once(server, missing, told)
            except asyncio.IncompleteReadError:
                continue
            except ConnectionError:
                if not told:
                    raise
    return {kind: told.get(kind, _NONE) for kind in questions}


async def _ask_at_once(server: NameServer, missing: Mapping[int, bytes], told: dict[int, Told | Verdict]) -> None:
    """Answers come in any order (RFC 7766 section 6.2.1.1)."""
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        writer.write(b"".join(len(wire).to_bytes(2, "big") + wire for wire in missing.values()))
        for _ in missing:
            wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            for kind, asked in missing.items():
                if wire[:2] == asked[:2]:
                    told[kind] = _told(wire, asked, kind)
    finally:
        writer.transport.abort()


def _told(wire: bytes, asked: bytes, kind: int) -> Told | Verdict:
    try:
        return read(wire, asked, kind)
    except UnreadableError:
        return _UNREADABLE


# -- the messages


def question(name: str, kind: int, ident: int) -> bytes:
    """A message that asks for one type of a name's records (RFC 1035 section 4.1)."""
    labels = name.removesuffix(".").encode("ascii").split(b".")
    spelled = b"".join(len(label).to_bytes(1, "big") + label for label in labels) + b"\0"
    return struct.pack("!HHHHHH", ident, _RECURSION, 1, 0, 0, 0) + spelled + struct.pack("!HH", kind, _IN)


def read(wire: bytes, asked: bytes, kind: int) -> Told:
    """What an answer says to the question `asked` for records of one type. Raises UnreadableError for what is none:
    another id or question, cut again, or not well-formed as far as it is read."""
    flags = int.from_bytes(wire[2:4], "big")
    if wire[:2] != asked[:2] or flags & (_RESPONSE | _OPCODE | _CUT) != _RESPONSE or wire[4:6] != b"\0\1":
        raise UnreadableError("no answer, or a part of one")
    if wire[_HEADER_BYTES : len(asked)].lower() != asked[_HEADER_BYTES:].lower():
        raise UnreadableError("the answer to another question")
    if rcode := flags & _RCODE:
        return Told(rcode)
    try:
        return _read_records(wire, len(asked), kind)
    except (IndexError, struct.error):
        raise UnreadableError("it ends too early") from None


def _read_records(wire: bytes, place: int, kind: int) -> Told:
    family, size = _FAMILIES[kind], 4 if kind == A else 16
    addresses: list[str] = []
    chain: list[tuple[str, str]] = []
    lives: list[int] = []
    for _ in range(int.from_bytes(wire[6:8], "big")):
        owner, place = place, _after_name(wire, place)
        record, of_class, life, length = _RECORD.unpack_from(wire, place)
        data, place = place + _RECORD.size, place + _RECORD.size + length
        if place > len(wire):
            raise UnreadableError("it ends too early")
        if of_class != _IN or record not in (kind, CNAME):
            continue
        if record == CNAME:
            chain.append((_name(wire, owner), _name(wire, data)))
        elif length == size:
            addresses.append(socket.inet_ntop(family, wire[data:place]))
        else:
            raise UnreadableError("an address of another length")
        lives.append(life if life < 1 << 31 else 0)  # RFC 2181 section 8
        if len(addresses) == ADDRESSES_TAKEN or len(chain) > LONGEST_CHAIN:
            break
    return Told(0, tuple(addresses), tuple(chain), tuple(lives))


def _after_name(wire: bytes, place: int) -> int:
    while length := wire[place]:
        if length >= _POINTER:
            return place + 2
        if length > _LONGEST_LABEL:
            raise UnreadableError("no label begins so")
        place += 1 + length
    return place + 1


def _name(wire: bytes, place: int) -> str:
    """Its labels, each behind its length. A pointer leads to before the piece of the name that it ends: to "a prior
    occurrence" (RFC 1035 section 4.1.4)."""
    piece, spelled = place, b""
    for _ in range(_LONGEST_NAME):
        length = wire[place]
        if not length:
            return spelled.decode("latin-1")
        if length >= _POINTER:
            place = int.from_bytes(wire[place : place + 2], "big") & 0x3FFF
            if place >= piece:
                raise UnreadableError("a pointer that leads on")
            piece = place
            continue
        if length > _LONGEST_LABEL or len(spelled) + 1 + length >= _LONGEST_NAME:
            break
        spelled += wire[place : place + 1 + length]
        place += 1 + length
    raise UnreadableError("a name that is too long")
