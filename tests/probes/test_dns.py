"""DNS looks at real name servers on loopback: what is expected, what is told apart, and what is taken for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator, Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.clock import SystemClock
from monitor.interfaces import Observation
from monitor.prober.canaries import Canaries, Canary
from monitor.prober.evidence import of_a_name
from monitor.probes import Io, question
from monitor.probes.dns import DnsSettings, probe
from monitor.probes.question import question_of, read_reply
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.faults.conftest import MOST_MEMORY
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.probes.conftest import TICK
from tests.probes.names import NameServer, Reply, code, naming, records, silence
from tests.probes.servers import Talk, serving, unused_port

NAME = "app.example.com"
ONE = records((60, "A", "192.0.2.1"))
TWO = records((60, "A", "192.0.2.1"), (60, "A", "192.0.2.2"))


def io_with(*servers: str, timeout_ms: int = 2_000, allow_private: bool = True) -> Io:
    clock = SystemClock()
    return Io(clock, Resolver(servers, clock.monotonic_ns), Tls(), allow_private, timeout_ms)


async def look(server: str | None, *resolvers: str, timeout_ms: int = 2_000, **settings: object) -> Observation:
    given = DnsSettings.model_validate({"name": NAME, "server": server, **settings})
    return await probe(given, TICK, io_with(*resolvers, timeout_ms=timeout_ms))


async def look_at(reply: Reply, timeout_ms: int = 2_000, **settings: object) -> Observation:
    async with naming({NAME: reply}) as server:
        return await look(server.address, timeout_ms=timeout_ms, **settings)


# ---------------------------------------------------------------- what is expected


async def test_an_answer_is_a_pass_with_its_counts_and_phases() -> None:
    seen = await look_at(TWO)
    assert (seen.outcome, seen.reason, seen.ip) == ("pass", None, "127.0.0.1")
    assert seen.attributes is not None
    counts = [seen.attributes[f"probe_dns_{section}_rrs"] for section in ("answer", "authority", "additional")]
    assert counts == [2, 0, 0]
    assert seen.attributes["probe_dns_query_succeeded"] == 1
    assert seen.attributes["probe_dns_duration_seconds/request"] > 0  # type: ignore[operator]
    assert "probe_dns_duration_seconds/connect" not in seen.attributes
    assert seen.phases is not None
    assert (seen.phases.resolve, seen.phases.connect) == (None, None)
    assert seen.phases.processing is not None


EXPECTATIONS = [
    ({"all_of": ("192.0.2.2", "192.0.2.1")}, None),
    ({"all_of": ("192.0.2.1", "192.0.2.3")}, "missing: 192.0.2.3"),
    ({"any_of": ("192.0.2.3", "192.0.2.2")}, None),
    ({"any_of": ("192.0.2.3",)}, "none of 1 is there"),
    ({"none_of": ("192.0.2.3",)}, None),
    ({"none_of": ("192.0.2.3", "192.0.2.2")}, "found: 192.0.2.2"),
    ({"at_least": 2}, None),
    ({"at_least": 3}, "expected at least 3, found 2"),
    ({"rcode": "NXDOMAIN"}, "expected NXDOMAIN, found NOERROR"),
]


@pytest.mark.parametrize(("expect", "words"), EXPECTATIONS)
async def test_an_answer_that_is_not_the_expected_one_is_told_by_its_first_miss(
    expect: dict[str, object], words: str | None
) -> None:
    seen = await look_at(TWO, expect=expect)
    assert (seen.outcome, seen.reason, seen.detail) == (
        ("pass", None, None) if words is None else ("fail", "dns_answer", words)
    )
    name = f"expect.{next(iter(expect))}"
    assert [each.passed for each in seen.assertions if each.name == name] == [words is None]


async def test_every_expectation_is_shown_in_order() -> None:
    expect = {"all_of": ("192.0.2.1",), "any_of": ("192.0.2.9",), "none_of": ("192.0.2.1",)}
    seen = await look_at(ONE, expect=expect)
    assert [(each.name, each.passed) for each in seen.assertions] == [
        ("expect.rcode", True),
        ("expect.at_least", True),
        ("expect.all_of", True),
        ("expect.any_of", False),
        ("expect.none_of", False),
    ]


SPELLED = [
    ("AAAA", "2001:db8::1", "2001:DB8:0:0::1"),
    ("MX", "10 mx.example.com.", "10 MX.example.com"),
    ("CNAME", "other.example.com.", "other.example.com"),
    ("SRV", "0 5 443 app.example.com.", "0 5 443 app.example.com."),
    ("TXT", '"v=spf1 include:_spf." "example.com -all"', "v=spf1 include:_spf.example.com -all"),
    ("CAA", '0 issue "ca.example.net"', '0 issue "ca.example.net"'),
    ("HTTPS", "1 . alpn=h2", "1 . alpn=h2"),
]


@pytest.mark.parametrize(("kind", "sent", "expected"), SPELLED)
async def test_records_are_compared_as_what_they_say(kind: str, sent: str, expected: str) -> None:
    seen = await look_at(records((60, kind, sent)), type=kind, expect={"all_of": (expected,)})
    assert (seen.outcome, seen.detail) == ("pass", None)


async def test_the_serial_of_a_zone_is_shown() -> None:
    soa = "ns.example.com. admin.example.com. 2026112501 7200 900 1209600 300"
    seen = await look_at(records((60, "SOA", soa)), type="SOA")
    assert seen.attributes is not None
    assert seen.attributes["probe_dns_serial"] == 2026112501


# ---------------------------------------------------------------- what is told apart

CODES = [
    (code(dns.rcode.NXDOMAIN), "dns_nxdomain"),
    (records(), "dns_nodata"),
    (code(dns.rcode.SERVFAIL), "dns_servfail"),
    (code(dns.rcode.REFUSED), "dns_servfail"),
    (code(dns.rcode.FORMERR), "dns_bad"),
    (code(dns.rcode.YXDOMAIN), "dns_bad"),
]


@pytest.mark.parametrize(("reply", "reason"), CODES)
async def test_every_failure_has_its_reason(reply: Reply, reason: str) -> None:
    seen = await look_at(reply)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert seen.attributes is not None
    assert seen.attributes["probe_dns_query_succeeded"] == 1


async def test_silence_is_a_timeout() -> None:
    seen = await look_at(silence, timeout_ms=100)
    assert (seen.outcome, seen.reason) == ("fail", "dns_timeout")
    assert seen.attributes == {"probe_dns_query_succeeded": 0}


async def test_a_port_without_a_name_server_is_told_at_once() -> None:
    seen = await look(f"127.0.0.1:{unused_port()}", timeout_ms=60_000)
    assert (seen.reason, seen.ip) == ("dns_timeout", "127.0.0.1")
    assert seen.detail == "ECONNREFUSED: no name server listens there"


async def test_the_code_that_is_expected_passes() -> None:
    seen = await look_at(code(dns.rcode.NXDOMAIN), expect={"rcode": "NXDOMAIN"})
    assert seen.outcome == "pass"


async def test_a_name_without_records_passes_where_none_are_needed() -> None:
    assert (await look_at(records(), expect={"at_least": 0})).outcome == "pass"


# ---------------------------------------------------------------- chains of names


def chained(*links: tuple[str, str], last: tuple[str, str] | None = None) -> Reply:
    """Answers with CNAME records, and an address at the end."""

    def reply(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        for owner, to in links:
            response.answer.append(dns.rrset.from_text(f"{owner}.", 60, "IN", "CNAME", f"{to}."))
        if last is not None:
            response.answer.append(dns.rrset.from_text(f"{last[0]}.", 60, "IN", "A", last[1]))
        return response.to_wire()

    return reply


async def test_the_records_at_the_end_of_the_chain_are_the_answer() -> None:
    reply = chained((NAME, "edge.example.net"), last=("edge.example.net", "192.0.2.7"))
    assert (await look_at(reply, expect={"all_of": ("192.0.2.7",)})).outcome == "pass"


async def test_a_record_of_another_name_is_no_answer() -> None:
    assert (await look_at(chained(last=("other.example.com", "192.0.2.7")))).reason == "dns_nodata"


async def test_a_loop_of_names_is_bad() -> None:
    seen = await look_at(chained((NAME, "b.example.com"), ("b.example.com", NAME)))
    assert (seen.outcome, seen.reason) == ("fail", "dns_bad")


@pytest.mark.parametrize(("links", "reason"), [(16, None), (17, "dns_bad")])
async def test_a_chain_may_have_sixteen_links(links: int, reason: str | None) -> None:
    names = [NAME, *(f"{number}.example.com" for number in range(links))]
    pairs = [*itertools.pairwise(names)]
    assert (await look_at(chained(*pairs, last=(names[-1], "192.0.2.7")))).reason == reason


# ---------------------------------------------------------------- what is taken for an answer


def spoiled(spoil: Callable[[bytes], bytes]) -> Reply:
    """A right answer that is spoiled on its way."""

    def reply(query: dns.message.Message) -> bytes:
        good = ONE(query)
        assert good is not None
        return spoil(good)

    return reply


JUNK = {
    "another id": lambda wire: bytes([wire[0] ^ 1]) + wire[1:],
    "a question": lambda wire: wire[:2] + bytes([wire[2] & 0x7F]) + wire[3:],
    "another question": lambda wire: wire.replace(b"\x03app", b"\x03abb"),
    "half a header": lambda wire: wire[:5],
    "fewer records than it says": lambda wire: wire[:-4],
    "a loop of compressed names": lambda wire: wire[:12] + b"\xc0\x0c\x00\x01\x00\x01" + wire[12:],
    "nothing": lambda wire: b"",
    "noise": lambda wire: wire[:2] + b"\xff" * 600,
}


@pytest.mark.parametrize("name", JUNK)
async def test_what_is_no_answer_is_ignored(name: str) -> None:
    seen = await look_at(spoiled(JUNK[name]), timeout_ms=150)
    assert (seen.outcome, seen.reason) == ("fail", "dns_timeout")


async def test_an_answer_that_comes_after_forged_ones_counts() -> None:
    class Forging(NameServer):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for spoil in JUNK.values():
                forged = spoiled(spoil)(dns.message.from_wire(data))
                self._transport.sendto(forged or b"", addr)
            super().datagram_received(data, addr)

    loop = asyncio.get_running_loop()
    server = Forging({NAME: ONE})
    transport, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
    with contextlib.closing(transport):
        assert (await look(server.address, expect={"all_of": ("192.0.2.1",)})).outcome == "pass"


@given(st.binary(max_size=600), st.booleans())
@settings(max_examples=300)
def test_no_bytes_at_all_break_the_reading(noise: bytes, with_id: bool) -> None:
    asked = question_of(NAME, "A", recursion=True)
    wire = asked.id.to_bytes(2, "big") + noise if with_id else noise
    found = read_reply(asked, wire)
    assert found is None or found.question == asked.question or not found.question


@given(st.data())
@settings(max_examples=300)
def test_a_right_answer_with_changed_bytes_breaks_nothing(data: st.DataObject) -> None:
    asked = question_of(NAME, "A", recursion=True)
    wire = bytearray(TWO(asked) or b"")
    for place in data.draw(st.lists(st.integers(2, len(wire) - 1), max_size=4)):
        wire[place] = data.draw(st.integers(0, 255))
    found = read_reply(asked, bytes(wire[: data.draw(st.integers(12, len(wire)))]))
    assert found is None or found.id == asked.id


async def test_a_question_that_is_lost_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "PAUSES", (0.02,))
    asked = 0

    def second_time(query: dns.message.Message) -> bytes | None:
        nonlocal asked
        asked += 1
        return ONE(query) if asked > 1 else None

    assert (await look_at(second_time)).outcome == "pass"


async def test_a_late_answer_to_the_first_question_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "PAUSES", (0.02,))
    first: list[bytes] = []

    def third_time(query: dns.message.Message) -> bytes | None:
        first.append(ONE(query) or b"")
        return first[0] if len(first) > 2 else None

    assert (await look_at(third_time)).outcome == "pass"


async def test_every_look_asks_anew() -> None:
    async with naming({NAME: ONE}) as server:
        for _ in range(3):
            await look(server.address)
        assert server.asked == [NAME] * 3


@pytest.mark.parametrize("recursion", [True, False])
async def test_recursion_is_asked_for_or_not(recursion: bool) -> None:
    flags: list[bool] = []

    def reply(query: dns.message.Message) -> bytes | None:
        flags.append(bool(query.flags & dns.flags.RD))
        return ONE(query)

    await look_at(reply, recursion=recursion)
    assert flags == [recursion]


# ---------------------------------------------------------------- TCP


def cut(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return response.to_wire()


@contextlib.asynccontextmanager
async def cutting(talk: Talk) -> AsyncIterator[str]:
    """A server whose answers over UDP are cut, and that talks so over TCP, on the same port."""
    async with serving(talk, read_request=False) as over_tcp:
        server = NameServer({NAME: cut})
        address = ("127.0.0.1", over_tcp.port)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, address)
        with contextlib.closing(transport):
            yield server.address


def answering(spoil: Callable[[bytes], bytes] = bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(size))
        many = records(*((60, "A", f"192.0.2.{number}") for number in range(1, 101)))(query)
        assert many is not None
        wire = spoil(many)
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()

    return talk


async def test_an_answer_that_was_cut_is_had_whole_over_tcp() -> None:
    async with cutting(answering()) as address:
        seen = await look(address, expect={"at_least": 100})
    assert (seen.outcome, seen.detail) == ("pass", None)
    assert seen.phases is not None
    assert seen.phases.connect is not None
    assert seen.attributes is not None
    assert seen.attributes["probe_dns_answer_rrs"] == 100
    assert seen.attributes["probe_dns_duration_seconds/connect"] > 0  # type: ignore[operator]


async def test_an_answer_that_was_cut_and_no_tcp_is_bad() -> None:
    seen = await look_at(cut)
    assert (seen.outcome, seen.reason) == ("fail", "dns_bad")
    assert seen.detail == "the answer was cut, and over TCP there is none: ECONNREFUSED"


BROKEN = {
    "another id": JUNK["another id"],
    "noise": JUNK["noise"],
    "cut again": lambda wire: wire[:2] + bytes([wire[2] | 0x02]) + wire[3:],
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_answer_over_tcp_is_bad(name: str) -> None:
    async with cutting(answering(BROKEN[name])) as address:
        assert (await look(address)).reason == "dns_bad"


async def test_a_tcp_connection_that_ends_too_early_is_bad() -> None:
    async def short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x01\x00half")
        await writer.drain()

    async with cutting(short) as address:
        assert (await look(address)).reason == "dns_bad"


def many(records: int) -> Talk:
    """As many records as there are of the shortest kind, each of a type of its own."""

    def widen(wire: bytes) -> bytes:
        head = wire[:4] + b"\0\1" + records.to_bytes(2, "big") + bytes(4)
        question = wire[12 : wire.index(b"\0\0\x01\0\x01") + 5]
        return head + question + b"".join(struct.pack("!BHHIH", 0, 1_000 + each, 1, 0, 0) for each in range(records))

    return answering(widen)


async def test_an_answer_of_five_hundred_records_is_read_within_the_memory_of_a_look() -> None:
    async with cutting(many(question.RECORDS)) as address:
        errand = Errand((("dns", {"name": NAME, "server": address}),), weighed=True)
        seen = await run_elsewhere(errand)
    assert seen.only.reason == "dns_nodata"
    assert seen.only.attributes is not None
    assert seen.only.attributes["probe_dns_answer_rrs"] == question.RECORDS
    assert seen.peak <= MOST_MEMORY


async def test_an_answer_of_more_records_is_not_read() -> None:
    async with cutting(many(question.RECORDS + 1)) as address:
        assert (await look(address)).reason == "dns_bad"


async def test_a_flood_of_forged_answers_is_not_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = question.read_reply

    def counted(asked: dns.message.QueryMessage, wire: bytes) -> dns.message.QueryMessage | None:
        read.append(len(wire))
        return real(asked, wire)

    monkeypatch.setattr(question, "read_reply", counted)

    class Flooding(NameServer):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for _ in range(10):
                self._transport.sendto(data[:2] + b"\x81\x80" + bytes(5_000), addr)
            for _ in range(question.READ_AT_MOST + 20):
                self._transport.sendto(data[:2] + b"\xff" * 100, addr)

    server = Flooding({})
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
    with contextlib.closing(transport):
        assert (await look(server.address, timeout_ms=400)).reason == "dns_timeout"
    assert 0 < len(read) <= question.READ_AT_MOST
    assert set(read) == {102}


# ---------------------------------------------------------------- whom to ask


async def test_without_a_server_the_resolvers_are_asked_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "PAUSES", (0.02,))
    async with naming({NAME: silence}) as dead, naming({NAME: ONE}) as alive:
        assert (await look(None, dead.address, alive.address)).outcome == "pass"
        refused = f"127.0.0.1:{unused_port()}"
        assert (await look(None, refused, alive.address)).outcome == "pass"


async def test_a_resolver_that_fails_is_overruled_by_one_that_answers() -> None:
    failure = {NAME: code(dns.rcode.SERVFAIL)}
    async with naming(failure) as failing, naming(failure) as another, naming({NAME: ONE}) as alive:
        assert (await look(None, failing.address, alive.address)).outcome == "pass"
        assert (await look(None, failing.address, another.address)).reason == "dns_servfail"
        assert another.asked == [NAME]


async def test_the_code_of_one_that_failed_stands_when_no_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "PAUSES", (0.02,))
    async with naming({NAME: code(dns.rcode.SERVFAIL)}) as failing, naming({NAME: silence}) as dead:
        assert (await look(None, failing.address, dead.address)).reason == "dns_servfail"


async def test_a_private_server_is_not_asked_where_that_is_refused() -> None:
    async with naming({NAME: ONE}) as server:
        chosen = DnsSettings(name=NAME, server=server.address)
        seen = await probe(chosen, TICK, io_with(allow_private=False))
        assert (seen.outcome, seen.reason, seen.detail) == ("void", "self_config", "address_denied")
        assert server.asked == []
        assert (
            await probe(DnsSettings(name=NAME), TICK, io_with(server.address, allow_private=False))
        ).outcome == "pass"


async def test_a_chosen_server_is_a_target_and_our_resolvers_are_none() -> None:
    async with naming({NAME: code(dns.rcode.SERVFAIL)}) as failing, naming({NAME: silence}) as dead:
        for server in (failing, dead):
            chosen = await look(server.address, timeout_ms=100)
            assert (chosen.ip, of_a_name(chosen)) == ("127.0.0.1", False)
            ours = await look(None, server.address, timeout_ms=100)
            assert (ours.ip, of_a_name(ours), ours.reason) == (None, True, chosen.reason)


def test_a_server_is_an_address_with_or_without_a_port() -> None:
    for server in ("9.9.9.9", "9.9.9.9:5353", "2620:fe::9", "[2620:fe::9]:5353"):
        DnsSettings(name=NAME, server=server)
    for server in ("dns.example", "9.9.9.9:0", "9.9.9.9:65536", "[9.9.9.9", "2620:fe::9:x", "9.9.9.9:-1"):
        with pytest.raises(ValidationError):
            DnsSettings(name=NAME, server=server)


# ---------------------------------------------------------------- as a canary


@pytest.mark.parametrize(
    ("reply", "expect", "answers"),
    [
        (ONE, None, True),
        (code(dns.rcode.NXDOMAIN), None, True),
        (records(), None, True),
        (code(dns.rcode.SERVFAIL), None, False),
        (code(dns.rcode.NXDOMAIN), {"rcode": "NOERROR"}, False),
        (ONE, {"all_of": ("192.0.2.9",)}, False),
    ],
)
async def test_a_canary_answers_unless_it_must_say_something_else(
    reply: Reply, expect: dict[str, object] | None, answers: bool
) -> None:
    clock = SystemClock()
    async with naming({NAME: reply}) as server:
        written = {} if expect is None else {"expect": expect}
        canary = Canary("dns", DnsSettings.model_validate({"name": NAME, "server": server.address, **written}))
        io = io_with()
        canaries = Canaries(clock, io, [canary])
        out = await canaries.own_network_out(clock.monotonic_ns(), 1)
        await canaries.aclose()
        await io.resolver.aclose()
    assert (out is None) is answers
