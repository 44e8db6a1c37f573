"""A TCP connection as the loops' own transports are, at a part of their cost: what a fresh connection a look pays for.

All connections of a loop hang on one epoll of ours, whose descriptor the loop watches: a turn of the loop serves them
together, and a connection costs the loop no handle, no future and no context of its own (design/performance.md, "own
callbacks"). Each is put on it once, for its edges (epoll(7)): what an edge tells of is read once a turn until nothing
is left, so that a target that floods us gets no more than its turn.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections import deque
from collections.abc import Callable
from select import EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, epoll
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_ERROR, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY
from socket import SocketType as Socket  # what socket.socket is made of, and half of its cost
from typing import TypeVar
from weakref import WeakKeyDictionary

AT_A_TURN = 16  # connections whose edges are taken at once
HELD_NS = 2_000_000  # how long they are served before the loop does something else: a handshake each is 10 ms
READ_BYTES = 65_536

_EDGES = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
_OVER = EPOLLRDHUP | EPOLLHUP | EPOLLERR  # behind what can be read is an end
_TYPE = int(SOCK_STREAM | SOCK_NONBLOCK)  # Python lets no child process have it

P = TypeVar("P", bound=asyncio.Protocol)


class Wire(asyncio.Transport):
    """One connection and its protocol: the part of asyncio.Transport that a probe uses, and what that promises.

    No address is looked up here. After `abort` or `close`, and after an error, `connection_lost` is called once, from
    the loop; after `let_go` it is not. Pausing the protocol's writing is not done: a probe writes little, and all of it
    at once.
    """

    __slots__ = (
        "_closing",
        "_connecting",
        "_ended",
        "_lost",
        "_out",
        "_over",
        "_paused",
        "_polled",
        "_protocol",
        "_socket",
        "_unread",
        "_waiter",
        "_written",
        "fd",
        "loop",
        "waits",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, family: int) -> None:
        super().__init__()
        self.loop = loop
        self._polled = _polled(loop)
        self._protocol = protocol
        self._out = bytearray()
        self._closing = self._connecting = self._ended = self._paused = self._lost = self._written = False
        self._unread = self._over = False  # what an edge told of and nobody has read yet; whether it has an end
        self.waits = False  # for its next turn to be read
        self._waiter: asyncio.Future[None] | None = None
        self._socket = Socket(family, _TYPE)
        self.fd = self._socket.fileno()

    def begin(self, address: tuple[str, int]) -> None:
        """Connects, and tells the protocol: `connection_made`, or `connection_lost` with the OSError. Raises OSError
        for what is known at once; the socket is closed then."""
        try:
            code = self._socket.connect_ex(address)
            if code == errno.EINPROGRESS or not code:  # what is connected at once has its edge too
                self._connecting = True
                self._polled.add(self)
                return
        except BaseException:
            self.let_go()
            raise
        self.let_go()
        raise _os_error(code)

    async def connect(self, address: tuple[str, int]) -> None:
        """Connects, and tells the protocol. Raises OSError; cancelled or failed, the socket is closed."""
        self._waiter = self.loop.create_future()
        self.begin(address)
        try:
            await self._waiter
            self._connecting, self._waiter = False, None
            self._protocol.connection_made(self)
            if self._unread:  # it spoke before it was asked
                self._polled.again(self)
        except BaseException:
            self.let_go()
            raise

    def let_go(self) -> None:
        """Closes the socket and tells nobody."""
        if not self._lost:
            self._closing = self._lost = True
            self._out.clear()
            self._polled.drop(self)
            self._socket.close()

    # -- asyncio.Transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        if self._out:
            self._out += data
            return
        try:
            if self._written:  # Nagle's algorithm holds back only what follows something else
                self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._break(error)
            return
        self._written = True
        if sent != len(data):
            self._out += memoryview(data)[sent:]  # the next edge says when there is room

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._out:
                self._break(None)

    def abort(self) -> None:
        self._break(None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        if self._unread:
            self._polled.again(self)

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
        if events & ~EPOLLOUT:
            self._unread = True
            if events & _OVER:
                self._over = True
        if self._connecting:
            self._connected(events)
            return
        if self._out and events & EPOLLOUT:
            self._flush()
        if self._unread and not self.waits:
            self.read()

    def starve(self, error: MemoryError) -> None:
        """There is no memory to serve it with."""
        if self._waiter is None:
            self._break(error)
        elif not self._waiter.done():
            self._waiter.set_exception(error)

    def _connected(self, events: int) -> None:
        waiter = self._waiter
        if waiter is not None and waiter.done():
            return
        code = self._socket.getsockopt(SOL_SOCKET, SO_ERROR) if events & _OVER else 0
        if waiter is None:
            self._made(code)
        elif code:
            waiter.set_exception(_os_error(code))
        else:
            waiter.set_result(None)

    def _made(self, code: int) -> None:
        if code:
            self._break(_os_error(code))
            return
        self._connecting = False
        try:
            self._protocol.connection_made(self)
        except Exception as error:
            self._break(error)
        if self._unread:  # it spoke before it was asked
            self._polled.again(self)

    def read(self) -> None:
        """Reads once; where there is more, again in the next turn."""
        if self._closing or self._paused or self._ended:
            return
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            self._unread = False
            return
        except (OSError, MemoryError) as error:  # no room for what came is the end of the look, not of the loop's turn
            self._break(error)
            return
        self._unread = len(data) == READ_BYTES or self._over
        try:
            if data:
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()
            else:
                self._ended = True  # the protocol keeps its half open: there is nothing to read any more
        except Exception as error:  # a bug of the protocol's is told to it, as the loops do
            self._break(error)
        if self._unread and self.is_reading():
            self._polled.again(self)

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(error)
            return
        del self._out[:sent]
        if self._closing and not self._out:
            self._break(None)

    def _break(self, error: Exception | None) -> None:
        if not self._lost:
            self.let_go()
            self.loop.call_soon(self._protocol.connection_lost, error)


class _Polled:
    """The connections of one loop on one epoll, which the loop watches for as long as it lives."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = epoll()
        self._wires: dict[int, Wire] = {}
        self._unread: deque[Wire] = deque()
        self._due: deque[tuple[Wire, int]] = deque()  # edges that were taken and not told yet
        loop.add_reader(self._epoll.fileno(), self._serve)

    def add(self, wire: Wire) -> None:
        self._epoll.register(wire.fd, _EDGES)
        self._wires[wire.fd] = wire

    def again(self, wire: Wire) -> None:
        """It is read in the next turn, though no edge will tell."""
        if not wire.waits:
            wire.waits = True
            self._unread.append(wire)
            if len(self._unread) == 1:
                wire.loop.call_soon(self._read_on)

    def drop(self, wire: Wire) -> None:
        """Before its socket is closed, which takes it off the epoll."""
        self._wires.pop(wire.fd, None)

    def _serve(self) -> None:
        if self._due:
            return  # they come first; the loop asks again
        # Who is meant is found first: a number that one of them lets go of may be another's at once.
        try:
            self._due += [(self._wires[fd], events) for fd, events in self._epoll.poll(0, AT_A_TURN)]
        except MemoryError as error:  # waiting for room would end in a deadline, and that is the target's
            for wire in list(self._wires.values()):
                wire.starve(error)
            return
        self._tell()

    def _tell(self) -> None:
        until = time.monotonic_ns() + HELD_NS
        while self._due:
            wire, events = self._due.popleft()
            wire.ready(events)
            if self._due and time.monotonic_ns() > until:
                wire.loop.call_soon(self._tell)
                return

    def _read_on(self) -> None:
        turn = [self._unread.popleft() for _ in range(min(AT_A_TURN, len(self._unread)))]
        if self._unread:
            self._unread[0].loop.call_soon(self._read_on)
        for wire in turn:
            wire.waits = False
            wire.read()


_POLLED: WeakKeyDictionary[asyncio.AbstractEventLoop, _Polled] = WeakKeyDictionary()


def _polled(loop: asyncio.AbstractEventLoop) -> _Polled:
    polled = _POLLED.get(loop)
    if polled is None:
        polled = _POLLED[loop] = _Polled(loop)
    return polled


def _os_error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def begin(protocol: asyncio.Protocol, address: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
    """Begins to connect to an address: see Wire.begin."""
    Wire(loop, protocol, AF_INET6 if ":" in address else AF_INET).begin((address, port))


async def wired(
    make: Callable[[], P], address: str, port: int, loop: asyncio.AbstractEventLoop
) -> tuple[asyncio.Transport, P]:
    """As loop.create_connection, for an address and not for a name. Raises OSError."""
    protocol = make()
    wire = Wire(loop, protocol, AF_INET6 if ":" in address else AF_INET)
    await wire.connect((address, port))
    return wire, protocol
