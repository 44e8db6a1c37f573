"""Rows 1 to 19 of the fault catalogue: connections that fail on the way, over a wire of our own and on loopback."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli import minutebook
from monitor.interfaces import Observation
from tests.faults.conftest import within
from tests.faults.elsewhere import Errand, Seen, run_elsewhere
from tests.faults.networks import FAR4, FAR6, NEAR4, Wire, inside, wired_slowly
from tests.probes.conftest import Look
from tests.probes.names import NameServer, Reply, naming, records
from tests.probes.servers import Server, answer, reset, says, serving, silent, unused_port

T_MS = 1_000  # the deadline of looks that come to it
FINE = says(answer())
OTHER4 = "192.0.2.3"  # where the canaries live: the wire's other end, at another address
CANARIES = tuple(("dns", {"name": name, "server": OTHER4}) for name in ("a.test", "b.test", "c.test"))
TARGET = ("http", {"url": f"http://{FAR4}/"})

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


@contextlib.asynccontextmanager
async def canaries_over(wire: Wire) -> AsyncIterator[NameServer]:
    """A name server at the far end that answers the canaries; a name that does not exist is an answer."""
    wire.ip_far("addr", "add", f"{OTHER4}/24", "dev", "wire")
    async with naming({}, wire.naming(OTHER4)) as server:
        yield server


def errand(*checks: tuple[str, dict[str, Any]], **changed: Any) -> Errand:
    return Errand(checks or (TARGET,), **{"canaries": CANARIES, "timeout_ms": T_MS, **changed})


async def seen_from(wire: Wire, *checks: tuple[str, dict[str, Any]], **changed: Any) -> Observation:
    return (await run_elsewhere(errand(*checks, **changed), wire.near)).only


def outcome(seen: Observation) -> tuple[str, str | None]:
    return seen.outcome, seen.reason


async def test_a_closed_port_is_refused(look: Look) -> None:
    seen = await look(f"http://127.0.0.1:{unused_port()}/")
    assert outcome(seen) == ("fail", "tcp_refused")
    assert within(seen, 1)


async def test_a_black_hole_is_the_target_s_while_the_canaries_answer(wire: Wire) -> None:
    wire.rules_far("chain input { tcp dport 80 drop; }")
    async with canaries_over(wire) as canaries:
        seen = await seen_from(wire)
        assert {"a.test", "b.test", "c.test"} <= set(canaries.asked)
    assert outcome(seen) == ("fail", "tcp_timeout")
    assert within(seen, T_MS / 1000)


async def test_a_black_hole_that_swallows_the_canaries_too_is_our_own_network(wire: Wire) -> None:
    wire.rules_far("chain input { drop; }")
    seen = await seen_from(wire)
    assert outcome(seen) == ("void", "self_network")
    assert seen.detail is not None
    assert seen.detail.startswith("tcp_timeout; canaries failed")


async def test_a_reset_of_the_connection_at_once(look: Look) -> None:
    async with serving(reset, read_request=False) as server:
        seen = await look(server.url)
    assert seen.outcome == "fail"
    assert seen.reason in {"tcp_reset", "http_reset"}
    assert within(seen, 1)


async def test_a_reset_after_the_request(look: Look) -> None:
    async with serving(reset) as server:
        seen = await look(server.url)
        assert len(server.requests) == 1
    assert outcome(seen) == ("fail", "http_reset")
    assert within(seen, 1)


async def test_a_full_backlog_ends_at_the_deadline(look: Look) -> None:
    """The first connection fits into the queue and is never accepted; a later one does not even connect."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        queued = await look(url, timeout_ms=300)
        assert outcome(queued) == ("fail", "http_timeout_headers")
        with contextlib.ExitStack() as filled:
            for _ in range(3):
                waiting = filled.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
            refused = await look(url, timeout_ms=300)
    assert outcome(refused) == ("fail", "tcp_timeout")
    assert within(queued, 0.3)
    assert within(refused, 0.3)


async def test_a_server_that_is_gone_after_the_handshake(wire: Wire) -> None:
    wire.rules_far("chain input { tcp dport 80 tcp flags & syn == 0 drop; }")
    async with canaries_over(wire), serving(FINE, at=wire.listening()) as server:
        seen = await seen_from(wire)
        assert not server.requests
    assert outcome(seen) == ("fail", "http_timeout_headers")
    assert seen.phases is not None
    assert seen.phases.connect is not None
    assert within(seen, T_MS / 1000)


async def test_a_prohibited_target_is_unreachable_while_the_canaries_answer(wire: Wire) -> None:
    wire.rules_far("chain input { tcp dport 80 reject with icmp type admin-prohibited; }")
    async with canaries_over(wire) as canaries:
        seen = await seen_from(wire)
        assert canaries.asked
    assert outcome(seen) == ("fail", "net_unreachable")
    assert within(seen, 1)


async def test_no_way_out_of_this_host_is_our_own_network(wire: Wire) -> None:
    wire.ip_near("link", "set", "wire", "down")
    async with canaries_over(wire):
        seen = await seen_from(wire)
    assert outcome(seen) == ("void", "self_network")
    assert seen.detail is not None
    assert seen.detail.startswith("net_unreachable")
    assert within(seen, 1)


async def test_no_default_route_is_our_own_network(wire: Wire) -> None:
    """Neither target nor canaries are in the network that is left."""
    wire.ip_near("route", "del", "default")
    away = ("http", {"url": "http://198.51.100.1/"})
    canaries = tuple(("dns", {"name": "a.test", "server": f"198.51.100.{number}"}) for number in (2, 3, 4))
    seen = await seen_from(wire, away, canaries=canaries)
    assert outcome(seen) == ("void", "self_network")
    assert within(seen, 1)


@pytest.mark.parametrize("rule", ["drop", "reject with icmpx type admin-prohibited"])
async def test_a_firewall_of_our_own_that_stops_everything_is_ours(wire: Wire, rule: str) -> None:
    wire.rules_near(f"chain output {{ oifname wire {rule}; }}")
    async with canaries_over(wire):
        seen = await seen_from(wire)
    assert seen.outcome == "void"
    assert seen.reason in {"self_network", "self_firewall"}
    assert within(seen, T_MS / 1000)


@pytest.mark.parametrize(
    ("rule", "reason"), [("drop", "tcp_timeout"), ("reject with tcp reset", "tcp_refused")], ids=["drop", "reject"]
)
async def test_a_firewall_of_our_own_that_stops_one_target_looks_like_the_target(
    wire: Wire, rule: str, reason: str
) -> None:
    wire.rules_near(f"chain output {{ tcp dport 80 {rule}; }}")
    async with canaries_over(wire), serving(FINE, at=wire.listening()):
        seen = await seen_from(wire)
    assert outcome(seen) == ("fail", reason)
    assert within(seen, T_MS / 1000)


async def test_a_firewall_of_our_own_that_refuses_everything_is_seen_by_many_checks(wire: Wire) -> None:
    """A refusal looks like the target's: only checks that fail together have the canaries asked about it."""
    wire.ip_far("addr", "add", "192.0.2.4/24", "dev", "wire")
    wire.rules_near("chain output { oifname wire reject with icmpx type port-unreachable; }")
    checks = [("tcp", {"host": host, "port": port}) for host in (FAR4, "192.0.2.4") for port in (80, 81, 82)]
    seen = await run_elsewhere(errand(*checks, times=2), wire.near)
    late = seen.observations[len(checks) :]
    assert {each.outcome for each in late} == {"void"}
    assert {each.reason for each in late} <= {"self_network", "self_firewall"}


async def looks_over_a_lossy_wire(wire: Wire, percent: int, **changed: Any) -> Seen:
    wire.rules_far(f"chain input {{ tcp dport 80 numgen random mod 100 < {percent} drop; }}")
    wire.rules_near(f"chain input {{ tcp sport 80 numgen random mod 100 < {percent} drop; }}")
    async with canaries_over(wire), serving(FINE, at=wire.listening()):
        return await run_elsewhere(errand(*[TARGET] * 20, **changed), wire.near)


async def test_a_few_lost_packets_are_never_an_outage(wire: Wire) -> None:
    """At 5 % one look of 10,000 does not connect within the default deadline: never two in a row."""
    seen = await looks_over_a_lossy_wire(wire, 5, timeout_ms=10_000, times=2)
    first, second = seen.observations[:20], seen.observations[20:]
    assert not [one for one, other in zip(first, second, strict=True) if {one.outcome, other.outcome} == {"fail"}]
    assert sum(each.outcome == "pass" for each in seen.observations) >= 38


async def test_many_lost_packets_are_up_or_a_timeout(wire: Wire) -> None:
    seen = await looks_over_a_lossy_wire(wire, 30, timeout_ms=4_000)
    reasons = {each.reason for each in seen.observations}
    assert None in reasons
    assert reasons <= {None, "tcp_timeout", "http_timeout_headers", "http_timeout_body"}
    assert all(within(each, 4) for each in seen.observations)


async def test_a_round_trip_of_three_seconds_is_up_and_slow(namespaces: None) -> None:
    """One round trip to connect, one for the answer. Being slow is no downtime unless the promise counts it."""
    async with wired_slowly(1.5) as wire, serving(FINE, at=wire.listening()):
        seen = await seen_from(wire, canaries=(), timeout_ms=10_000)
    assert outcome(seen) == ("pass", None)
    assert seen.phases is not None
    assert seen.phases.connect is not None
    assert seen.phases.processing is not None
    assert seen.phases.connect >= 3_000
    assert seen.phases.processing >= 3_000
    assert seen.duration_ms < 10_500


@contextlib.asynccontextmanager
async def names(wire: Wire, zone: dict[str, Reply]) -> AsyncIterator[NameServer]:
    async with naming(zone, wire.naming()) as server:
        yield server


BOTH: dict[str, Reply] = {"app.test": records((60, "A", FAR4), (60, "AAAA", FAR6))}
BY_NAME = ("http", {"url": "http://app.test/"})


@contextlib.asynccontextmanager
async def both_families(wire: Wire) -> AsyncIterator[Server]:
    async with serving(FINE, at=wire.listening()) as server, serving(FINE, at=wire.listening(FAR6)):
        yield server


async def test_an_ipv6_black_hole_hides_no_living_ipv4(wire: Wire) -> None:
    wire.rules_far(f"chain input {{ ip6 daddr {FAR6} tcp dport 80 drop; }}")
    async with names(wire, BOTH), both_families(wire):
        seen = await seen_from(wire, BY_NAME, resolvers=(FAR4,))
    assert (seen.outcome, seen.ip) == ("pass", FAR4)
    assert seen.attributes is not None
    assert seen.attributes["ipv6_failed"] == 1
    assert within(seen, 1)


async def test_an_ipv4_black_hole_hides_no_living_ipv6(wire: Wire) -> None:
    """A unique local IPv6 address comes after IPv4 (RFC 6724), so that IPv4 is tried and seen to fail."""
    wire.rules_far("chain input { tcp dport 80 ip protocol tcp drop; }")
    local_near, local_far = "fd00:1::1", "fd00:1::2"
    wire.ip_near("addr", "add", f"{local_near}/64", "dev", "wire", "nodad")
    wire.ip_far("addr", "add", f"{local_far}/64", "dev", "wire", "nodad")
    zone: dict[str, Reply] = {"app.test": records((60, "A", FAR4), (60, "AAAA", local_far))}
    async with names(wire, zone), serving(FINE, at=wire.listening(local_far)):
        seen = await seen_from(wire, BY_NAME, resolvers=(FAR4,))
    assert (seen.outcome, seen.ip) == ("pass", local_far)
    assert seen.attributes is not None
    assert seen.attributes["ipv4_failed"] == 1
    assert within(seen, 1)


@pytest.mark.parametrize("without", ["a route", "an address", "IPv6 at all"])
async def test_ipv6_only_is_our_own_network_where_there_is_no_ipv6(wire: Wire, without: str) -> None:
    if without == "a route":
        wire.ip_near("-6", "route", "flush", "dev", "wire")
    elif without == "an address":
        wire.ip_near("-6", "addr", "flush", "dev", "wire")
    else:
        wire.sysctl_near(ipv6__conf__all__disable_ipv6="1", ipv6__conf__lo__disable_ipv6="1")
    async with canaries_over(wire), names(wire, {"app.test": records((60, "AAAA", FAR6))}):
        seen = await seen_from(wire, BY_NAME, resolvers=(FAR4,))
    assert outcome(seen) == ("void", "self_network")
    assert seen.detail is not None
    assert "IPv6" in seen.detail
    assert within(seen, 1)


@pytest.mark.parametrize("has_ipv6", [True, False])
def test_check_config_warns_of_ipv6_where_there_is_none(wire: Wire, tmp_path: Path, has_ipv6: bool) -> None:
    if not has_ipv6:
        wire.ip_near("-6", "route", "flush", "dev", "wire")
    file = tmp_path / "minutebook.yaml"
    file.write_text(
        "services:\n  - name: app\n    checks:\n"
        "      - {name: an-address, http: {url: 'http://[2001:db8:1::7]/'}}\n"
        "      - {name: a-name, tcp: {host: app.test, port: 80, ip_version: only_ipv6}}\n"
        "      - {name: here, tcp: {host: '::1', port: 80}}\n"
        "      - {name: either, http: {url: 'http://app.test/'}}\n"
    )
    done = inside(wire.near, lambda: CliRunner().invoke(minutebook, ["check-config", str(file)]))
    assert done.exit_code == 0
    warned = [line for line in done.stderr.splitlines() if "IPv6" in line]
    expected = (
        []
        if has_ipv6
        else [
            f"warning: the check {name} wants IPv6, and this host has no way to it: each look will be void"
            for name in ("an-address", "a-name")
        ]
    )
    assert warned == expected


async def test_ipv6_that_ends_beyond_this_host_is_the_target_s(wire: Wire) -> None:
    """There is a route here: a router further on says that it has none."""
    wire.rules_far("chain input { tcp dport 80 reject with icmpv6 type no-route; }")
    async with canaries_over(wire), names(wire, {"app.test": records((60, "AAAA", FAR6))}):
        seen = await seen_from(wire, BY_NAME, resolvers=(FAR4,), timeout_ms=5_000)
    assert outcome(seen) == ("fail", "net_unreachable")


@pytest.mark.parametrize("dead", ["silent", "refusing"])
async def test_the_tenth_address_answers_when_nine_are_dead(wire: Wire, dead: str) -> None:
    addresses = [f"192.0.2.{number}" for number in range(101, 111)]
    for address in addresses:
        wire.ip_far("addr", "add", f"{address}/24", "dev", "wire")
    rule = "drop" if dead == "silent" else "reject with tcp reset"
    wire.rules_far(f"chain input {{ ip daddr 192.0.2.101-192.0.2.109 tcp dport 80 {rule}; }}")
    zone: dict[str, Reply] = {"app.test": records(*[(60, "A", address) for address in addresses])}
    async with names(wire, zone), serving(FINE, at=wire.listening(addresses[-1])):
        seen = await seen_from(wire, BY_NAME, resolvers=(FAR4,), timeout_ms=10_000)
    assert (seen.outcome, seen.ip) == ("pass", addresses[-1])
    assert seen.attributes is not None
    assert seen.attributes["ipv4_failed"] == 1
    assert within(seen, 10)


async def test_without_a_free_port_of_our_own_nothing_is_said_of_the_target(wire: Wire) -> None:
    wire.sysctl_near(ipv4__ip_local_port_range="50000 50001")
    async with canaries_over(wire), serving(silent, at=wire.listening(), read_request=False):
        with contextlib.ExitStack() as taken:
            for port in (50_000, 50_001):
                near = (NEAR4, port)
                held = inside(wire.near, functools.partial(socket.create_connection, (FAR4, 80), 5, near))
                taken.enter_context(held)
            seen = await seen_from(wire)
    assert outcome(seen) == ("void", "self_ports")
    assert within(seen, 1)


async def test_a_storm_of_closed_connections_is_seen_as_it_is(wire: Wire) -> None:
    """Four ports of our own in turn meet the target's TIME_WAIT: each look makes one connection and no other."""
    wire.sysctl_near(ipv4__ip_local_port_range="50000 50003")
    closes_first = says(b"HTTP/1.1 200 OK\r\n\r\nas long as the connection")
    async with canaries_over(wire), serving(closes_first, at=wire.listening()) as server:
        seen = await run_elsewhere(errand(times=30), wire.near)
        told = {each.outcome for each in seen.observations}
        assert server.connections == seen.made >= 30
    assert told == {"pass"}
