"""What canaries prove, and which they are when none are configured."""

from __future__ import annotations

import asyncio

import dns.rcode
import pytest

from monitor.clock import SystemClock
from monitor.facts import Outcome, Phases
from monitor.interfaces import Observation
from monitor.prober.canaries import ROUNDS_TRIED, SELDOM_NS, Canaries, Canary
from monitor.prober.evidence import (
    Mask,
    Round,
    all_refused_together,
    is_masked,
    mask_of,
    masked,
    settles,
    was_out,
    without_us,
)
from monitor.prober.network import default_gateway, is_local
from monitor.prober.witnesses import Steadfast
from monitor.probes import Io
from monitor.probes.dns import DnsSettings
from monitor.probes.http import HttpSettings
from monitor.probes.judge import ProbeError
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.probes.clocks import JumpClock
from tests.probes.names import code, naming, records, silence
from tests.probes.servers import answer, says, serving

SEEN = Observation("fail", 1_780_000_000_000, 12.5, "tcp_timeout", ip="192.0.2.1")


def round_at(began: int, failed: int, asked: int = 3) -> Round:
    return Round(began, began + 10, asked, tuple(f"canary {number}" for number in range(failed)))


@pytest.mark.parametrize(
    ("asked", "failed", "out"),
    [(3, 0, False), (3, 1, False), (3, 2, True), (4, 2, False), (1, 1, True), (2, 1, False), (0, 0, True)],
)
def test_more_than_half_must_fail(asked: int, failed: int, out: bool) -> None:
    assert round_at(0, failed, asked).out is out


def test_only_a_round_that_began_after_the_probe_settles_it() -> None:
    assert not settles([], 100)
    assert not settles([round_at(99, 0)], 100)
    assert settles([round_at(99, 0), round_at(100, 0)], 100)


def test_a_round_within_one_interval_before_still_counts() -> None:
    rounds = [round_at(50, 3), round_at(100, 0)]
    assert was_out(rounds, 60) == rounds[0]
    assert was_out(rounds, 61) is None


@pytest.mark.parametrize(
    ("reason", "ours"),
    [("tcp_timeout", "self_network"), ("dns_timeout", "self_resolver"), ("dns_servfail", "self_resolver")],
)
def test_a_void_names_the_canaries_and_what_was_seen(reason: str, ours: str) -> None:
    seen = without_us(Observation("fail", 1, 2, reason), round_at(0, 2))
    assert (seen.outcome, seen.reason, seen.detail) == ("void", ours, f"{reason}; canaries failed: canary 0, canary 1")


def test_a_void_keeps_what_was_measured() -> None:
    seen = without_us(SEEN, round_at(0, 0, asked=0))
    assert (seen.at, seen.duration_ms, seen.ip) == (SEEN.at, SEEN.duration_ms, SEEN.ip)
    assert seen.detail == "tcp_timeout; no canary to ask"


@pytest.mark.parametrize(
    ("failing", "checks", "hosts", "together"),
    [(3, 4, 2, True), (2, 4, 2, False), (4, 4, 1, False), (3, 3, 3, False), (51, 100, 50, True)],
)
def test_refusals_together_need_checks_and_hosts(failing: int, checks: int, hosts: int, together: bool) -> None:
    assert all_refused_together(failing, checks, hosts) is together


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def test_the_default_gateway_is_read_from_the_routes() -> None:
    assert default_gateway(ROUTES) == "192.0.2.1"
    assert default_gateway(ROUTES.splitlines()[0]) is None
    assert default_gateway("") is None
    assert default_gateway(ROUTES.replace("010200C0", "00000000")) is None


def test_this_host_knows_its_own_addresses() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")
    assert not is_local("app.example.com")


def io_with(*servers: str) -> Io:
    clock = SystemClock()
    return Io(clock, Resolver(servers, clock.monotonic_ns), Tls(), allow_private_targets=True, timeout_ms=500)


async def test_without_canaries_the_name_servers_in_use_are_asked() -> None:
    async with naming({}) as alive, naming({"example.com": silence}) as dead:
        canaries = Canaries(SystemClock(), io_with(alive.address), [])
        assert await canaries.own_network_out(0, 1) is None
        assert "example.com" in alive.asked
        await canaries.reload(io_with(dead.address), [])
        out = await canaries.own_network_out(SystemClock().monotonic_ns(), 1)
        await canaries.aclose()
    assert out is not None
    assert f"dns {dead.address}" in out.failed


async def test_what_sang_when_the_probe_began_proves_nothing_when_it_fails() -> None:
    clock = JumpClock()
    async with naming({}) as server:
        canaries = Canaries(clock, io_with(server.address), [])
        began = clock.monotonic_ns()
        assert await canaries.own_network_out(began, 1) is None
        clock.advance(10_000)
        server.zone["example.com"] = code(dns.rcode.SERVFAIL)
        assert await canaries.own_network_out(began, 1) is not None
        await canaries.aclose()


async def test_probes_that_ask_together_share_a_round() -> None:
    async with naming({}) as server:
        settings = DnsSettings.model_construct(name="example.test", type="A", server=server.address)
        canaries = Canaries(SystemClock(), io_with(server.address), [Canary("dns", settings)])
        now = SystemClock().monotonic_ns()
        await asyncio.gather(*[canaries.own_network_out(now, 1) for _ in range(50)])
        await canaries.aclose()
    assert server.asked == ["example.test"]


def seen(reason: str | None, *, tls: bool = False, status: int | None = None, known_body: bool = False) -> Observation:
    phases = Phases(connect=1.0, tls=2.0) if tls else Phases(connect=1.0)
    attributes: dict[str, float | str] = {"probe_failed_due_to_regex": 0} if known_body else {}
    outcome: Outcome = "pass" if reason is None else "fail"
    return Observation(outcome, 1, 2, reason, None, phases, status, attributes=attributes)


@pytest.mark.parametrize(
    ("canary", "mask"),
    [
        (seen(None, status=200), ""),
        (seen("http_content", status=200), "content"),
        (seen("http_redirect_blocked", status=302), "content"),
        (seen("http_status", status=511), "content"),
        (seen("tls_untrusted"), "certificate"),
        (seen("tls_hostname"), "certificate"),
        (seen("http_status", status=503), ""),
        (seen("tls_expired"), ""),
        (seen("tcp_timeout"), ""),
    ],
)
def test_a_canary_with_trouble_of_its_own_was_answered_by_nobody_else(canary: Observation, mask: str) -> None:
    assert mask_of(canary) == mask


@pytest.mark.parametrize(
    ("masks", "met"),
    [
        ([], ""),
        ([""], ""),
        (["content"], "content"),
        (["content", ""], ""),
        (["content", "certificate", ""], "certificate"),
    ],
)
def test_more_than_half_of_the_web_canaries_must_be_masked(masks: list[Mask], met: str) -> None:
    assert masked(masks) == met


@pytest.mark.parametrize(
    ("look", "by_content", "by_certificate"),
    [
        (seen("http_status"), True, True),
        (seen("http_content"), True, True),
        (seen(None), True, True),
        (seen(None, known_body=True), False, False),
        (seen(None, tls=True), False, False),
        (seen("http_status", tls=True), False, False),
        (seen("tls_untrusted"), False, True),
        (seen("tls_hostname", tls=True), False, True),
        (seen("tls_expired", tls=True), False, False),
        (seen("tcp_refused"), False, False),
        (seen("http_timeout_headers"), False, False),
    ],
)
def test_what_a_certificate_or_a_known_body_proves_is_the_targets_own(
    look: Observation, by_content: bool, by_certificate: bool
) -> None:
    plain = Round(0, 1, 3, (), mask="content")
    assert is_masked(look, plain) is by_content
    assert is_masked(look, plain._replace(mask="certificate")) is by_certificate
    assert not is_masked(look, plain._replace(mask=""))


async def test_a_canary_is_still_asked_at_its_last_address_when_the_name_servers_are_gone() -> None:
    clock = SystemClock()
    async with naming({"anchor.test": records((0, "A", "192.0.2.7"))}) as server:
        resolver = Steadfast((server.address,), clock.monotonic_ns)
        first = await resolver.look_up("anchor.test")
        server.zone["anchor.test"] = code(dns.rcode.SERVFAIL)
        assert (await resolver.look_up("anchor.test")).addresses == first.addresses == ("192.0.2.7",)
        with pytest.raises(ProbeError):
            await resolver.look_up("other.test")
        await resolver.aclose()


async def test_a_round_that_we_disturbed_ourselves_proves_nothing() -> None:
    async with naming({}) as server:
        clock = SystemClock()
        canaries = Canaries(clock, io_with(server.address), [], undisturbed=lambda since: False)
        out = await canaries.own_network_out(clock.monotonic_ns(), 1)
        await canaries.aclose()
    assert out is not None
    assert (out.asked, out.shortage) == (0, "self_overload")
    assert len(server.asked) <= ROUNDS_TRIED


async def test_the_default_anchor_counts_once_it_has_sung_and_is_asked_seldom() -> None:
    sings = says(answer(b"200 OK", b"IANA"))
    async with naming({}) as names, serving(sings) as server:
        clock = JumpClock()
        known = HttpSettings.model_validate({"url": server.url, "expect": {"body_matches": "IANA"}})
        canaries = Canaries(clock, io_with(names.address), [], Canary("http", known))
        await canaries._look()
        assert canaries.signs[f"http {server.url}"]
        await canaries._look()
        assert server.connections == 1
        await canaries.settle(clock.monotonic_ns())
        assert server.connections == 2
        clock.advance(SELDOM_NS // 1_000_000)
        await canaries._look()
        assert server.connections == 3
        await canaries.aclose()


async def test_an_anchor_that_never_sang_is_no_canary() -> None:
    async with naming({}) as names, serving(says(answer(b"200 OK", b"closed network"))) as server:
        known = HttpSettings.model_validate({"url": server.url, "expect": {"body_matches": "IANA"}})
        canaries = Canaries(SystemClock(), io_with(names.address), [], Canary("http", known))
        await canaries._look()
        assert not [name for name in canaries.signs if name.startswith("http")]
        assert canaries.masking is None
        await canaries.aclose()
