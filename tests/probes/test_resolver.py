"""Names: every failure told apart, answers kept for their TTL and no longer (design/faults.md rows 21 to 35)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

import aiodns
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from monitor.clock import SystemClock
from monitor.interfaces import Observation
from monitor.probes import Io
from monitor.probes.http import HttpSettings, probe
from monitor.probes.judge import ProbeError
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.probes.clocks import FakeClock
from tests.probes.conftest import TICK
from tests.probes.names import NameServer, Reply, code, naming, records, silence
from tests.probes.servers import answer, says, serving

HERE = (60, "A", "127.0.0.1")
ZONE: dict[str, Reply] = {
    "app.test": records(HERE),
    "both.test": records(HERE, (30, "AAAA", "::1")),
    "fresh.test": records((0, "A", "127.0.0.1")),
    "empty.test": records((60, "TXT", '"x"')),
    "broken.test": code(dns.rcode.SERVFAIL),
    "refused.test": code(dns.rcode.REFUSED),
    "silent.test": silence,
    "private.test": records((60, "A", "10.0.0.1"), (60, "A", "169.254.169.254")),
}


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    async with naming(dict(ZONE)) as naming_server:
        yield naming_server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def resolver(server: NameServer, clock: FakeClock) -> AsyncIterator[Resolver]:
    asking = Resolver((server.address,), clock.monotonic_ns)
    yield asking
    await asking.aclose()


async def test_without_memory_to_ask_no_server_has_answered_and_nothing_ends(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canaries ask in the prober's own task: what is raised there would end every look."""

    def starved(*_: object) -> NoReturn:
        raise MemoryError

    [upstream] = resolver.upstreams
    assert await upstream.answers("app.test", 5)
    monkeypatch.setattr(aiodns.DNSResolver, "query_dns", starved)
    assert not await upstream.answers("app.test", 5)


async def test_a_name_has_its_addresses(resolver: Resolver) -> None:
    assert (await resolver.look_up("app.test")).addresses == ("127.0.0.1",)
    assert set((await resolver.look_up("both.test")).addresses) == {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing.test", "dns_nxdomain"),
        ("empty.test", "dns_nodata"),
        ("broken.test", "dns_servfail"),
        ("refused.test", "dns_servfail"),
        ("a..b", "dns_bad"),
    ],
)
async def test_failures_are_told_apart(resolver: Resolver, name: str, reason: str) -> None:
    with pytest.raises(ProbeError) as failed:
        await resolver.look_up(name)
    assert (failed.value.verdict.outcome, failed.value.verdict.reason) == ("fail", reason)


async def test_a_look_up_that_our_own_reload_ends_is_void(resolver: Resolver) -> None:
    asking = asyncio.create_task(resolver.look_up("silent.test"))
    await asyncio.sleep(0)
    await resolver.aclose()
    with pytest.raises(ProbeError) as failed:
        await asking
    assert (failed.value.verdict.outcome, failed.value.verdict.reason) == ("void", "self_resolver")


async def test_an_answer_is_kept_for_its_ttl(resolver: Resolver, server: NameServer, clock: FakeClock) -> None:
    await resolver.look_up("app.test")
    asked = len(server.asked)
    clock.advance(59_999)
    assert (await resolver.look_up("app.test")).addresses == ("127.0.0.1",)
    assert len(server.asked) == asked
    clock.advance(1)
    assert resolver.kept("app.test") is None


async def test_an_answer_without_ttl_is_asked_for_each_time(resolver: Resolver, server: NameServer) -> None:
    await resolver.look_up("fresh.test")
    server.zone["fresh.test"] = records((0, "A", "127.0.0.2"))
    assert (await resolver.look_up("fresh.test")).addresses == ("127.0.0.2",)


async def test_a_second_server_is_asked_when_the_first_is_dead(server: NameServer, clock: FakeClock) -> None:
    async with naming({"app.test": silence}) as dead:
        asking = Resolver((dead.address, server.address), clock.monotonic_ns)
        try:
            assert (await asking.look_up("app.test")).addresses == ("127.0.0.1",)
        finally:
            await asking.aclose()


async def test_the_hosts_file_is_read(clock: FakeClock) -> None:
    asking = Resolver(("127.0.0.1:9",), clock.monotonic_ns)
    try:
        assert "127.0.0.1" in (await asking.look_up("localhost")).addresses
    finally:
        await asking.aclose()


async def look(url: str, resolver: Resolver, *, allow_private: bool = True) -> Observation:
    io = Io(SystemClock(), resolver, Tls(), allow_private, timeout_ms=400)
    return await probe(HttpSettings(url=url), TICK, io)


async def test_a_look_up_is_a_phase_of_its_own(resolver: Resolver) -> None:
    async with serving(says(answer())) as target:
        seen = await look(f"http://app.test:{target.port}/", resolver)
    assert (seen.outcome, seen.ip) == ("pass", "127.0.0.1")
    assert seen.phases is not None
    assert seen.phases.resolve is not None
    assert f"Host: app.test:{target.port}".encode() in target.requests[0]


async def test_a_silent_name_server_is_a_timeout_of_the_look_up(resolver: Resolver) -> None:
    seen = await look("http://silent.test/", resolver)
    assert (seen.outcome, seen.reason) == ("fail", "dns_timeout")
    assert seen.phases is not None
    assert seen.phases.resolve is not None


async def test_a_denied_address_is_our_own_configuration_and_nothing_is_sent(resolver: Resolver) -> None:
    seen = await look("http://private.test/", resolver, allow_private=False)
    assert (seen.outcome, seen.reason, seen.detail) == ("void", "self_config", "address_denied")
    async with serving(says(answer())) as target:
        literal = await look(target.url, resolver, allow_private=False)
        assert target.connections == 0
    assert literal.reason == "self_config"


async def test_only_the_vetted_address_is_connected_to(resolver: Resolver, server: NameServer) -> None:
    """Rebinding: the name's next answer is loopback, and nobody asks for it."""
    server.zone["turn.test"] = records((0, "A", "127.0.0.1"), (0, "A", "10.9.9.9"))
    async with serving(says(answer())) as target:
        seen = await look(f"http://turn.test:{target.port}/", resolver, allow_private=False)
        assert target.connections == 0
    assert seen.reason == "self_config"


async def test_a_lost_answer_of_one_family_is_no_proof_that_the_name_has_no_address() -> None:
    """c-ares says NODATA where the other family has no record, whatever became of this one."""
    without_aaaa, asked = records(), []

    def loses_a(query: dns.message.Message) -> bytes | None:
        asked.append(query.question[0].rdtype)
        return None if query.question[0].rdtype == dns.rdatatype.A else without_aaaa(query)

    async with naming({"half.test": loses_a}) as server:
        resolver = Resolver((server.address,), SystemClock().monotonic_ns)
        with pytest.raises(ProbeError) as caught:
            await resolver.look_up("half.test")
        await resolver.aclose()
    assert caught.value.verdict.reason == "dns_timeout"
    assert dns.rdatatype.AAAA in asked


async def test_a_failure_of_one_family_is_no_proof_either() -> None:
    without_aaaa, refuses = records(), code(dns.rcode.SERVFAIL)

    def fails_a(query: dns.message.Message) -> bytes | None:
        return refuses(query) if query.question[0].rdtype == dns.rdatatype.A else without_aaaa(query)

    async with naming({"half.test": fails_a}) as server:
        resolver = Resolver((server.address,), SystemClock().monotonic_ns)
        with pytest.raises(ProbeError) as caught:
            await resolver.look_up("half.test")
        await resolver.aclose()
    assert caught.value.verdict.reason == "dns_servfail"
