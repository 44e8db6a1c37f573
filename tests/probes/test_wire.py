"""A connection on our own epoll behaves as one of the loop's own: each test is made with both, on both loops."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from monitor.probes import wire
from monitor.probes.wire import wired
from tests.bench.loops import run

Connect = Callable[..., Awaitable[tuple[asyncio.Transport, "Heard"]]]
Test = Callable[[Connect], Awaitable[None]]

LOOPS = ["stdlib", "uvloop"] if importlib.util.find_spec("uvloop") else ["stdlib"]
LARGE = 16_000_000  # more than loopback holds
REFUSING = ("127.0.0.1", 1)


class Heard(asyncio.Protocol):
    """What the loop told it; `half` keeps its half open after the end."""

    def __init__(self, half: bool = False) -> None:
        self.half = half
        self.told: list[str] = []
        self.data = bytearray()
        self.error: Exception | None = None
        self.lost = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()
        self.begun = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.begun.set()

    def eof_received(self) -> bool:
        self.told.append("end")
        self.ended.set_result(None)
        return self.half

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")
        self.error = exc
        self.lost.set_result(None)


async def own(address: str, port: int, make: Callable[[], Heard] = Heard) -> tuple[asyncio.Transport, Heard]:
    return await wired(make, address, port, asyncio.get_running_loop())


async def theirs(address: str, port: int, make: Callable[[], Heard] = Heard) -> tuple[asyncio.Transport, Heard]:
    return await asyncio.get_running_loop().create_connection(make, address, port)


@pytest.fixture(params=LOOPS)
def on(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    """Runs a test on one of the loops, with our connections and with the loop's own."""

    def both(test: Test) -> None:
        async def whole() -> None:
            async with asyncio.timeout(30):
                await test(own)
                await test(theirs)

        if request.param == "uvloop":
            run(whole)
        else:
            asyncio.run(whole())

    return both


@asynccontextmanager
async def server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(served, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@contextmanager
def same_files() -> Iterator[None]:
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    yield
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) <= before + 1, "a descriptor beside the epoll is left open"


def test_more_than_the_kernel_takes_at_once_arrives_whole_in_both_directions(on: Callable[[Test], None]) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(LARGE))
        await writer.drain()

    async def test(connect: Connect) -> None:
        sent = os.urandom(LARGE)
        async with server(echo) as port:
            transport, heard = await connect("127.0.0.1", port)
            transport.write(sent[:1])
            transport.write(sent[1:])
            assert transport.get_write_buffer_size() > 0
            await heard.lost
        assert heard.data == sent
        assert heard.told == ["made", "end", "lost"]
        assert heard.error is None

    on(test)


def test_who_keeps_its_half_open_can_still_write(on: Callable[[Test], None]) -> None:
    async def test(connect: Connect) -> None:
        received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def ends_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write_eof()
            received.set_result(await reader.readexactly(4))

        async with server(ends_first) as port:
            transport, heard = await connect("127.0.0.1", port, lambda: Heard(half=True))
            await heard.ended
            transport.write(b"last")
            transport.close()
            await heard.lost
            assert await received == b"last"
        assert heard.told == ["made", "end", "lost"]

    on(test)


def test_what_is_written_before_a_close_is_sent(on: Callable[[Test], None]) -> None:
    async def test(connect: Connect) -> None:
        whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            whole.set_result(await reader.read(-1))

        async with server(take) as port:
            transport, heard = await connect("127.0.0.1", port)
            transport.write(b"x" * LARGE)
            transport.close()
            assert transport.is_closing()
            await heard.lost
            assert len(await whole) == LARGE

    on(test)


def test_an_abort_is_told_once_and_later(on: Callable[[Test], None]) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async def test(connect: Connect) -> None:
        async with server(hold) as port:
            transport, heard = await connect("127.0.0.1", port)
            transport.abort()
            assert heard.told == ["made"]
            transport.abort()
            await heard.lost
            await asyncio.sleep(0)
        assert heard.told == ["made", "lost"]
        assert heard.error is None

    on(test)


def test_a_reset_is_told_as_one(on: Callable[[Test], None]) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def test(connect: Connect) -> None:
        async with server(reset) as port:
            transport, heard = await connect("127.0.0.1", port)
            transport.write(b"x")
            await heard.lost
        assert isinstance(heard.error, ConnectionResetError)

    on(test)


def test_what_is_paused_hears_nothing_until_it_goes_on(on: Callable[[Test], None]) -> None:
    async def test(connect: Connect) -> None:
        said = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            writer.write(b"word")
            await writer.drain()
            said.set()

        async with server(speak) as port:
            transport, heard = await connect("127.0.0.1", port)
            transport.pause_reading()
            transport.write(b"x")
            await said.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            assert not heard.data
            transport.resume_reading()
            await heard.lost
        assert heard.data == b"word"

    on(test)


def test_what_a_pause_held_back_is_heard_once_and_in_order(on: Callable[[Test], None]) -> None:
    async def test(connect: Connect) -> None:
        sent = os.urandom(LARGE // 8)

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(sent)
            await writer.drain()

        async with server(speak) as port:
            transport, heard = await connect("127.0.0.1", port)
            while not heard.lost.done():
                transport.pause_reading()
                before = len(heard.data)
                await asyncio.sleep(0)
                assert len(heard.data) == before
                transport.resume_reading()
                transport.resume_reading()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        assert heard.data == sent

    on(test)


def test_who_speaks_at_once_and_who_ends_at_once_are_heard(on: Callable[[Test], None]) -> None:
    """What comes with the connection is told by the same edge."""

    async def test(connect: Connect) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def speak() -> None:
                accepted, _ = listening.accept()
                with accepted:
                    accepted.sendall(b"word")

            speaking = asyncio.create_task(asyncio.to_thread(speak))
            _, heard = await connect(*listening.getsockname())
            await heard.lost
            await speaking
        assert heard.data == b"word"
        assert heard.told == ["made", "end", "lost"]

    on(test)


def test_who_floods_us_gets_no_more_than_its_turn(on: Callable[[Test], None]) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(LARGE) if await reader.readexactly(1) == b"f" else b"word")
        await writer.drain()

    async def test(connect: Connect) -> None:
        async with server(speak) as port:
            (flooded, flood), (quiet, answer) = [await connect("127.0.0.1", port) for _ in range(2)]
            flooded.write(b"f")
            await flood.begun.wait()
            quiet.write(b"q")
            await answer.lost
            assert answer.data == b"word"
            assert len(flood.data) < LARGE
            await flood.lost
        assert len(flood.data) == LARGE

    on(test)


def test_a_refused_connection_says_so_and_leaves_nothing_open(on: Callable[[Test], None]) -> None:
    async def test(connect: Connect) -> None:
        with same_files():
            with pytest.raises(ConnectionRefusedError) as refused:
                await connect(*REFUSING)
            assert refused.value.errno == errno.ECONNREFUSED

    on(test)


def test_a_cancelled_attempt_leaves_nothing_open(on: Callable[[Test], None]) -> None:
    async def test(connect: Connect) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
            address = deaf.getsockname()
            filling = [socket.socket() for _ in range(4)]
            for one in filling:
                one.setblocking(False)
                one.connect_ex(address)
            with same_files():
                attempt = asyncio.ensure_future(connect(*address))
                await asyncio.sleep(0)
                attempt.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await attempt
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            for one in filling:
                one.close()

    on(test)


def test_a_bug_in_a_protocol_ends_its_connection_with_that_error(on: Callable[[Test], None]) -> None:
    class Broken(Heard):
        def data_received(self, data: bytes) -> None:
            raise ZeroDivisionError

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        await reader.read(-1)

    async def test(connect: Connect) -> None:
        if connect is theirs:
            return  # they write it to the log as well
        async with server(speak) as port:
            _, heard = await connect("127.0.0.1", port, Broken)
            await heard.lost
        assert isinstance(heard.error, ZeroDivisionError)

    on(test)


def test_no_memory_for_a_turn_is_an_error_of_every_connection_and_never_a_wait(on: Callable[[Test], None]) -> None:
    """A wait would end in the look's deadline, which is blamed on the target."""

    class Starved:
        def poll(self, timeout: int, most: int) -> list[tuple[int, int]]:
            raise MemoryError

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"x")
        await reader.read(-1)

    async def test(connect: Connect) -> None:
        if connect is theirs:
            return
        polled = wire._polled(asyncio.get_running_loop())
        async with server(speak) as port:
            both = [await connect("127.0.0.1", port) for _ in range(2)]
            fed, polled._epoll = polled._epoll, Starved()  # type: ignore[assignment]
            both[0][0].write(b"?")
            for _, heard in both:
                await heard.lost
                assert isinstance(heard.error, MemoryError)
            polled._epoll = fed
            transport, _ = await connect("127.0.0.1", port)
            transport.abort()

    on(test)


def test_many_at_once_that_let_go_of_each_other_never_meet(on: Callable[[Test], None]) -> None:
    """A number that one lets go of is the next one's at once."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(8))

    async def test(connect: Connect) -> None:
        async def one(number: int) -> None:
            for turn in range(10):
                transport, heard = await connect("127.0.0.1", port)
                word = f"{number:04}{turn:04}".encode()
                transport.write(word)
                if number % 3:
                    await heard.lost
                    assert heard.data == word
                transport.abort()

        async with server(speak) as port, asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(one(number))

    on(test)
