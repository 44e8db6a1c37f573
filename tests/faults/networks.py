"""Network namespaces: a vantage and a target joined by one wire, whose kernel misbehaves as a test says.

Needs root, and nft and ip of the distribution (`python3 deploy/dev.py test` installs them). Names are unique, and both
namespaces are deleted with the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import functools
import os
import secrets
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

NEAR4, FAR4 = "192.0.2.1", "192.0.2.2"
NEAR6, FAR6 = "2001:db8::1", "2001:db8::2"
PUBLIC4 = "93.184.215.14"  # an address that no policy refuses; nothing leaves the namespace
_CLONE_NEWNET = 0x40000000  # sched.h
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h

T = TypeVar("T")


@dataclass(frozen=True)
class Wire:
    """The namespace of the vantage, `near`, and that of the target, `far`, whose devices are called `wire`."""

    near: str
    far: str

    def listening(self, address: str = FAR4, port: int = 80, backlog: int = 100) -> socket.socket:
        """A TCP socket that listens in the target's namespace."""

        return inside(self.far, functools.partial(_listen, address, port, backlog))

    def listening_near(self, address: str, port: int = 80) -> socket.socket:
        """A TCP socket that listens in the vantage's own namespace."""
        return inside(self.near, functools.partial(_listen, address, port, 100))

    def naming(self, address: str = FAR4, port: int = 53) -> socket.socket:
        """A UDP socket for a name server in the target's namespace."""

        def bind() -> socket.socket:
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            bound.setblocking(False)
            bound.bind((address, port))
            return bound

        return inside(self.far, bind)

    def rules_near(self, rules: str) -> None:
        """Adds to the vantage's firewall: rules of nftables in a table of `output` and `input`."""
        _rule(self.near, rules)

    def rules_far(self, rules: str) -> None:
        _rule(self.far, rules)

    def flush_far(self) -> None:
        """Forgets every rule of the target's firewall."""
        _run("ip", "netns", "exec", self.far, "nft", "flush", "ruleset")

    def counted(self, name: str) -> int:
        """The packets that a named counter of the vantage's firewall has seen."""
        told = _run("ip", "netns", "exec", self.near, "nft", "list", "counter", "inet", "test", name)
        return int(told.split("packets ")[1].split()[0])

    def ip_near(self, *words: str) -> None:
        _run("ip", "-n", self.near, *words)

    def ip_far(self, *words: str) -> None:
        _run("ip", "-n", self.far, *words)

    def sysctl_near(self, **values: str) -> None:
        """Sets keys below net, written with two underscores for the slashes."""

        def write() -> None:
            for name, value in values.items():
                Path("/proc/sys/net", *name.split("__")).write_text(value, encoding="ascii")

        inside(self.near, write)


def _listen(address: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=backlog)


def inside(namespace: str, work: Callable[[], T]) -> T:
    """What `work` gives in a thread that has entered the namespace: a socket stays where it was made."""
    made: list[T] = []
    failed: list[BaseException] = []

    def work_inside() -> None:
        try:
            enter(namespace)
            made.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work_inside)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def enter(namespace: str) -> None:
    """Moves this thread into the namespace; os.setns comes with Python 3.12."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", namespace).open(encoding="ascii") as handle:
        if libc.setns(handle.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def _rule(namespace: str, rules: str) -> None:
    table = f"""
    table inet test {{
        chain output {{ type filter hook output priority 0; }}
        chain input {{ type filter hook input priority 0; }}
    }}
    table inet test {{
        {rules}
    }}
    """
    _run("ip", "netns", "exec", namespace, "nft", "-f", "-", feed=table)


def _run(*command: str, feed: str = "") -> str:
    done = subprocess.run(command, input=feed, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}\n{feed}"
    return done.stdout


def why_not() -> str | None:
    """Why no namespaces can be made here; None: they can."""
    missing = [tool for tool in ("ip", "nft") if shutil.which(tool) is None]
    if os.geteuid() != 0:
        return "not root"
    if missing:
        return f"{', '.join(missing)} missing: apt-get install -y --no-install-recommends iproute2 nftables"
    probe = f"mb{secrets.token_hex(4)}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        return "the kernel makes no network namespaces here"
    _run("ip", "netns", "del", probe)
    return None


@contextlib.contextmanager
def wired() -> Iterator[Wire]:
    """Two namespaces with an IPv4 and an IPv6 network between them, and default routes that lead across."""
    with _namespaces() as wire:
        _run("ip", "-n", wire.near, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", wire.far)
        _address(wire)
        yield wire


@contextlib.asynccontextmanager
async def wired_slowly(delay_s: float) -> AsyncIterator[Wire]:
    """The same over a wire of our own that keeps each packet for so long: a TUN device at each end."""
    loop = asyncio.get_running_loop()
    with _namespaces() as wire, contextlib.ExitStack() as ends:
        near, far = (inside(namespace, _tun) for namespace in (wire.near, wire.far))
        for end, other in ((near, far), (far, near)):
            ends.callback(os.close, end)
            ends.callback(loop.remove_reader, end)
            loop.add_reader(end, _carry, end, other, delay_s)
        _address(wire)
        yield wire


def _tun() -> int:
    """A TUN device `wire` without packet headers (linux/if_tun.h), to be read and written here."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", b"wire", _IFF_TUN | _IFF_NO_PI))
    return end


def _carry(end: int, other: int, delay_s: float) -> None:
    def deliver(packet: bytes) -> None:
        with contextlib.suppress(OSError):  # the other end is gone, or not up yet
            os.write(other, packet)

    asyncio.get_running_loop().call_later(delay_s, deliver, os.read(end, 65_536))


def _address(wire: Wire) -> None:
    for namespace, own4, own6, via4, via6 in (
        (wire.near, NEAR4, NEAR6, FAR4, FAR6),
        (wire.far, FAR4, FAR6, NEAR4, NEAR6),
    ):
        batch = f"""
            link set lo up
            link set wire up
            addr add {own4}/24 dev wire
            addr add {own6}/64 dev wire nodad
            route add default via {via4} dev wire
            route add default via {via6} dev wire
        """
        _run("ip", "-n", namespace, "-batch", "-", feed=batch)


@contextlib.contextmanager
def _namespaces() -> Iterator[Wire]:
    unique = f"mb{secrets.token_hex(4)}"
    wire = Wire(f"{unique}-near", f"{unique}-far")
    try:
        _run("ip", "netns", "add", wire.near)
        _run("ip", "netns", "add", wire.far)
        yield wire
    finally:
        for namespace in (wire.near, wire.far):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


@pytest.fixture
def wire(namespaces: None) -> Iterator[Wire]:
    """A wire of one test's own."""
    with wired() as made:
        yield made


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Where network namespaces cannot be made the test skips, and with CI=true it fails."""
    reason = why_not()
    if reason is None:
        return
    message = f"needs network namespaces: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
