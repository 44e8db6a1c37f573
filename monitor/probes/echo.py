"""ICMP echo (RFC 792, RFC 4443): who answers it, how long that took, and who says that it cannot be delivered.

The kernel's ping sockets need no privilege where `net.ipv4.ping_group_range` names our group; raw sockets need
CAP_NET_RAW. Over both an answer counts only with our id, a sequence number that we sent and 16 random bytes of ours,
so that no other process's answer ever does. What routers say of an echo comes through the socket's error queue (ip(7),
IP_RECVERR), with the echo that it is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from monitor.interfaces import Clock
from monitor.probes import judge
from monitor.probes.connect import STAGGER
from monitor.probes.judge import ProbeError, Verdict

AGAIN_S = 1.0
"""From one echo to the next while none is answered, as ping(8) has it: a datagram may be lost."""

REFUSED = (
    "the kernel lets this process send no ICMP echo: allow its group"
    " (sysctl -w net.ipv4.ping_group_range='0 2147483647'), or give it the capability CAP_NET_RAW"
)

_PAYLOAD_BYTES = 16
_READ_AT_ONCE = 64
_ROOM = 2048
# linux/in.h, linux/in6.h, linux/icmp.h, linux/icmpv6.h, linux/errqueue.h: what the socket module does not name
_IP_RECVERR, _IPV6_RECVERR, _IP_RECVTTL, _SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 11, 25, 12, 255, 1, 1
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # sock_extended_err: errno, origin, type, code, pad, info, data
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, id, sequence


class _Family(NamedTuple):
    """How echo is spelled in one version of IP."""

    family: socket.AddressFamily
    protocol: int
    request: int
    reply: int
    undelivered: dict[int, str]


_V4 = _Family(socket.AF_INET, socket.IPPROTO_ICMP, 8, 0, {3: "destination unreachable", 11: "time to live exceeded"})
_V6 = _Family(socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129, {1: "destination unreachable", 3: "hop limit exceeded"})


class Echo(NamedTuple):
    """An echo that came back: from which address, how long it took, the hop limit it had left, and how many addresses
    of each family had been tried in vain by then."""

    address: str
    rtt_ns: int
    hop_limit: int | None
    failed_ipv4: int
    failed_ipv6: int


class _Back(NamedTuple):
    rtt_ns: int
    hop_limit: int | None


Heard: TypeAlias = "tuple[_Line, _Back | Verdict]"


def refusal() -> str | None:
    """Why this process may send no echo, and the mend; None: it may."""
    try:
        _open(_V4)[0].close()
    except PermissionError:
        return REFUSED
    except OSError:
        return None  # a shortage of ours: each look will say so
    return None


async def echo(addresses: Sequence[str], hop_limit: int | None, clock: Clock) -> Echo:
    """The first echo that comes back from any of the addresses. Goes on until it is cancelled: the deadline is the
    caller's.

    The next address is tried beside the first after STAGGER, or as soon as all before are known to be out of reach.
    Raises ProbeError when all are.
    """
    asking = _Asking(addresses, hop_limit, clock)
    try:
        return await asking.until_answered()
    finally:
        asking.close()


class _Asking:
    """The addresses that are asked at once."""

    def __init__(self, addresses: Sequence[str], hop_limit: int | None, clock: Clock) -> None:
        self._waiting = list(reversed(addresses))
        self._hop_limit = hop_limit
        self._clock = clock
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._lines: list[_Line] = []
        self._faults: dict[str, Verdict] = {}

    async def until_answered(self) -> Echo:
        while self._waiting or self._lines:
            if self._waiting:
                self._open_next()
            else:
                for line in self._lines:
                    line.send()
            try:
                async with asyncio.timeout(STAGGER if self._waiting else AGAIN_S):
                    line, what = await self._heard.get()
            except TimeoutError:
                continue
            if isinstance(what, _Back):
                return self._answered(line, what)
            self._give_up(line, what)
        raise ProbeError(_verdict(self._faults))

    def close(self) -> None:
        for line in self._lines:
            line.close()

    def _open_next(self) -> None:
        address = self._waiting.pop()
        try:
            line = _Line(address, self._hop_limit, self._clock, self._heard)
        except PermissionError:
            self._faults[address] = Verdict("void", "self_config", REFUSED)
        except OSError as error:
            self._faults[address] = _of_error(error)
        else:
            self._lines.append(line)
            line.send()

    def _give_up(self, line: _Line, verdict: Verdict) -> None:
        if line in self._lines:
            self._lines.remove(line)
            line.close()
            self._faults[line.address] = verdict

    def _answered(self, line: _Line, back: _Back) -> Echo:
        in_vain = [*self._faults, *(other.address for other in self._lines if other is not line)]
        ipv6 = sum(":" in address for address in in_vain)
        return Echo(line.address, back.rtt_ns, back.hop_limit, len(in_vain) - ipv6, ipv6)


class _Line:
    """One address: its socket, and the echoes that are under way."""

    def __init__(self, address: str, hop_limit: int | None, clock: Clock, heard: asyncio.Queue[Heard]) -> None:
        self.address = address
        self._clock = clock
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._kind = _V6 if ":" in address else _V4
        self._payload = secrets.token_bytes(_PAYLOAD_BYTES)
        self._sent: dict[int, int] = {}
        self._socket, self._raw = _open(self._kind)
        try:
            _prepare(self._socket, self._kind, hop_limit, raw=self._raw)
            self._socket.connect((address, 0))
        except OSError:
            self._socket.close()
            raise
        self._id = secrets.randbelow(65_536) if self._raw else self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._readable)

    def send(self) -> None:
        sequence = len(self._sent) + 1
        self._sent[sequence] = self._clock.monotonic_ns()
        try:
            self._socket.send(_packet(self._kind.request, self._id, sequence, self._payload))
        except BlockingIOError:
            return  # our own queue is full: as if it were lost
        except OSError as error:
            self._read()  # the error of an earlier echo may be told here
            self._heard.put_nowait((self, _of_error(error)))

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        try:
            self._read()
        except MemoryError:  # no room for what came is the end of the look, and waiting for it would be the target's
            self._heard.put_nowait((self, Verdict("void", "self_memory", "no memory for the look")))

    def _read(self) -> None:
        for _ in range(_READ_AT_ONCE):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_ROOM, _ROOM)
            except BlockingIOError:
                return
            except OSError:
                self._read_errors()
                return
            back = self._back(data, ancillary)
            if back is not None:
                self._heard.put_nowait((self, back))
                return

    def _back(self, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> _Back | None:
        if self._raw and self._kind is _V4 and data:
            data = data[(data[0] & 0x0F) * 4 :]  # a raw IPv4 socket gives the header as well
        if len(data) < _HEADER.size or data[_HEADER.size :] != self._payload:
            return None
        kind, code, _, identity, sequence = _HEADER.unpack_from(data)
        sent = self._sent.get(sequence)
        if (kind, code, identity) != (self._kind.reply, 0, self._id) or sent is None:
            return None
        return _Back(self._clock.monotonic_ns() - sent, _hop_limit_of(ancillary))

    def _read_errors(self) -> None:
        """What routers and our own kernel say of echoes that are ours. The reader is set anew: libuv stops watching a
        descriptor that has an error."""
        for _ in range(_READ_AT_ONCE):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_ROOM, _ROOM, socket.MSG_ERRQUEUE)
            except OSError:
                break
            verdict = self._said(data, ancillary)
            if verdict is not None:
                self._heard.put_nowait((self, verdict))
                return
        with contextlib.suppress(ValueError):
            self._loop.remove_reader(self._socket)
        self._loop.add_reader(self._socket, self._readable)

    def _said(self, echoed: bytes, ancillary: list[tuple[int, int, bytes]]) -> Verdict | None:
        if len(echoed) < _HEADER.size:
            return None
        kind, _, _, identity, sequence = _HEADER.unpack_from(echoed)
        quoted = echoed[_HEADER.size :]
        ours = (kind, identity) == (self._kind.request, self._id) and sequence in self._sent
        if not ours or not self._payload.startswith(quoted[:_PAYLOAD_BYTES]):
            return None
        return next((said for level, what, told in ancillary if (said := _told(self._kind, level, what, told))), None)


def _open(kind: _Family) -> tuple[socket.socket, bool]:
    """A socket for echoes, and whether it is a raw one. Raises OSError; PermissionError where neither is allowed."""
    try:
        return socket.socket(kind.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, kind.protocol), False
    except PermissionError:
        return socket.socket(kind.family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, kind.protocol), True


def _prepare(made: socket.socket, kind: _Family, hop_limit: int | None, *, raw: bool) -> None:
    if kind is _V4:
        made.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        if hop_limit is not None:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop_limit)
        if raw:
            made.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << kind.reply)))
        return
    made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    if hop_limit is not None:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop_limit)
    if raw:
        blocked = [0xFFFFFFFF] * 8
        blocked[kind.reply >> 5] &= ~(1 << (kind.reply & 31))
        made.setsockopt(kind.protocol, _ICMP6_FILTER, struct.pack("=8I", *blocked))


def _packet(kind: int, identity: int, sequence: int, payload: bytes) -> bytes:
    """The checksum is IPv4's: of a ping socket and for IPv6 the kernel writes it, and of a ping socket the id."""
    bare = _HEADER.pack(kind, 0, 0, identity, sequence & 0xFFFF) + payload
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]


def checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _hop_limit_of(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, what, told in ancillary:
        if (level, what) in {(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)}:
            return int.from_bytes(told[:4], sys.byteorder)
    return None


def _told(kind: _Family, level: int, what: int, told: bytes) -> Verdict | None:
    """What one entry of the error queue says; None: nothing that ends the matter (a redirect, a quench)."""
    if (level, what) not in {(socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)}:
        return None
    number, origin, message, code, *_ = _EXTENDED_ERROR.unpack_from(told)
    if origin not in (_ORIGIN_ICMP, _ORIGIN_ICMP6):
        return _of_error(OSError(number, ""))
    if message not in kind.undelivered:
        return None
    return Verdict("fail", "icmp_unreachable", f"{kind.undelivered[message]} (type {message}, code {code})")


def _of_error(error: OSError) -> Verdict:
    """Our own kernel would not send it."""
    if error.errno == errno.EAFNOSUPPORT:
        return Verdict("fail", "net_unreachable", "EAFNOSUPPORT")
    return judge.of_os_error(error, "connect")


def _verdict(faults: Mapping[str, Verdict]) -> Verdict:
    """Our own shortage before anything that others said; else what the first address came to."""
    if all(":" in address and verdict.reason == "net_unreachable" for address, verdict in faults.items()):
        return Verdict("void", "self_network", "the target has IPv6 only, and there is no route for it here")
    verdicts = [*faults.values()]
    return next((verdict for verdict in verdicts if verdict.outcome == "void"), verdicts[0])
