"""ICMP looks: over loopback, and in network namespaces of our own over ping sockets, raw sockets and neither."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.interfaces import Observation
from monitor.prober import network
from monitor.prober.witnesses import by_default
from monitor.probes import Io, echo
from monitor.probes.echo import checksum, refusal
from monitor.probes.icmp import IcmpSettings, probe
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.conftest import ROOT
from tests.faults.conftest import words_of
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.probes.conftest import TICK
from tests.probes.names import code, naming, records


def missing(message: str) -> None:
    """A test that cannot be run here skips, with CI=true it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def allowed() -> None:
    if (why := refusal()) is not None:
        missing(why)


async def look(host: str, *resolvers: str, timeout_ms: int = 2_000, allow_private: bool = True) -> Observation:
    clock = SystemClock()
    resolver = Resolver(resolvers, clock.monotonic_ns)
    try:
        return await probe(IcmpSettings(host=host), TICK, Io(clock, resolver, Tls(), allow_private, timeout_ms))
    finally:
        await resolver.aclose()


# ---------------------------------------------------------------- on loopback


class Starved(socket.socket):
    """The kernel has an answer, and there is no memory to take it in."""

    def recvmsg(self, *_: int) -> NoReturn:
        raise MemoryError


@pytest.mark.usefixtures("allowed")
async def test_without_memory_for_an_answer_nothing_is_said_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = echo._open

    def starved(kind: echo._Family) -> tuple[socket.socket, bool]:
        made, raw = opened(kind)
        return Starved(fileno=made.detach()), raw

    monkeypatch.setattr(echo, "_open", starved)
    seen = await look("127.0.0.1")
    assert (seen.outcome, seen.reason) == ("void", "self_memory")


@pytest.mark.usefixtures("allowed")
async def test_an_echo_that_comes_back_is_a_pass_with_what_was_measured() -> None:
    seen = await look("127.0.0.1")
    assert (seen.outcome, seen.ip) == ("pass", "127.0.0.1")
    assert seen.attributes is not None
    assert seen.attributes["probe_icmp_reply_hop_limit"] == 64
    assert 0 < float(seen.attributes["probe_icmp_duration_seconds/rtt"]) < 2
    assert "probe_icmp_duration_seconds/resolve" not in seen.attributes
    assert seen.phases is not None
    assert seen.phases.processing is not None
    assert [(each.name, each.passed) for each in seen.assertions] == [("echo", True)]


@pytest.mark.usefixtures("allowed")
async def test_a_name_is_looked_up_in_a_phase_of_its_own() -> None:
    async with naming({"app.example.com": records((60, "A", "127.0.0.2"))}) as server:
        seen = await look("app.example.com", server.address)
    assert (seen.outcome, seen.ip) == ("pass", "127.0.0.2")
    assert seen.attributes is not None
    assert float(seen.attributes["probe_icmp_duration_seconds/resolve"]) > 0


async def test_a_name_that_does_not_exist_is_told_apart() -> None:
    async with naming({"app.example.com": code(dns.rcode.NXDOMAIN)}) as server:
        seen = await look("app.example.com", server.address)
    assert (seen.outcome, seen.reason, seen.ip, seen.assertions) == ("fail", "dns_nxdomain", None, ())


async def test_a_private_address_is_not_asked_where_that_is_refused() -> None:
    seen = await look("127.0.0.1", allow_private=False)
    assert (seen.outcome, seen.reason, seen.detail) == ("void", "self_config", "address_denied")


@pytest.mark.usefixtures("allowed")
async def test_the_default_gateway_is_asked_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = tmp_path / "route"
    routes.write_text("Iface\neth0\t00000000\t0100007F\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", encoding="ascii")
    monkeypatch.setattr(network, "ROUTES", routes)
    clock = SystemClock()
    io = Io(clock, Resolver((), clock.monotonic_ns), Tls(), allow_private_targets=False, timeout_ms=2_000)
    [gateway] = by_default(io, (), None)
    assert gateway.name == "gateway 127.0.0.1"
    assert not gateway.named
    assert (await gateway.look()).sang


@given(st.binary(max_size=64).filter(lambda data: len(data) % 2 == 0))
def test_the_checksum_of_a_packet_with_its_checksum_is_nothing(data: bytes) -> None:
    assert checksum(data + struct.pack("!H", checksum(data))) == 0


# ---------------------------------------------------------------- in namespaces


class Pair:
    """Two namespaces and the cable between them; the far one forwards, and has routes that lead nowhere."""

    def __init__(self) -> None:
        self.near, self.far = (f"mb{end}{secrets.token_hex(3)}" for end in "ab")

    def make(self) -> None:
        ip("netns", "add", self.near)
        ip("netns", "add", self.far)
        ip("-n", self.near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.far)
        for namespace, last in ((self.near, 1), (self.far, 2)):
            ip("-n", namespace, "addr", "add", f"10.9.0.{last}/24", "dev", "cable")
            ip("-n", namespace, "addr", "add", f"fd00:9::{last}/64", "dev", "cable", "nodad")
            ip("-n", namespace, "link", "set", "lo", "up")
            ip("-n", namespace, "link", "set", "cable", "up")
        ip("-n", self.near, "route", "add", "default", "via", "10.9.0.2")
        ip("-n", self.near, "route", "add", "default", "via", "fd00:9::2")
        ip("-n", self.far, "route", "add", "unreachable", "10.77.0.0/16")
        ip("-n", self.far, "route", "add", "blackhole", "10.79.0.0/16")
        ip("-n", self.far, "route", "add", "unreachable", "fd00:77::/64")
        ip("-n", self.far, "route", "add", "10.80.0.0/16", "via", "10.9.0.1")
        self.set(self.far, "ipv4/ip_forward", "1")
        self.set(self.far, "ipv6/conf/all/forwarding", "1")

    def set(self, namespace: str, key: str, value: str) -> None:
        command = ["ip", "netns", "exec", namespace, "tee", f"/proc/sys/net/{key}"]
        subprocess.run(command, input=value, text=True, check=True, capture_output=True, timeout=10)

    def remove(self) -> None:
        for namespace in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True, timeout=10)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)


@pytest.fixture
def pair() -> Iterator[Pair]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        missing("a network namespace needs root and the command ip (package iproute2)")
    made = Pair()
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            missing(f"no network namespace can be made here: {error.stderr}")
        yield made
    finally:
        made.remove()


TARGETS: tuple[tuple[dict[str, object], str, str | None, str | None], ...] = (
    ({"host": "10.9.0.2"}, "pass", None, None),
    ({"host": "fd00:9::2"}, "pass", None, None),
    ({"host": "10.77.0.1"}, "fail", "icmp_unreachable", "destination unreachable (type 3, code 1)"),
    ({"host": "fd00:77::1"}, "fail", "icmp_unreachable", "destination unreachable (type 1, code 0)"),
    ({"host": "10.80.0.9", "ttl": 1}, "fail", "icmp_unreachable", "time to live exceeded (type 11, code 0)"),
    ({"host": "10.79.0.1"}, "fail", "icmp_timeout", "no echo came back within 1500 ms"),
)


@pytest.mark.parametrize("groups", ["0 2147483647", "1 0"], ids=["ping sockets", "raw sockets"])
def test_every_end_of_an_echo_is_told_apart(pair: Pair, groups: str) -> None:
    pair.set(pair.near, "ipv4/ping_group_range", groups)
    canaries = (("icmp", {"host": "10.9.0.2"}),)
    errand = Errand(tuple(("icmp", given) for given, *_ in TARGETS), canaries=canaries, timeout_ms=1_500)
    seen = asyncio.run(run_elsewhere(errand, pair.near))
    found = [(each.outcome, each.reason) for each in seen.observations]
    assert found == [(outcome, reason) for _, outcome, reason, _ in TARGETS]
    assert [words_of(each) for each in seen.observations] == [detail or "" for *_, detail in TARGETS]
    assert seen.observations[1].attributes is not None
    assert seen.observations[1].attributes["probe_icmp_reply_hop_limit"] == 64


@pytest.mark.parametrize("groups", ["0 2147483647", "1 0"], ids=["ping sockets", "raw sockets"])
@pytest.mark.parametrize(("rightly", "reason"), [("", "icmp_timeout"), ("rightly", None)])
def test_an_answer_that_is_not_to_our_echo_never_counts(
    pair: Pair, groups: str, rightly: str, reason: str | None
) -> None:
    pair.set(pair.near, "ipv4/ping_group_range", groups)
    pair.set(pair.far, "ipv4/icmp_echo_ignore_all", "1")
    command = ["ip", "netns", "exec", pair.far, sys.executable, "-m", "tests.probes.forging", rightly]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as forging:
        try:
            assert forging.stdout is not None
            assert forging.stdout.readline() == b"listening\n"
            canaries = (("icmp", {"host": "fd00:9::2"}),)
            errand = Errand((("icmp", {"host": "10.9.0.2"}),), canaries=canaries, timeout_ms=700)
            seen = asyncio.run(run_elsewhere(errand, pair.near))
        finally:
            forging.kill()
    assert seen.only.reason == reason


def test_no_answer_from_anywhere_is_our_own_network(pair: Pair) -> None:
    canaries = (("icmp", {"host": "10.79.0.2"}),)
    errand = Errand((("icmp", {"host": "10.79.0.1"}),), canaries=canaries, timeout_ms=300)
    seen = asyncio.run(run_elsewhere(errand, pair.near))
    assert (seen.only.outcome, seen.only.reason) == ("void", "self_network")


def minutebook(pair: Pair, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in the near namespace, as root without the right to send what it likes."""
    command = ["ip", "netns", "exec", pair.near, "setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]
    return subprocess.run(
        [*command, sys.executable, "-m", "monitor.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "minutebook.yaml"
    checks = "{name: edge, icmp: {host: 10.9.0.2}}, {name: gone, icmp: {host: 10.77.0.1}}"
    path.write_text(f"services:\n  - {{name: app, checks: [{checks}]}}\n")
    return str(path)


def test_without_the_right_to_ping_nothing_starts(pair: Pair, file: str) -> None:
    if shutil.which("setpriv") is None:
        missing("setpriv is missing (package util-linux)")
    for words in (["check-config", file], ["probe", "-c", file, "edge"], ["run", "-c", file]):
        done = minutebook(pair, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "the check edge is of the kind icmp, and the kernel lets this process send no ICMP echo" in done.stderr
        assert "sysctl -w net.ipv4.ping_group_range='0 2147483647'" in done.stderr
        assert "CAP_NET_RAW" in done.stderr


def test_a_ping_socket_needs_no_right(pair: Pair, file: str) -> None:
    if shutil.which("setpriv") is None:
        missing("setpriv is missing (package util-linux)")
    pair.set(pair.near, "ipv4/ping_group_range", "0 0")
    assert minutebook(pair, "check-config", file).returncode == 0
    there, gone = (minutebook(pair, "probe", "-c", file, name, "--json") for name in ("edge", "gone"))
    assert (there.returncode, json.loads(there.stdout)["outcome"]) == (0, "pass")
    assert (gone.returncode, json.loads(gone.stdout)["reason"]) == (1, "icmp_unreachable")
