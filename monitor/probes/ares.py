"""c-ares driven by its sockets, so that it never holds a large answer.

Neither c-ares nor pycares nor aiodns bounds an answer, and one of 64 KB becomes over 2 MB in them (design/faults.md,
"Defaults"). So c-ares reads short datagrams alone: the kernel drops the longer ones, and the connection that c-ares
opens for an answer that was cut is never served.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import sys
import termios
import weakref
from array import array
from typing import Any, Self, TypeVar

import aiodns
import pycares

DATAGRAM_BYTES = 2_048
"""A longer datagram is not read. c-ares offers 1,232 bytes (EDNS, RFC 6891 section 6.2.3), and whoever does not know
that sends 512 (RFC 1035 section 4.2.1). One of this size that is made for it takes 1 MB in c-ares."""

_QUEUED_BYTES = 32_768  # in the kernel, which doubles it: answers of both families, and what is late or forged

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_UDP_HEADER = 8
_STEPS = (
    (0x80, 0, 0, 0),  # load the packet's length
    (0x25, 0, 1, DATAGRAM_BYTES + _UDP_HEADER),  # is it greater?
    (0x06, 0, 0, 0),  # keep nothing of it
    (0x06, 0, 0, 0xFFFFFFFF),  # keep all
)
_PROGRAM = array("B", b"".join(struct.pack("=HBBI", *step) for step in _STEPS))
_FILTER = struct.pack("@HP", len(_STEPS), _PROGRAM.buffer_info()[0])
"""`struct sock_fprog` of linux/filter.h: a program that the kernel runs over each datagram before it is queued."""


_T = TypeVar("_T")


class _ShortDatagrams(pycares.Channel):
    """Looks at what is waiting before c-ares reads it. `heard`: there was something."""

    heard = False

    def process_fd(self, read_fd: int, write_fd: int) -> None:
        if read_fd != pycares.ARES_SOCKET_BAD:
            while (size := _next_size(read_fd)) > DATAGRAM_BYTES:  # came before the filter, or there is none
                with contextlib.suppress(OSError):  # an error of the network is told before what came
                    os.read(read_fd, 1)
            self.heard = self.heard or size > 0
        super().process_fd(read_fd, write_fd)


class Channel(aiodns.DNSResolver):
    """For questions to one server. Where an answer does not fit into a datagram, all that are under way end with
    ARES_ECANCELLED; where the loop cannot wait for a socket, with its OSError."""

    _channel: _ShortDatagrams

    def __init__(self, server: str, timeout_s: float) -> None:
        self._streams = 0
        self._shortage: OSError | None = None
        super().__init__(nameservers=[server], timeout=timeout_s, tries=1, socket_receive_buffer_size=_QUEUED_BYTES)

    async def __aenter__(self) -> Self:
        return self

    def was_cut(self, status: int) -> bool:
        """Whether the server said that the answer to the only question, which ended with this c-ares status, is to be
        had over TCP: c-ares opened a connection for it, or was refused one at once."""
        return self._streams > 0 or (self._channel.heard and status == pycares.errno.ARES_ECONNREFUSED)

    def _make_channel(self, **kwargs: Any) -> tuple[bool, pycares.Channel]:
        """As aiodns does where c-ares cannot have a thread of its own."""
        this = weakref.ref(self)

        def follow(fd: int, readable: bool, writable: bool) -> None:
            channel = this()
            if channel is not None:
                channel._sock_state_cb(fd, readable, writable)

        return False, _ShortDatagrams(sock_state_cb=follow, timeout=self._timeout, **kwargs)

    def _sock_state_cb(self, fd: int, readable: bool, writable: bool) -> None:
        if readable and fd not in self._read_fds and not _admitted(fd):
            self._streams += 1
            self.loop.call_soon(self._give_up)  # c-ares is in the middle of it
            return
        try:
            super()._sock_state_cb(fd, readable, writable)
        except OSError as error:
            self._shortage = error
            self.loop.call_soon(self._give_up)

    def _callback(self, fut: asyncio.Future[_T], result: _T, errorno: int | None) -> None:
        if self._shortage is not None and not fut.done():
            fut.set_exception(self._shortage)
        super()._callback(fut, result, errorno)

    def _give_up(self) -> None:
        if not self._closed:
            self.cancel()


def _admitted(fd: int) -> bool:
    """Whether c-ares may read a socket that it has just opened, which from now on gets short datagrams alone. A kernel
    that has no filter, as some that imitate Linux, leaves the look at the first in the queue."""
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0, fileno=fd)
    try:
        if ours.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) != socket.SOCK_DGRAM:
            return False
        with contextlib.suppress(OSError):
            ours.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _FILTER)
        return True
    finally:
        ours.detach()


def _next_size(fd: int) -> int:
    """Bytes of the next datagram (udp(7), FIONREAD); 0 where none is waiting, or only an error."""
    return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"), sys.byteorder)
