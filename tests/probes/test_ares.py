"""c-ares driven by its sockets: what it may read, and what it leaves behind."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NoReturn

import aiodns
import dns.message
import pytest

from monitor.clock import SystemClock
from monitor.probes import ares, upstream
from monitor.probes.judge import ProbeError
from monitor.probes.resolver import Resolver
from monitor.probes.said import ADDRESSES_TAKEN
from tests.probes import large_answers
from tests.probes.names import NameServer, Reply, cutting, records, silence

HERE = records((0, "A", "127.0.0.1"))


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    async with cutting({"cut.test": HERE}) as naming_server:
        naming_server.zone |= {f"name-{number}.test": HERE for number in range(20)}
        yield naming_server


@pytest.fixture
async def resolver(server: NameServer) -> AsyncIterator[Resolver]:
    asking = Resolver((server.address,), SystemClock().monotonic_ns)
    yield asking
    await asking.aclose()


@pytest.mark.parametrize("option", [ares._SO_ATTACH_FILTER, 9_999], ids=["filtered", "where the kernel has no filter"])
async def test_a_long_datagram_is_not_read_and_the_answer_that_comes_after_it_counts(
    option: int, server: NameServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ares, "_SO_ATTACH_FILTER", option)

    def first_a_long_one(query: dns.message.Message) -> bytes:
        server.zone["app.test"] = HERE
        return large_answers.addresses(ares.DATAGRAM_BYTES + 100)(query)

    server.zone["app.test"] = first_a_long_one
    assert (await resolver.look_up("app.test")).addresses == ("127.0.0.1",)
    assert server.asked.count("app.test") > 2


async def test_a_datagram_of_the_longest_size_is_read_and_each_family_has_its_half(
    server: NameServer, resolver: Resolver
) -> None:
    server.zone["app.test"] = large_answers.addresses(ares.DATAGRAM_BYTES)
    found = (await resolver.look_up("app.test")).addresses
    assert sum(":" in address for address in found) == len(found) / 2 == ADDRESSES_TAKEN / 2
    assert server.asked_over_tcp == []


async def test_an_answer_that_is_cut_keeps_no_other_name_from_its_own(server: NameServer, resolver: Resolver) -> None:
    names = [f"name-{number}.test" for number in range(20)]
    found = await asyncio.gather(*[resolver.look_up(name) for name in (*names, "cut.test")])
    assert {answer.addresses for answer in found} == {("127.0.0.1",)}


async def test_a_question_that_is_lost_is_sent_again_and_again(
    server: NameServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "FIRST_S", 0.02)
    monkeypatch.setattr(upstream, "RESENT_S", 0.02)
    server.zone["app.test"] = lambda query: HERE(query) if server.asked.count("app.test") > 4 else None
    assert (await resolver.look_up("app.test")).addresses == ("127.0.0.1",)
    assert server.asked.count("app.test") == 6


async def turns(until: Callable[[], bool]) -> None:
    """Lets the loop turn until this is so, a thousand times at most."""
    for _ in range(1_000):
        if until():
            break
        await asyncio.sleep(0)


def threads() -> int:
    found = re.search(r"^Threads:\s+(\d+)$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1])


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_nothing_is_left_of_look_ups_but_one_channel(server: NameServer, resolver: Resolver) -> None:
    """c-ares's own way of waiting takes a thread and four descriptors for each channel."""
    replies: list[Reply] = [HERE, records(), lambda query: b"\xff" * 600]
    await resolver.look_up("name-0.test")
    before = descriptors(), threads()
    for number in range(20):
        server.zone["app.test"] = replies[number % len(replies)]
        for name in ("app.test", "cut.test", "nothing.test"):
            asking = asyncio.create_task(resolver.look_up(name))
            await asyncio.wait([asking], timeout=0.05)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    await resolver.aclose()
    await turns(lambda: descriptors() == before[0])  # the server's ends are closed too
    assert (descriptors(), threads()) == before


async def test_a_question_under_way_ends_with_its_channel(server: NameServer, resolver: Resolver) -> None:
    server.zone["silent.test"] = silence
    asking = asyncio.create_task(resolver.look_up("silent.test"))
    await turns(lambda: "silent.test" in server.asked)
    await resolver.aclose()
    with pytest.raises(ProbeError) as ended:
        await asking
    assert ended.value.verdict.reason == "self_resolver"


async def test_an_ipv6_server_of_the_system_is_spelled_as_an_address() -> None:
    resolver = Resolver((), SystemClock().monotonic_ns)
    resolver._system = aiodns.DNSResolver(nameservers=["2001:db8::1", "192.0.2.1"])
    assert resolver.servers == ("2001:db8::1", "192.0.2.1")
    await resolver.aclose()


async def test_a_loop_that_cannot_wait_for_a_socket_is_our_own_shortage(
    server: NameServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(*_: object) -> NoReturn:
        raise OSError(errno.ENOMEM, "no memory")

    server.zone["app.test"] = HERE
    monkeypatch.setattr(aiodns.DNSResolver, "_sock_state_cb", without_memory)
    with pytest.raises(ProbeError) as failed:
        await resolver.look_up("app.test")
    assert (failed.value.verdict.outcome, failed.value.verdict.reason) == ("void", "self_memory")
    [asked] = resolver.upstreams
    assert not await asked.answers("app.test", 5)
