"""`python -m tests.bench.target [CERTIFICATE KEY]`: the app that is looked at, in a process of its own.

It says its port, then answers every request with 15 bytes of JSON and closes, over TLS where it is given a certificate.
It listens on all of 127.0.0.0/8, so that a benchmark can look at more than one host.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import cast

from tests.bench.loops import run

BODY = b'{"status":"ok"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + BODY


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)
        self._transport.close()


async def _serve(certificate: list[str]) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "0.0.0.0", 0, backlog=4096, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(lambda: _serve(sys.argv[1:]))
