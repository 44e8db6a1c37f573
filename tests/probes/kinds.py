"""A look at loopback through any kind, its settings as a file has them; and servers that follow a script."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from monitor.interfaces import Observation
from monitor.probes import KINDS, Io
from monitor.settings import Surroundings
from tests.probes.conftest import TICK
from tests.probes.servers import Talk

LookAt = Callable[..., Awaitable[Observation]]


def looks_at(kind: str, io: Io, folder: Path) -> LookAt:
    """Looks at 127.0.0.1; every key but `timeout_ms` is one of the kind's."""

    async def look(timeout_ms: int = 5_000, **given: object) -> Observation:
        here = {} if "url" in given else {"host": "127.0.0.1"}
        probe = KINDS[kind].bind(
            KINDS[kind].settings.model_validate({**here, **given}, context=Surroundings(folder, {}))
        )
        assert probe is not None
        return await probe(TICK, replace(io, timeout_ms=timeout_ms))

    return look


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """An authority whose certificate is `ca.pem` in the folder of the configuration."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made


TRUSTED = {"ca_file": "ca.pem"}


def script(*parts: bytes | tuple[str, bytes] | ssl.SSLContext) -> Talk:
    """Says bytes, reads until the bytes of ("hear", bytes) have come, starts TLS with a context; then waits."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            elif isinstance(part, tuple):
                await reader.readuntil(part[1])
            else:
                await writer.start_tls(part)
        await reader.read()

    return talk


def hear(text: bytes) -> tuple[str, bytes]:
    return "hear", text
