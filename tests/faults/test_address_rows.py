"""Rows 34 and 35 of the fault catalogue: which of a name's addresses are connected to, and that no other one is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import cycle

import dns.message
import dns.rrset

from monitor.interfaces import Observation
from monitor.probes.connect import ADDRESSES_TRIED
from tests.faults.conftest import MOST_MEMORY, within
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.faults.networks import FAR4, PUBLIC4, Wire
from tests.probes.names import Reply, cut, naming, records, turning
from tests.probes.servers import Server, answer, says, serving

FINE = says(answer())


def outcome(seen: Observation) -> tuple[str, str | None]:
    return seen.outcome, seen.reason


async def test_a_name_with_thousands_of_addresses_costs_little_and_reaches_few(wire: Wire) -> None:
    """As many as 64 KB hold, over TCP: sixteen are tried, and the look stays within its memory."""
    networks = [f"10.{block}.0.0/16" for block in range(3)]
    addresses = [f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}" for number in range(1, 3_900)]
    wire.rules_near(f"counter sent {{ }}\nchain output {{ ip daddr {{ {', '.join(networks)} }} counter name sent; }}")
    wire.rules_far("chain input { ip daddr 10.0.0.0/8 tcp dport 80 reject with tcp reset; }")
    wire.ip_far("route", "add", "local", "10.0.0.0/8", "dev", "lo")

    query = dns.message.make_query("app.test", "A")
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text("app.test.", 60, "IN", "A", *addresses))
    many = response.to_wire(max_size=65_535)

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while length := await reader.read(2):
            asked = await reader.readexactly(int.from_bytes(length))
            told = asked[:2] + many[2:] if b"\0\x01\0\x01" in asked else bytes(cut(dns.message.from_wire(asked)))
            writer.write(len(told).to_bytes(2) + told)

    with contextlib.suppress(asyncio.CancelledError):
        async with (
            naming({"app.test": cut, "fine.test": records((60, "A", FAR4))}, wire.naming()),
            serving(FINE, at=wire.listening()),
            serving(over_tcp, at=wire.listening(FAR4, 53), read_request=False),
        ):
            check, warm = (("http", {"url": f"http://{name}.test/"}) for name in ("app", "fine"))
            errand = Errand((check,), resolvers=(FAR4,), weighed=True, warm=(warm,))
            seen = await run_elsewhere(errand, wire.near)
    assert outcome(seen.only) == ("fail", "tcp_refused")
    assert seen.only.detail is not None
    assert seen.only.detail.startswith("ECONNREFUSED; 16 of 64 addresses tried")
    assert wire.counted("sent") % ADDRESSES_TRIED == 0  # once more where our own loop was late
    assert seen.peak <= MOST_MEMORY, f"{seen.peak} bytes"


async def test_only_denied_addresses_are_our_own_policy_and_nothing_is_sent(wire: Wire) -> None:
    denied = "198.51.100.7"
    wire.rules_near(f"counter sent {{ }}\nchain output {{ ip daddr {denied} counter name sent; }}")
    zone: dict[str, Reply] = {"app.test": records((60, "A", denied))}
    async with naming(zone, wire.naming()) as server:
        errand = Errand((("http", {"url": "http://app.test/"}),), resolvers=(FAR4,), allow_private_targets=False)
        seen = (await run_elsewhere(errand, wire.near)).only
        assert "app.test" in server.asked
    assert (*outcome(seen), seen.detail) == ("void", "self_config", "address_denied")
    assert within(seen, 1)
    assert wire.counted("sent") == 0


@contextlib.asynccontextmanager
async def rebinding(wire: Wire, zone: dict[str, Reply]) -> AsyncIterator[tuple[Server, Server]]:
    """A public target at the far end, and something at the vantage's own loopback that nobody may reach."""
    wire.ip_far("addr", "add", f"{PUBLIC4}/32", "dev", "lo")
    async with (
        naming(zone, wire.naming()),
        serving(FINE, at=wire.listening(PUBLIC4)) as public,
        serving(FINE, at=wire.listening_near("127.0.0.1")) as own,
    ):
        yield public, own


async def test_only_the_vetted_address_of_several_is_connected_to(wire: Wire) -> None:
    zone: dict[str, Reply] = {"app.test": records((0, "A", "127.0.0.1"), (0, "A", PUBLIC4))}
    async with rebinding(wire, zone) as (public, own):
        errand = Errand((("http", {"url": "http://app.test/"}),), resolvers=(FAR4,), allow_private_targets=False)
        seen = await run_elsewhere(errand, wire.near)
        assert (seen.only.outcome, seen.only.ip) == ("pass", PUBLIC4)
        assert (public.connections, own.connections) == (seen.made, 0)


async def test_a_name_that_turns_to_loopback_is_vetted_at_each_look_and_hop(wire: Wire) -> None:
    """The second look is void; a redirect to the same host, which looks it up again, is blocked."""
    zone = {"app.test": turning(cycle([(PUBLIC4,), ("127.0.0.1",)]))}
    async with rebinding(wire, zone) as (public, own):
        errand = Errand(
            (("http", {"url": "http://app.test/"}),), resolvers=(FAR4,), allow_private_targets=False, times=2
        )
        seen = await run_elsewhere(errand, wire.near)
        passed, denied = seen.observations
        assert (passed.outcome, passed.ip) == ("pass", PUBLIC4)
        assert (*outcome(denied), denied.detail) == ("void", "self_config", "address_denied")
        assert (public.connections, own.connections) == (seen.made - 1, 0)


async def test_a_redirect_to_a_name_that_has_turned_to_loopback_is_blocked(wire: Wire) -> None:
    again = says(answer(b"302 Found", b"", b"Location: /again"))
    wire.ip_far("addr", "add", f"{PUBLIC4}/32", "dev", "lo")
    async with (
        naming({"app.test": turning(cycle([(PUBLIC4,), ("127.0.0.1",)]))}, wire.naming()),
        serving(again, at=wire.listening(PUBLIC4)) as public,
        serving(FINE, at=wire.listening_near("127.0.0.1")) as own,
    ):
        errand = Errand((("http", {"url": "http://app.test/"}),), resolvers=(FAR4,), allow_private_targets=False)
        seen = await run_elsewhere(errand, wire.near)
        assert outcome(seen.only) == ("fail", "http_redirect_blocked")
        assert (public.connections, own.connections) == (seen.made, 0)
