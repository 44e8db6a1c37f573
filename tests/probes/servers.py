"""Small real servers on loopback that misbehave exactly as asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What listens on a port of loopback, and what it was asked."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"


async def request_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as partial:
        return partial.partial


def says(*pieces: bytes, then_close: bool = True) -> Talk:
    """Reads one request, answers with the pieces, and closes or goes on waiting."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if not then_close:
            await reader.read()

    return talk


def repeats(head: bytes, piece: bytes, pause: float = 0) -> Talk:
    """Answers with `head`, then `piece` for ever, a pause between them."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return talk


def answer(status: bytes = b"200 OK", body: bytes = b"fine", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says nothing until the other side has gone."""
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes with a reset instead of an end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes without a byte."""


@contextlib.asynccontextmanager
async def serving(
    talk: Talk,
    tls: ssl.SSLContext | None = None,
    *,
    read_request: bool = True,
    host: str = "127.0.0.1",
    at: socket.socket | None = None,
) -> AsyncIterator[Server]:
    """A server that counts connections and requests; what it is still saying at the end is cut. `at` is a socket that
    listens already, wherever it was made."""
    server = Server(0)
    talks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError, ssl.SSLError):
            if read_request:
                request = await request_of(reader)
                if request:
                    server.requests.append(request)
            await talk(reader, writer)
        if task.cancelling():
            writer.transport.abort()
            return
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
            await writer.wait_closed()

    listening = await (
        asyncio.start_server(converse, sock=at, ssl=tls) if at else asyncio.start_server(converse, host, 0, ssl=tls)
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def unused_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def refusing_handshakes(context: ssl.SSLContext, lingers: bool = True) -> AsyncIterator[Server]:
    """A blocking TLS server, because asyncio's keeps the alert of a failed handshake to itself. One that does not
    linger is gone with what it was sent unread."""

    def converse(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        plain.settimeout(5)
        secure = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(OSError):
            secure.do_handshake()
        if not lingers:
            secure.close()
            return
        with socket.socket(fileno=secure.detach()) as rest, contextlib.suppress(OSError):
            rest.settimeout(5)
            rest.shutdown(socket.SHUT_WR)
            while rest.recv(4096):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        talking = asyncio.create_task(asyncio.to_thread(converse, listening))
        yield Server(listening.getsockname()[1])
        await talking
