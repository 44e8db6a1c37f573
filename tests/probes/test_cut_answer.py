"""An answer that was cut is had over TCP, and read as far as a look needs it, whatever it holds."""

from __future__ import annotations

import asyncio
import errno
import struct
from collections.abc import Callable
from typing import NoReturn

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.probes import cut_answer
from monitor.probes.cut_answer import AAAA, CNAME, A, Told, UnreadableError, read
from monitor.probes.judge import ProbeError, Verdict
from monitor.probes.resolver import Answer, Resolver
from monitor.probes.said import ADDRESSES_TAKEN
from tests.probes import large_answers
from tests.probes.large_answers import message, record
from tests.probes.names import NameServer, Reply, code, cut, cutting, records, silence

NAME = "app.test"
BOTH = records((60, "A", "192.0.2.1"), (60, "A", "192.0.2.2"), (30, "AAAA", "2001:db8::1"))


async def asked(server: NameServer) -> Answer:
    resolver = Resolver((server.address,), SystemClock().monotonic_ns)
    try:
        return await resolver.look_up(NAME)
    finally:
        await resolver.aclose()


async def answer_of(reply: Reply, keeps: bool = True) -> Answer:
    async with cutting({NAME: reply}, keeps) as server:
        return await asked(server)


async def verdict_of(reply: Reply) -> Verdict:
    with pytest.raises(ProbeError) as failed:
        await answer_of(reply)
    return failed.value.verdict


def by_type(a: Reply, aaaa: Reply) -> Reply:
    return lambda query: (a if query.question[0].rdtype == dns.rdatatype.A else aaaa)(query)


async def test_both_families_are_asked_for_and_the_shortest_ttl_holds() -> None:
    async with cutting({NAME: BOTH}) as server:
        began = SystemClock().monotonic_ns()
        answer = await asked(server)
        assert set(server.asked_over_tcp) == {f"{NAME}. IN A", f"{NAME}. IN AAAA"}
    assert sorted(answer.addresses) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert 29 < (answer.expires_ns - began) / 1e9 < 59


async def test_one_family_that_is_cut_is_enough() -> None:
    async with cutting({NAME: BOTH}) as server:
        server.zone[NAME] = by_type(BOTH, cut)
        assert len((await asked(server)).addresses) == 3


async def test_a_server_that_ends_the_connection_after_each_answer_is_asked_again() -> None:
    assert len((await answer_of(BOTH, keeps=False)).addresses) == 3


async def test_of_two_families_the_one_without_an_answer_is_left_out() -> None:
    for half in (silence, code(dns.rcode.SERVFAIL), records()):
        assert (await answer_of(by_type(BOTH, half))).addresses == ("192.0.2.1", "192.0.2.2")


async def test_of_many_addresses_each_family_has_its_half() -> None:
    answer = await answer_of(large_answers.addresses())
    assert len(answer.addresses) == ADDRESSES_TAKEN
    assert sum(":" in address for address in answer.addresses) == ADDRESSES_TAKEN / 2


def chain(length: int, loop: bool = False) -> Reply:
    def reply(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        names = [f"{NAME}.", *(f"c{number}.test." for number in range(length))]
        for alias, name in zip(names, [*names[1:], NAME + "."] if loop else names[1:], strict=False):
            response.answer.append(dns.rrset.from_text(alias, 60, "IN", "CNAME", name))
        if not loop and query.question[0].rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(names[-1], 60, "IN", "A", "192.0.2.1"))
        return response.to_wire()

    return reply


async def test_a_chain_of_sixteen_names_ends() -> None:
    assert (await answer_of(chain(16))).addresses == ("192.0.2.1",)


def spoiled(spoil: Callable[[bytes], bytes]) -> Reply:
    return lambda query: spoil(BOTH(query) or b"")


FAILURES: dict[str, tuple[Reply, str]] = {
    "no such name": (code(dns.rcode.NXDOMAIN), "dns_nxdomain"),
    "no address": (records(), "dns_nodata"),
    "no such name, and none of the other family": (by_type(code(dns.rcode.NXDOMAIN), records()), "dns_nodata"),
    "SERVFAIL": (code(dns.rcode.SERVFAIL), "dns_servfail"),
    "REFUSED": (code(dns.rcode.REFUSED), "dns_servfail"),
    "SERVFAIL of one family": (by_type(code(dns.rcode.SERVFAIL), records()), "dns_servfail"),
    "FORMERR": (code(dns.rcode.FORMERR), "dns_bad"),
    "seventeen names in a row": (chain(17), "dns_bad"),
    "names in a circle": (chain(2, loop=True), "dns_bad"),
    "cut again": (cut, "dns_bad"),
    "another id": (spoiled(lambda wire: bytes([wire[0] ^ 0x80]) + wire[1:]), "dns_bad"),
    "another question": (spoiled(lambda wire: wire.replace(b"\3app", b"\3abb")), "dns_bad"),
    "fewer records than it says": (spoiled(lambda wire: wire[:-1]), "dns_bad"),
    "half a header": (spoiled(lambda wire: wire[:5]), "dns_bad"),
    "nothing": (spoiled(lambda wire: b""), "dns_bad"),
    "the end of the connection": (silence, "dns_bad"),
    "an address of five bytes": (lambda query: message(query, [record(b"\xc0\x0c", A, bytes(5))]), "dns_bad"),
}


@pytest.mark.parametrize(("reply", "reason"), FAILURES.values(), ids=FAILURES)
async def test_failures_over_tcp_are_told_apart(reply: Reply, reason: str) -> None:
    verdict = await verdict_of(reply)
    assert (verdict.outcome, verdict.reason) == ("fail", reason)


async def test_what_a_server_said_holds_where_it_takes_no_further_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = asyncio.open_connection, []

    async def once(address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made.append(address)
        if len(made) > 1:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        return await real(address, port)

    monkeypatch.setattr(asyncio, "open_connection", once)
    assert (await answer_of(BOTH, keeps=False)).addresses == ("192.0.2.1", "192.0.2.2")
    assert len(made) == 2


async def test_a_shortage_of_our_own_says_nothing_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def without_descriptors(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(asyncio, "open_connection", without_descriptors)
    verdict = await verdict_of(BOTH)
    assert (verdict.outcome, verdict.reason) == ("void", "self_fd")


async def test_a_server_that_cuts_its_answer_has_answered() -> None:
    async with cutting({NAME: silence}) as server:
        resolver = Resolver((server.address,), SystemClock().monotonic_ns)
        [upstream] = resolver.upstreams
        assert await upstream.answers(NAME, 5)
        assert resolver.up == {server.address: True}
        await resolver.aclose()


# ------------------------------------------------------------------ the messages


def question(kind: int, name: str = NAME) -> bytes:
    return cut_answer.question(name, kind, 0xBEEF)


@given(st.sampled_from((A, AAAA)), st.lists(st.text("abz09_-", min_size=1, max_size=63), min_size=1, max_size=3))
def test_a_question_is_what_dnspython_spells(kind: int, labels: list[str]) -> None:
    name = ".".join(labels)
    spelled = dns.message.make_query(name, dns.rdatatype.RdataType(kind), id=0xBEEF).to_wire()
    assert question(kind, name) == spelled


LABELS = st.sampled_from(["a", "B", "web", "x" * 63])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(lambda labels: ".".join(labels) + ".app.test.")
TTLS = st.integers(0, 2**31 - 1)
ROWS = st.one_of(
    st.tuples(NAMES, TTLS, st.just("A"), st.ip_addresses(v=4).map(str)),
    st.tuples(NAMES, TTLS, st.just("AAAA"), st.ip_addresses(v=6).map(str)),
    st.tuples(NAMES, TTLS, st.just("CNAME"), NAMES),
    st.tuples(NAMES, TTLS, st.just("TXT"), st.just('"x"')),
    st.tuples(NAMES, TTLS, st.just("MX"), NAMES.map(lambda name: f"10 {name}")),
)


@given(st.sampled_from((A, AAAA)), st.lists(ROWS, max_size=12))
@settings(max_examples=150)
def test_an_answer_says_what_dnspython_reads(kind: int, rows: list[tuple[str, int, str, str]]) -> None:
    response = dns.message.make_response(dns.message.from_wire(question(kind)))
    response.answer = [dns.rrset.from_text(name, ttl, "IN", record, value) for name, ttl, record, value in rows]
    told = read(response.to_wire(max_size=65_535), question(kind), kind)
    parsed = list(dns.message.from_wire(response.to_wire(max_size=65_535), one_rr_per_rrset=True).answer)
    wanted = [each for each in parsed if each.rdtype == kind]
    aliases = [each for each in parsed if each.rdtype == CNAME]
    assert told.addresses == tuple(each[0].address for each in wanted)
    assert told.chain == tuple((spelled(each.name), spelled(each[0].target)) for each in aliases)
    assert sorted(told.lives) == sorted(each.ttl for each in (*wanted, *aliases))


def spelled(name: dns.name.Name) -> str:
    return (name.to_wire() or b"").decode("latin-1").removesuffix("\0")


def survives(wire: bytes, kind: int = A) -> Told | None:
    try:
        return read(wire, question(kind), kind)
    except UnreadableError:
        return None


@given(st.binary(max_size=600), st.integers(0, 65_535))
@settings(max_examples=300)
def test_no_bytes_at_all_break_the_reading(noise: bytes, count: int) -> None:
    survives(noise)
    head = question(A)[:2] + b"\x81\x80\0\1" + count.to_bytes(2, "big") + bytes(4)
    survives(head + question(A)[12:] + noise)


@given(st.data())
@settings(max_examples=300)
def test_a_right_answer_with_changed_bytes_breaks_nothing(data: st.DataObject) -> None:
    wire = bytearray(chain(4)(dns.message.from_wire(question(A))) or b"")
    for place in data.draw(st.lists(st.integers(2, len(wire) - 1), max_size=4)):
        wire[place] = data.draw(st.integers(0, 255))
    survives(bytes(wire[: data.draw(st.integers(12, len(wire)))]))


def alias(name: bytes) -> bytes:
    return message(dns.message.from_wire(question(A)), [record(name, CNAME, b"\xc0\x0c")])


HERE = len(question(A))
NO_NAMES = {
    "a pointer to itself": struct.pack("!H", 0xC000 | HERE),
    "a pointer to what comes after it": struct.pack("!H", 0xC000 | HERE + 12),
    "a pointer back into its own piece": b"\1a" + struct.pack("!H", 0xC000 | HERE),
    "a label of another kind": b"\x80a\0",
    "256 bytes": b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 3 + b"\0",
}


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_what_is_no_name_is_not_read(name: bytes) -> None:
    assert survives(alias(name)) is None


def test_the_longest_name_is_read() -> None:
    assert len(large_answers.LONG_NAME) == 255
    told = survives(alias(large_answers.LONG_NAME))
    assert told is not None
    assert len(told.chain[0][0]) == 254


def test_reading_costs_no_more_than_the_answer_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are followed for CNAMEs alone, of which a chain may have sixteen, however many there are."""
    followed = []
    real = cut_answer._name

    def counted(wire: bytes, place: int) -> str:
        followed.append(place)
        return real(wire, place)

    monkeypatch.setattr(cut_answer, "_name", counted)
    query = dns.message.from_wire(question(A))
    for reply in (large_answers.aliases_of_long_names, large_answers.addresses_of_long_names):
        survives(reply(query))
    assert len(followed) <= 2 * (17 + 1)
