"""The prober over real servers: what is recorded of a look, of our own troubles, and of a stop."""

from __future__ import annotations

import asyncio
import errno
import gc
from dataclasses import replace

import dns.rcode
import pytest

from monitor.interfaces import Observation
from monitor.prober import Canary, ProbingOptions, probe_once
from monitor.probes import Missed
from monitor.probes.http import HttpSettings
from monitor.probes.tcp import TcpSettings
from tests.probes.clocks import JumpClock
from tests.probes.house import (
    BROKEN,
    FINE,
    Held,
    House,
    Turning,
    dns_canary,
    http_check,
    no_descriptors,
    seen_of_a_silent_name,
)
from tests.probes.names import code, naming, records, silence
from tests.probes.servers import answer, says, serving, silent, unused_port


async def test_a_look_is_recorded_with_all_that_it_saw() -> None:
    async with serving(FINE) as server, House(http_check(server.url)).open() as house:
        tick = house.tick("app")
        result = await house.results.next()
    assert (result.check, result.vantage, result.outcome, result.confirm) == ("app", "local", "pass", False)
    assert (result.scheduled_at, result.hold_ms, result.status, result.ip) == (
        tick.scheduled_at,
        30_000,
        200,
        "127.0.0.1",
    )
    assert result.at >= tick.scheduled_at
    assert result.duration_ms is not None
    assert result.phases_ms is not None
    assert result.phases_ms.processing is not None
    assert house.prober.newest["app"].attributes is not None


async def test_a_result_that_contradicts_the_state_is_looked_at_again() -> None:
    talk = Turning(BROKEN)
    async with serving(talk) as server:
        options = ProbingOptions(confirm_after_ms=10)
        async with House(http_check(server.url), options=options).open() as house:
            house.tick("app")
            scheduled, confirming = await house.results.next(), await house.results.next()
            assert (scheduled.confirm, confirming.confirm) == (False, True)
            assert (confirming.outcome, confirming.hold_ms, confirming.scheduled_at) == ("fail", None, None)
            assert confirming.at >= scheduled.at + 10
            house.tick("app")
            assert not (await house.results.next()).confirm
            talk.now = FINE
            house.tick("app")
            assert (await house.results.next()).outcome == "pass"
            house.tick("app")
            assert not (await house.results.next()).confirm
    assert len(house.results.all) == 5


async def test_no_extra_look_where_the_next_one_comes_as_soon() -> None:
    async with serving(BROKEN) as server:
        check = http_check(server.url, interval_ms=2_000)
        async with House(check, options=ProbingOptions(confirm_after_ms=2_000)).open() as house:
            house.tick("app")
            await house.results.next()
            assert house.prober._plans["app"].confirm is None


async def test_a_fail_during_a_stall_is_void_and_looked_at_once_more() -> None:
    held = Held(answer(b"503 Unavailable"))
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        await held.asked.wait()
        house.clock.advance(3_000)
        held.go.set()
        void, again = await house.results.next(), await house.results.next()
    assert (void.outcome, void.reason, void.confirm) == ("void", "self_loop", False)
    assert (again.outcome, again.reason, again.scheduled_at) == ("fail", "http_status", void.scheduled_at)
    assert server.connections == 2


async def test_a_pass_during_a_stall_stays_a_pass() -> None:
    held = Held(answer())
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        await held.asked.wait()
        house.clock.advance(3_000)
        held.go.set()
        assert (await house.results.next()).outcome == "pass"


@pytest.mark.parametrize("reply", [answer(), answer(b"503 Unavailable")])
async def test_a_look_that_a_suspension_overlapped_is_void(reply: bytes) -> None:
    held = Held(reply)
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        await held.asked.wait()
        house.clock.advance(300_000)
        held.go.set()
        result = await house.results.next()
    assert (result.outcome, result.reason) == ("void", "self_suspended")
    assert house.events == ["suspended"]


@pytest.mark.parametrize("step", [-3_600_000, 3_600_000])
async def test_a_look_that_a_stepped_clock_overlapped_is_void(step: int) -> None:
    held = Held(answer())
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        tick = house.tick("app")
        await held.asked.wait()
        house.clock.step(step)
        held.go.set()
        result = await house.results.next()
    assert (result.outcome, result.reason, result.scheduled_at) == ("void", "self_clock", tick.scheduled_at)
    assert result.duration_ms is not None
    assert 0 <= result.duration_ms < 5_000
    assert house.events == ["clock_stepped"]


async def test_a_stop_leaves_a_void_for_each_look_under_way() -> None:
    held = Held(answer())
    async with serving(held) as server:
        async with House(http_check(server.url), http_check(server.url, "other")).open() as house:
            house.tick("app")
            await held.asked.wait()
        assert [(result.outcome, result.reason) for result in house.results.all] == [("void", "self_stop")]


async def test_a_look_that_starts_over_an_interval_late_is_void_and_not_made() -> None:
    async with serving(FINE) as server, House(http_check(server.url)).open() as house:
        house.tick("app", late_ms=10_001)
        result = await house.results.next()
        assert (result.outcome, result.reason) == ("void", "self_overload")
        assert server.connections == 0
        house.tick("app", late_ms=9_000)
        assert (await house.results.next()).outcome == "pass"
        assert house.prober.probe_lag_ms >= 9_000


async def test_missed_slots_are_one_void_up_to_the_next_slot() -> None:
    async with House(http_check("http://127.0.0.1:9/")).open() as house:
        now = house.clock.now()
        house.prober.missed(Missed("app", now - 60_000, now + 5_000, 6, since_start=True))
        house.prober.missed(Missed("gone", now - 60_000, now + 5_000, 6, since_start=True))
        house.clock.advance(40_000)
        house.prober.missed(Missed("app", now + 5_000, now + 45_000, 4, since_start=False))
        down, slept = house.results.all
    assert (down.outcome, down.reason, down.at, down.hold_ms) == ("void", "self_down", now - 60_000, 65_000)
    assert (slept.outcome, slept.reason, slept.scheduled_at) == ("void", "self_suspended", now + 5_000)
    assert house.prober.voids() == {"app": (now - 60_000, "self_suspended")}


async def test_a_void_spell_ends_with_the_next_look_that_says_something() -> None:
    async with serving(FINE) as server, House(http_check(server.url)).open() as house:
        house.prober.missed(Missed("app", house.clock.now() - 60_000, house.clock.now(), 6, since_start=True))
        assert (await house.results.next()).outcome == "void"
        assert "app" in house.prober.voids()
        house.tick("app")
        assert (await house.results.next()).outcome == "pass"
        assert house.prober.voids() == {}


async def test_a_check_that_nobody_looks_at_is_missed_from_the_end_of_its_hold_on() -> None:
    check = http_check("http://127.0.0.1:9/", hold_ms=30_000)
    house = House(check)
    began = house.clock.now()
    assert house.prober.voids() == {}
    house.clock.advance(31_000)
    [spell] = house.prober.voids().values()
    assert spell.reason == "missed"
    assert abs(spell.since - (began + 30_000)) < 5_000
    house.clock.advance(300_000)
    assert house.prober.voids() == {"app": spell}


async def test_a_look_that_passed_is_known_until_its_hold_is_over() -> None:
    async with serving(FINE) as server, House(http_check(server.url)).open() as house:
        house.tick("app")
        result = await house.results.next()
        assert house.prober.voids() == {}
        house.clock.advance(30_001)
        assert house.prober.voids() == {"app": (result.at + 30_000, "missed")}


async def test_a_shortage_of_our_own_is_void() -> None:
    gc.collect()  # what earlier tests left would give descriptors back while there must be none
    quiet = Canary("http", HttpSettings(url=f"http://127.0.0.1:{unused_port()}/"))
    options = ProbingOptions(canaries=(quiet,))
    async with serving(FINE) as server, House(http_check(server.url), options=options).open() as house:
        house.tick("app")
        assert (await house.results.next()).outcome == "pass"
        with no_descriptors():
            house.tick("app")
            result = await house.results.next()
        assert (result.outcome, result.reason) == ("void", "self_fd")
        assert (result.detail or "").startswith(errno.errorcode[errno.EMFILE])  # a loaded machine adds how late it was
        house.tick("app")
        assert (await house.results.next()).outcome == "pass"


async def test_a_reload_keeps_the_run_of_an_unchanged_check_and_ends_looks_as_they_began() -> None:
    held = Held(answer(b"503 Unavailable"))
    async with serving(held) as server:
        check, gone = http_check(server.url, fall=3), http_check(server.url, "gone")
        options = ProbingOptions(confirm_after_ms=0)
        async with House(check, gone, options=options).open() as house:
            house.tick("app")
            house.tick("gone")
            await held.asked.wait()
            await house.prober.reload([check], replace(options, location="paris"))
            held.go.set()
            ended = {(await house.results.next()).check, (await house.results.next()).check}
            assert ended == {"app", "gone"}
            assert house.prober._plans["app"].runs.against == 1
            assert "gone" not in house.prober.newest
            house.tick("gone")
            house.tick("app")
            assert (await house.results.next()).vantage == "paris"


async def test_so_many_probes_to_one_host_wait_for_each_other() -> None:
    held = Held(answer())
    checks = [http_check("http://127.0.0.1/", f"check-{number}") for number in range(40)]
    async with serving(held) as server:
        checks = [http_check(server.url, check.name) for check in checks]
        async with House(*checks).open() as house:
            for check in checks:
                house.tick(check.name)
            await held.asked.wait()
            held.go.set()
            for _ in checks:
                assert (await house.results.next()).outcome == "pass"
            assert server.connections == 40


async def test_looks_that_follow_each_other_are_all_made_and_a_stop_ends_what_waits_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.prober.prober.IDLE_KEPT", 3)
    async with serving(FINE) as server:
        before = asyncio.all_tasks()
        names = [f"check-{number}" for number in range(8)]
        async with House(*(http_check(server.url, name) for name in names)).open() as house:
            for _ in range(4):
                for name in names:
                    house.tick(name)
                seen = [await house.results.next() for _ in names]
                assert sorted(result.check for result in seen) == names
                assert {result.outcome for result in seen} == {"pass"}
            await asyncio.sleep(0)
            named = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - before]  # type: ignore[union-attr]
            assert named.count("Prober._looks") == 3
        ours = [task for task in asyncio.all_tasks() - before if "prober" in repr(task.get_coro())]
        assert ours == []
        assert len(house.results.all) == 32


# ---------------------------------------------------------------- canaries


async def test_a_doubtful_fail_stands_while_the_canaries_sing() -> None:
    async with naming({"nobody.test": silence, "example.test": records((0, "A", "192.0.2.1"))}) as names:
        result = await seen_of_a_silent_name(*[dns_canary(names.address)] * 3, resolver=names.address)
    assert (result.outcome, result.reason) == ("fail", "dns_timeout")


async def test_a_name_that_does_not_exist_is_a_canary_that_sings() -> None:
    async with naming({"nobody.test": silence}) as names:
        result = await seen_of_a_silent_name(dns_canary(names.address), resolver=names.address)
    assert result.outcome == "fail"


async def test_a_doubtful_fail_is_void_when_more_than_half_of_the_canaries_fail() -> None:
    zone = {"nobody.test": silence, "example.test": code(dns.rcode.SERVFAIL)}
    async with naming(zone) as dead, naming({}) as alive:
        two_of_three = (dns_canary(dead.address), dns_canary(dead.address), dns_canary(alive.address))
        result = await seen_of_a_silent_name(*two_of_three, resolver=dead.address)
    assert (result.outcome, result.reason) == ("void", "self_resolver")
    assert result.detail is not None
    assert "dns_timeout" in result.detail


async def test_one_lost_canary_of_three_hides_no_outage() -> None:
    async with naming({"nobody.test": silence, "example.test": code(dns.rcode.SERVFAIL)}) as dead, naming({}) as alive:
        one_of_three = (dns_canary(dead.address), dns_canary(alive.address), dns_canary(alive.address))
        result = await seen_of_a_silent_name(*one_of_three, resolver=dead.address)
    assert (result.outcome, result.reason) == ("fail", "dns_timeout")


async def test_a_web_canary_must_show_its_known_body() -> None:
    async with naming({"nobody.test": silence}) as names, serving(says(answer(b"200 OK", b"log in here"))) as portal:
        anchor = HttpSettings.model_validate({"url": portal.url, "expect": {"body_matches": "IANA"}})
        result = await seen_of_a_silent_name(Canary("http", anchor), resolver=names.address)
    assert (result.outcome, result.reason) == ("void", "self_resolver")


async def test_a_port_that_takes_connections_is_a_canary_too() -> None:
    async with naming({"nobody.test": silence}) as names, serving(silent) as server:
        door = TcpSettings.model_validate({"host": "127.0.0.1", "port": server.port})
        result = await seen_of_a_silent_name(Canary("tcp", door), resolver=names.address)
    assert (result.outcome, result.reason) == ("fail", "dns_timeout")


async def test_canaries_are_not_asked_about_this_host() -> None:
    async with naming({}) as names, serving(silent) as server:
        options = ProbingOptions(confirm_after_ms=0, canaries=(dns_canary("127.0.0.1:9"),), resolvers=(names.address,))
        async with House(http_check(server.url, timeout_ms=100), options=options).open() as house:
            house.tick("app")
            result = await house.results.next()
    assert (result.outcome, result.reason) == ("fail", "http_timeout_headers")


async def test_probe_once_sees_without_recording() -> None:
    async with serving(FINE) as server:
        seen = await probe_once(http_check(server.url), JumpClock(), ProbingOptions())
    assert isinstance(seen, Observation)
    assert seen.outcome == "pass"
    refused = await probe_once(http_check(f"http://127.0.0.1:{unused_port()}/"), JumpClock(), ProbingOptions())
    assert refused.reason == "tcp_refused"
