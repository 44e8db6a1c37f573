"""Rows 21 to 35 of the fault catalogue: names that cannot be looked up, asked of two name servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from itertools import cycle
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from exporters.prometheus import Exposition
from exporters.self_metrics import SelfMetrics
from monitor.clock import SystemClock
from monitor.interfaces import Observation
from monitor.prober import ProbingOptions
from monitor.probes import Io
from monitor.probes.http import HttpSettings, probe
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.faults.conftest import SLACK, within
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.probes.conftest import TICK
from tests.probes.house import House, http_check
from tests.probes.names import NameServer, Reply, code, cut, naming, records, silence, turning
from tests.probes.servers import answer, says, serving, unused_port

HERE = records((60, "A", "127.0.0.1"))
FINE = says(answer())
T_MS = 10_000  # the default deadline: a look-up's own ends come before it


@contextlib.asynccontextmanager
async def two_servers(
    first: dict[str, Reply], second: dict[str, Reply]
) -> AsyncIterator[tuple[NameServer, NameServer]]:
    async with naming(first) as one, naming(second) as other:
        yield one, other


@contextlib.asynccontextmanager
async def asking(*servers: str, allow_private: bool = True) -> AsyncIterator[tuple[Io, Resolver]]:
    clock = SystemClock()
    resolver = Resolver(servers, clock.monotonic_ns)
    try:
        yield Io(clock, resolver, Tls(), allow_private, T_MS), resolver
    finally:
        await resolver.aclose()


async def look(io: Io, host: str, port: int = 80, **settings: Any) -> Observation:
    return await probe(HttpSettings.model_validate({"url": f"http://{host}:{port}/", **settings}), TICK, io)


async def judged(url: str, *servers: str, timeout_ms: int = T_MS) -> Observation:
    """A look through the whole prober, which asks the canaries: here these are the name servers themselves."""
    errand = Errand((("http", {"url": url}),), resolvers=servers, timeout_ms=timeout_ms)
    return (await run_elsewhere(errand)).only


def outcome(seen: Observation) -> tuple[str, str | None]:
    return seen.outcome, seen.reason


async def test_a_name_that_two_servers_do_not_know_does_not_exist() -> None:
    async with two_servers({}, {}) as (one, other), asking(one.address, other.address) as (io, _):
        seen = await look(io, "nothing.test")
        assert "nothing.test" in one.asked
        assert "nothing.test" in other.asked
    assert outcome(seen) == ("fail", "dns_nxdomain")
    assert seen.detail is not None
    assert one.address in seen.detail
    assert other.address in seen.detail
    assert within(seen, 3)


async def test_a_name_that_one_server_does_not_know_and_another_does_is_up() -> None:
    async with (
        two_servers({}, {"app.test": HERE}) as (one, other),
        asking(one.address, other.address) as (io, _),
        serving(FINE) as target,
    ):
        seen = await look(io, "app.test", target.port)
    assert outcome(seen) == ("pass", None)
    assert within(seen, 3)


async def test_a_name_that_comes_to_exist_is_found_at_the_next_look() -> None:
    """How long a refusal may be kept (RFC 2308) is the name servers' matter: kept here too, it would be down longer."""

    def no_such_name(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.NXDOMAIN)
        response.authority.append(dns.rrset.from_text("test.", 300, "IN", "SOA", "ns.test. admin.test. 1 60 60 60 300"))
        return response.to_wire()

    zone: dict[str, Reply] = {"app.test": no_such_name}
    async with naming(zone) as one, asking(one.address) as (io, _), serving(FINE) as target:
        before = await look(io, "app.test", target.port)
        zone["app.test"] = HERE
        after = await look(io, "app.test", target.port)
    assert outcome(before) == ("fail", "dns_nxdomain")
    assert outcome(after) == ("pass", None)


async def test_a_name_without_an_address() -> None:
    zone: dict[str, Reply] = {"empty.test": records((60, "TXT", '"x"'))}
    async with two_servers(zone, zone) as (one, other), asking(one.address, other.address) as (io, _):
        seen = await look(io, "empty.test")
        assert "empty.test" in other.asked
    assert outcome(seen) == ("fail", "dns_nodata")
    assert within(seen, 3)


BROKEN: dict[str, Reply] = {"broken.test": code(dns.rcode.SERVFAIL)}


async def test_servfail_for_this_name_alone_is_the_target_s() -> None:
    async with two_servers(BROKEN, BROKEN) as (one, other):
        seen = await judged("http://broken.test/", one.address, other.address)
        assert "broken.test" in one.asked
        assert "broken.test" in other.asked
        assert "example.com" in one.asked
    assert outcome(seen) == ("fail", "dns_servfail")
    assert within(seen, 5)


class Everything(dict[str, Reply]):
    """A zone that has the same answer for every name."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self._reply = reply

    def get(self, name: str, default: object = None) -> Reply:
        return self._reply


async def test_servfail_for_every_name_is_our_own_resolvers() -> None:
    zone = Everything(code(dns.rcode.SERVFAIL))
    async with two_servers(zone, zone) as (one, other):
        seen = await judged("http://app.test/", one.address, other.address)
    assert outcome(seen) == ("void", "self_resolver")
    assert seen.detail is not None
    assert seen.detail.startswith("dns_servfail")
    assert within(seen, 5)


async def test_a_dead_server_is_shown_and_the_other_one_answers() -> None:
    async with (
        two_servers(Everything(silence), {"app.test": HERE}) as (dead, alive),
        asking(dead.address, alive.address) as (io, resolver),
        serving(FINE) as target,
    ):
        seen = await look(io, "app.test", target.port)
        assert outcome(seen) == ("pass", None)
        assert within(seen, 3)
        await asyncio.wait(resolver._asking)  # the question to the dead one goes on to its end
        assert resolver.up == {dead.address: False, alive.address: True}
        resolver._kept.clear()
        again = await look(io, "app.test", target.port)
    assert again.phases is not None
    assert again.phases.resolve is not None
    assert again.phases.resolve < 1_000, "the one that lives is asked first from now on"


async def test_the_metric_shows_which_server_is_dead() -> None:
    nobody = f"127.0.0.1:{unused_port()}"
    async with naming({"app.test": HERE}) as alive, serving(FINE) as target:
        options = ProbingOptions(confirm_after_ms=0, resolvers=(nobody, alive.address))
        async with House(http_check(f"http://app.test:{target.port}/"), options=options).open() as house:
            house.tick("app")
            assert (await house.results.next()).outcome == "pass"
            own = SelfMetrics("0", "3", resolver_up=house.prober.resolvers_up)
    page = "".join(Exposition().render(None, {}, own))
    assert f'minutebook_resolver_up{{resolver="{nobody}"}} 0\n' in page
    assert f'minutebook_resolver_up{{resolver="{alive.address}"}} 1\n' in page


async def test_a_server_that_nobody_is_is_shown_at_once() -> None:
    nobody = f"127.0.0.1:{unused_port()}"
    async with (
        naming({"app.test": HERE}) as alive,
        asking(nobody, alive.address) as (io, resolver),
        serving(FINE) as target,
    ):
        seen = await look(io, "app.test", target.port)
        assert resolver.up == {nobody: False, alive.address: True}
    assert outcome(seen) == ("pass", None)
    assert within(seen, 3)


async def test_servers_that_are_all_silent_are_our_own_trouble_and_others_go_on() -> None:
    """The deadline of a look-up, not that of the look, ends it; a target by address does not notice."""
    zone = Everything(silence)
    async with two_servers(zone, zone) as (one, other), serving(FINE) as target:
        checks = (("http", {"url": "http://app.test/"}), ("http", {"url": target.url}))
        seen = await run_elsewhere(Errand(checks, resolvers=(one.address, other.address)))
    by_name, by_address = seen.observations
    assert outcome(by_name) == ("void", "self_resolver")
    assert by_name.duration_ms > 4_000
    assert by_name.duration_ms < T_MS - 1_000
    assert outcome(by_address) == ("pass", None)
    assert within(by_address, 0.1)


async def test_a_name_whose_own_servers_are_silent_delays_no_other() -> None:
    zone: dict[str, Reply] = {"silent.test": silence, **{f"name-{number}.test": HERE for number in range(200)}}
    async with two_servers(zone, zone) as (one, other), asking(one.address, other.address) as (_, resolver):
        hanging = [asyncio.create_task(resolver.look_up("silent.test")) for _ in range(50)]
        await asyncio.sleep(0)
        spent = []
        for number in range(200):
            began = SystemClock().monotonic_ns()
            await resolver.look_up(f"name-{number}.test")
            spent.append(SystemClock().monotonic_ns() - began)
        assert not any(task.done() for task in hanging)
        assert resolver.up[one.address]
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert sorted(spent)[197] <= 50_000_000 * SLACK  # the 99th percentile: 50 ms


async def test_a_name_whose_own_servers_are_silent_is_the_target_s() -> None:
    zone: dict[str, Reply] = {"silent.test": silence}
    async with two_servers(zone, zone) as (one, other):
        seen = await judged("http://silent.test/", one.address, other.address)
        assert "example.com" in one.asked
    assert outcome(seen) == ("fail", "dns_timeout")
    assert seen.duration_ms < T_MS - 1_000, "a look-up has its own end within 5 s"


async def test_a_slow_answer_is_taken_and_its_time_is_the_look_up_s() -> None:
    """Also from servers that were quick before: what they took on average is no bound."""
    zone: dict[str, Reply] = {"app.test": HERE, **{f"quick-{number}.test": HERE for number in range(20)}}
    async with (
        two_servers(zone, zone) as (one, other),
        asking(one.address, other.address) as (io, _),
        serving(FINE) as target,
    ):
        for number in range(20):
            await io.resolver.look_up(f"quick-{number}.test")
        one.pause = other.pause = 4.0
        seen = await look(io, "app.test", target.port)
    assert outcome(seen) == ("pass", None)
    assert seen.phases is not None
    assert seen.phases.resolve is not None
    assert seen.phases.resolve >= 3_990
    assert within(seen, T_MS / 1000)


async def test_a_rotating_name_with_a_dead_member_is_up_at_the_living_address() -> None:
    rotating = turning(cycle([("127.0.0.1", "127.0.0.9"), ("127.0.0.9", "127.0.0.1")]))
    async with naming({"app.test": rotating}) as one, asking(one.address) as (io, _), serving(FINE) as target:
        seen = [await look(io, "app.test", target.port) for _ in range(4)]
    assert [(each.outcome, each.ip) for each in seen] == [("pass", "127.0.0.1")] * 4


async def test_an_address_that_changes_each_time_is_followed_each_time() -> None:
    port = unused_port()
    addresses = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(naming({}))
        io, _ = await stack.enter_async_context(asking(server.address))
        for address in addresses:
            listening = await asyncio.start_server(hold(FINE), address, port)
            stack.push_async_callback(closed, listening)
        seen = []
        for address in addresses:
            server.zone["app.test"] = records((0, "A", address))
            seen.append(await look(io, "app.test", port))
    assert [(each.outcome, each.ip) for each in seen] == [("pass", address) for address in addresses]


def hold(talk: Any) -> Any:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await talk(reader, writer)
        writer.close()

    return converse


async def closed(listening: asyncio.Server) -> None:
    listening.close()
    await asyncio.sleep(0)


def circle(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query)
    name = query.question[0].name.to_text()
    response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "other.test."))
    response.answer.append(dns.rrset.from_text("other.test.", 60, "IN", "CNAME", name))
    return response.to_wire()


def chain(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query)
    name = query.question[0].name.to_text()
    for number in range(17):
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", f"c{number}.test."))
        name = f"c{number}.test."
    if query.question[0].rdtype == dns.rdatatype.A:
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "127.0.0.1"))
    return response.to_wire()


async def bad(reply: Reply) -> Observation:
    zone: dict[str, Reply] = {"app.test": reply}
    async with two_servers(zone, zone) as (one, other), asking(one.address, other.address) as (io, _):
        return await look(io, "app.test")


async def test_an_answer_that_is_cut_and_not_to_be_had_over_tcp() -> None:
    seen = await bad(cut)
    assert outcome(seen) == ("fail", "dns_bad")
    assert within(seen, 5)


@pytest.mark.parametrize("reply", [circle, chain], ids=["a circle", "seventeen in a row"])
async def test_a_chain_of_names_that_does_not_end(reply: Reply) -> None:
    seen = await bad(reply)
    assert outcome(seen) == ("fail", "dns_bad")
    assert within(seen, 5)


def good(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "127.0.0.1"))
    return response


def with_wrong_id(query: dns.message.Message) -> bytes:
    response = good(query)
    response.id = (response.id + 1) & 0xFFFF
    return response.to_wire()


def for_another_question(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("evil.test", "A", id=query.id)
    return good(other).to_wire()


def garbage(query: dns.message.Message) -> bytes:
    return b"\xff" * 600


def ends_too_early(query: dns.message.Message) -> bytes:
    return good(query).to_wire()[:-3]


def points_at_itself(query: dns.message.Message) -> bytes:
    wire = bytearray(dns.message.make_response(query).to_wire())
    wire[6:8] = b"\0\1"  # one answer, whose name is a pointer to itself
    wire += struct.pack("!HHHIH", 0xC000 | len(wire), 1, 1, 60, 4) + b"\x7f\0\0\1"
    return bytes(wire)


def of_64_kilobytes(query: dns.message.Message) -> bytes:
    return good(query).to_wire() + b"\0" * 60_000


UNREADABLE = [with_wrong_id, for_another_question, garbage, ends_too_early, points_at_itself]


@pytest.mark.parametrize("reply", UNREADABLE, ids=[reply.__name__ for reply in UNREADABLE])
async def test_what_is_no_answer_is_ignored(reply: Reply) -> None:
    """The right answer that comes after it counts."""
    zone: dict[str, Reply] = {"app.test": HERE}

    def first_a_wrong_one(query: dns.message.Message) -> bytes:
        zone["app.test"] = HERE
        return reply(query) or b""

    async with naming(zone) as one, asking(one.address) as (io, _), serving(FINE) as target:
        zone["app.test"] = first_a_wrong_one
        seen = await look(io, "app.test", target.port)
    assert outcome(seen) == ("pass", None)


async def test_only_answers_that_are_none_are_a_timeout() -> None:
    """All kinds at once, each asked of two servers that say nothing else."""

    all_seen = await asyncio.gather(*[bad(reply) for reply in UNREADABLE])
    assert {outcome(seen) for seen in all_seen} == {("fail", "dns_timeout")}
    assert all(seen.duration_ms < T_MS - 1_000 for seen in all_seen)


async def test_a_huge_answer_is_taken_or_ignored_without_an_exception() -> None:
    zone: dict[str, Reply] = {"app.test": of_64_kilobytes}
    async with naming(zone) as one, asking(one.address) as (io, _):
        seen = await look(Io(io.clock, io.resolver, io.tls, True, 300), "app.test", unused_port())
    assert seen.reason in {"tcp_refused", "dns_timeout"}
