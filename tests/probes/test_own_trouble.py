"""Our own troubles, and others in the target's place: void with the reason, and never a fail; nor an excuse for one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import dns.rcode
import pytest

from monitor.interfaces import Tick
from monitor.prober import Canary, ProbingOptions
from monitor.probes import ProbedCheck
from monitor.probes.http import HttpSettings
from tests.probes.house import (
    BROKEN,
    ELSEWHERE,
    FINE,
    Held,
    House,
    dns_canary,
    http_check,
    no_descriptors,
    seen_of_a_silent_name,
)
from tests.probes.names import code, naming, records, silence
from tests.probes.servers import answer, says, serving, silent


async def test_a_machine_that_slept_during_a_look_makes_it_void() -> None:
    held = Held(answer(b"503 Unavailable"))
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        await held.asked.wait()
        house.clock.sleep(300_000)
        held.go.set()
        result = await house.results.next()
    assert (result.outcome, result.reason) == ("void", "self_suspended")
    assert house.events == ["suspended"]


async def test_a_late_loop_makes_durations_unreliable_and_says_so() -> None:
    held = Held(answer())
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        await held.asked.wait()
        house.clock.advance(200)
        held.go.set()
        result = await house.results.next()
    assert result.outcome == "pass"
    assert result.detail is not None
    assert result.detail.startswith("durations unreliable: the loop was ")


async def test_a_timeout_for_half_of_which_the_loop_was_late_is_void() -> None:
    asked = asyncio.Event()

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await silent(reader, writer)

    async with serving(listens) as server, House(http_check(server.url, timeout_ms=1_500)).open() as house:
        house.tick("app")
        await asked.wait()
        for _ in range(9):
            house.clock.advance(150)  # none is a stall of its own
            house.prober._watch.look()
        result = await house.results.next()
    assert result.outcome == "void"
    if result.reason != "self_loop":  # this machine stalled on its own account
        assert (result.reason, (result.detail or "").partition(" for ")[0]) == (
            "self_overload",
            "http_timeout_headers; the loop was late",
        )


async def test_a_look_that_waited_through_a_suspension_says_so() -> None:
    async with serving(FINE) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        assert (await house.results.next()).outcome == "pass"
        tick = Tick("app", 8, house.clock.now())
        house.clock.advance(300_000)
        house.prober.take(tick)
        result = await house.results.next()
    assert (result.outcome, result.reason) == ("void", "self_suspended")


@contextlib.asynccontextmanager
async def with_anchor(anchor: bytes, check: ProbedCheck) -> AsyncIterator[House]:
    """Two name servers that answer, and an anchor that is known by the word IANA and says this."""
    async with naming({}) as names, serving(says(anchor)) as server:
        known = HttpSettings.model_validate({"url": server.url, "expect": {"body_matches": "IANA"}})
        canaries = (dns_canary(names.address), dns_canary(names.address), Canary("http", known))
        options = ProbingOptions(confirm_after_ms=0, resolvers=(names.address,), canaries=canaries)
        async with House(check, options=options).open() as house:
            await house.prober._canaries.settle(house.clock.monotonic_ns())
            yield house


@pytest.fixture
def everything_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers on loopback stand for those of a network: canaries are asked about them."""
    monkeypatch.setattr("monitor.prober.review.is_local", lambda address: False)


PORTAL = answer(b"200 OK", b"log in here")


@pytest.mark.usefixtures("everything_is_elsewhere")
@pytest.mark.parametrize(
    "reply", [answer(b"503 Unavailable"), PORTAL, answer(b"302 Found", b"", b"Location: http://login.test/")]
)
async def test_who_answers_for_a_canary_may_answer_for_the_target(reply: bytes) -> None:
    async with serving(says(reply)) as server, with_anchor(PORTAL, http_check(server.url)) as house:
        house.tick("app")
        result = await house.results.next()
    assert (result.outcome, result.reason) == ("void", "self_network")


@pytest.mark.usefixtures("everything_is_elsewhere")
async def test_a_known_body_is_the_targets_own_whoever_answers_for_canaries() -> None:
    async with serving(FINE) as server:
        settings = HttpSettings.model_validate({"url": server.url, "expect": {"body_matches": "^fine$"}})
        async with with_anchor(PORTAL, http_check(server.url)._replace(settings=settings)) as house:
            house.tick("app")
            assert (await house.results.next()).outcome == "pass"


@pytest.mark.usefixtures("everything_is_elsewhere")
@pytest.mark.parametrize("anchor", [answer(b"503 Unavailable"), answer(b"200 OK", b"IANA")])
async def test_an_anchor_in_trouble_of_its_own_hides_no_outage(anchor: bytes) -> None:
    async with serving(BROKEN) as server, with_anchor(anchor, http_check(server.url)) as house:
        house.tick("app")
        result = await house.results.next()
    assert (result.outcome, result.reason) == ("fail", "http_status")


async def test_dead_name_servers_are_ours_though_the_canaries_sing() -> None:
    """The canaries have servers of their own: 1 of 3 failing is no loss of the network, and yet no name is known."""
    async with naming({"nobody.test": silence, "example.com": silence}) as dead, naming({}) as alive:
        canaries = (dns_canary(alive.address),) * 3
        result = await seen_of_a_silent_name(*canaries, resolver=dead.address)
    assert (result.outcome, result.reason) == ("void", "self_resolver")
    assert result.detail == "dns_timeout; our name servers answer for no other name either"


async def test_name_servers_that_answer_for_another_check_are_no_excuse() -> None:
    """Servers of a closed network know nothing of example.com."""
    zone = {
        "nobody.test": silence,
        "example.com": code(dns.rcode.SERVFAIL),
        "known.test": records((0, "A", "127.0.0.1")),
    }
    async with naming(zone) as closed, naming({}) as alive, serving(FINE) as server:
        known = http_check(f"http://known.test:{server.port}/", "known")
        options = ProbingOptions(
            confirm_after_ms=0, resolvers=(closed.address,), canaries=(dns_canary(alive.address),) * 3
        )
        async with House(known, http_check(ELSEWHERE, timeout_ms=300), options=options).open() as house:
            house.tick("known")
            assert (await house.results.next()).outcome == "pass"
            house.tick("app")
            result = await house.results.next()
    assert (result.outcome, result.reason) == ("fail", "dns_timeout")


async def test_a_thousand_checks_of_one_host_are_all_looked_at_so_many_at_once() -> None:
    """Two hundred of them look at the very same URL."""
    open_now, most = 0, 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await FINE(reader, writer)
        open_now -= 1

    async with serving(counting) as server:
        urls = [f"{server.url}/{max(0, number - 200)}" for number in range(1_000)]
        checks = [http_check(url, f"check-{place}", interval_ms=600_000) for place, url in enumerate(urls)]
        async with House(*checks).open() as house:
            for check in checks:
                house.tick(check.name)
            seen = [await house.results.next() for _ in checks]
    assert {result.check for result in seen} == {check.name for check in checks}
    assert {result.outcome for result in seen} <= {"pass", "void"}  # a busy machine may stall
    assert len([result for result in seen if result.outcome == "pass"]) == 1_000
    assert most <= 32


async def test_no_check_starves_behind_others_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for one look at a time, and every check's next slot comes before its turn: each still has its turn."""
    monkeypatch.setattr("monitor.prober.prober.most_at_once", lambda: 1)
    names = [f"check-{number}" for number in range(5)]
    async with serving(FINE) as server:
        house = House(*(http_check(server.url, name) for name in names))
        for name in names:
            house.tick(name)
        async with house.open():
            for _ in range(3):  # slots come faster than looks end
                for name in names:
                    house.tick(name)
            seen = [await house.results.next() for _ in range(4 * len(names))]
    assert {result.check for result in seen if result.outcome == "pass"} == set(names)
    voids = [result for result in seen if result.outcome == "void"]
    assert {result.reason for result in voids} == {"self_overload"}
    assert all(result.detail is not None and result.detail.startswith("waited ") for result in voids)


async def test_what_a_target_really_said_stands_though_we_are_short_of_descriptors() -> None:
    """The look had its socket, and the answer is the target's."""
    held = Held(answer(b"503 Unavailable"))
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        await held.asked.wait()
        with no_descriptors():
            held.go.set()
            result = await house.results.next()
    assert (result.outcome, result.reason) in {("fail", "http_status"), ("void", "self_loop")}


async def test_a_full_descriptor_table_ends_no_prober() -> None:
    """What is asked about a failed look opens sockets too."""
    options = ProbingOptions(confirm_after_ms=0, resolvers=("127.0.0.1:9",))
    async with House(http_check(ELSEWHERE, timeout_ms=200), options=options).open() as house:
        with no_descriptors():
            house.tick("app")
            result = await house.results.next()
    assert (result.outcome, result.reason) == ("void", "self_fd")
