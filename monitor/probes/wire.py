"""A TCP connection as the loops' own transports are, at a part of their cost: what a fresh connection a look pays for.

All connections of a loop hang on one epoll of ours, whose descriptor the loop watches: a turn of the loop serves them
together, and a connection costs the loop no handle, no future and no context of its own (design/performance.md, "own
callbacks"). Events are level-triggered, one read an event, so that a target that floods us gets no more than its turn.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT, epoll
from typing import TypeVar
from weakref import WeakKeyDictionary

AT_A_TURN = 16  # connections served before the loop does something else: a handshake each is 10 ms
READ_BYTES = 65_536

P = TypeVar("P", bound=asyncio.Protocol)


class Wire(asyncio.Transport):
    """One connection and its protocol: the part of asyncio.Transport that a probe uses, and what that promises.

    No address is looked up here. After `abort` or `close`, and after an error, `connection_lost` is called once, from
    the loop. Pausing the protocol's writing is not done: a probe writes little, and all of it at once.
    """

    __slots__ = (
        "_closing",
        "_ended",
        "_loop",
        "_lost",
        "_out",
        "_paused",
        "_polled",
        "_protocol",
        "_socket",
        "_waiter",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, family: int) -> None:
        super().__init__()
        self._loop = loop
        self._polled = _polled(loop)
        self._protocol = protocol
        self._out = bytearray()
        self._closing = self._ended = self._paused = self._lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def fileno(self) -> int:
        return self._socket.fileno()

    async def connect(self, address: tuple[str, int]) -> None:
        """Connects, and tells the protocol. Raises OSError; cancelled or failed, the socket is closed."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket.connect(address)
            except BlockingIOError:
                self._waiter = self._loop.create_future()
                self._polled.add(self, EPOLLOUT)
                await self._waiter
                self._waiter = None
                self._polled.change(self, EPOLLIN)
            else:
                self._polled.add(self, EPOLLIN)
            self._protocol.connection_made(self)
        except BaseException:
            self._let_go()
            raise

    # -- asyncio.Transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        if not self._out:
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._break(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self._out += data
            self._watch()
        else:
            self._out += data

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if self._out:
                self._watch()
            else:
                self._break(None)

    def abort(self) -> None:
        self._break(None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._paused = True
        self._watch()

    def resume_reading(self) -> None:
        self._paused = False
        self._watch()

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def get_write_buffer_size(self) -> int:
        return len(self._out)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    # -- called by the epoll

    def ready(self, events: int) -> None:
        """Something can be done, or the connection broke."""
        if self._lost:
            return  # by one that was served before it in this turn
        if self._waiter is not None:
            self._connected(self._waiter, events)
            return
        if events & EPOLLOUT and self._out:
            self._flush()
        if events & ~EPOLLOUT and not self._closing and not self._paused:
            self._read()

    def starve(self, error: MemoryError) -> None:
        """There is no memory to serve it with."""
        if self._waiter is None:
            self._break(error)
        elif not self._waiter.done():
            self._waiter.set_exception(error)

    def _connected(self, waiter: asyncio.Future[None], events: int) -> None:
        if waiter.done():
            return
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if events & ~EPOLLOUT else 0
        if code:
            waiter.set_exception(OSError(code, os.strerror(code)))
        else:
            waiter.set_result(None)

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except (OSError, MemoryError) as error:  # no room for what came is the end of the look, not of the loop's turn
            self._break(error)
            return
        try:
            if data:
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()
            else:
                self._ended = True  # the protocol keeps its half open: there is nothing to read any more
                self._watch()
        except Exception as error:  # a bug of the protocol's is told to it, as the loops do
            self._break(error)

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(error)
            return
        del self._out[:sent]
        if self._out:
            return
        if self._closing:
            self._break(None)
        else:
            self._watch()

    def _watch(self) -> None:
        if not self._lost and self._waiter is None:
            reading = 0 if self._paused or self._closing or self._ended else EPOLLIN
            self._polled.change(self, reading | (EPOLLOUT if self._out else 0))

    def _break(self, error: Exception | None) -> None:
        if not self._lost:
            self._let_go()
            self._loop.call_soon(self._protocol.connection_lost, error)

    def _let_go(self) -> None:
        self._closing = self._lost = True
        self._out.clear()
        self._polled.drop(self)
        self._socket.close()


class _Polled:
    """The connections of one loop on one epoll, which the loop watches for as long as it lives."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = epoll()
        self._wires: dict[int, Wire] = {}
        self._events: dict[int, int] = {}
        loop.add_reader(self._epoll.fileno(), self._serve)

    def add(self, wire: Wire, events: int) -> None:
        fd = wire.fileno()
        self._epoll.register(fd, events)
        self._wires[fd], self._events[fd] = wire, events

    def change(self, wire: Wire, events: int) -> None:
        """With no events it is taken off: an epoll tells of a broken connection whether asked or not."""
        fd = wire.fileno()
        known = self._events[fd]
        if known == events:
            return
        if not events:
            self._epoll.unregister(fd)
        elif not known:
            self._epoll.register(fd, events)
        else:
            self._epoll.modify(fd, events)
        self._events[fd] = events

    def drop(self, wire: Wire) -> None:
        """Before its socket is closed, which takes it off the epoll."""
        fd = wire.fileno()
        self._wires.pop(fd, None)
        self._events.pop(fd, None)

    def _serve(self) -> None:
        # Who is meant is found first: a number that one of them lets go of may be another's at once.
        try:
            turn = [(self._wires[fd], events) for fd, events in self._epoll.poll(0, AT_A_TURN)]
        except MemoryError as error:  # waiting for room would end in a deadline, and that is the target's
            for wire in list(self._wires.values()):
                wire.starve(error)
            return
        for wire, events in turn:
            wire.ready(events)


_POLLED: WeakKeyDictionary[asyncio.AbstractEventLoop, _Polled] = WeakKeyDictionary()


def _polled(loop: asyncio.AbstractEventLoop) -> _Polled:
    polled = _POLLED.get(loop)
    if polled is None:
        polled = _POLLED[loop] = _Polled(loop)
    return polled


async def wired(
    make: Callable[[], P], address: str, port: int, loop: asyncio.AbstractEventLoop
) -> tuple[asyncio.Transport, P]:
    """As loop.create_connection, for an address and not for a name. Raises OSError."""
    protocol = make()
    wire = Wire(loop, protocol, socket.AF_INET6 if ":" in address else socket.AF_INET)
    await wire.connect((address, port))
    return wire, protocol
