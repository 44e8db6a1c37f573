"""What a DNS look takes for an answer, over UDP and TCP: forged, broken, lost, cut and endless ones."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.probes import question
from monitor.probes.question import question_of, read_reply
from tests.faults.conftest import MOST_MEMORY
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.probes.dns_looks import NAME, ONE, TWO, look, look_at
from tests.probes.names import NameServer, Reply, naming, records
from tests.probes.servers import Talk, serving


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


def of_long_names(records: int) -> Callable[[bytes], bytes]:
    """MX records that are 16 bytes each, and point at one name of 120 labels."""
    name = b"\x01a" * 120 + b"\0"

    def build(asked: bytes) -> bytes:
        at = 0xC000 | len(asked) + 14
        first = struct.pack("!HHHIHH", 0xC00C, 15, 1, 0, 2 + len(name), 0) + name
        rest = [struct.pack("!HHHIHHH", 0xC00C, 15, 1, 0, 4, each, at) for each in range(1, records)]
        return _head(asked, records) + asked[12:] + first + b"".join(rest)

    return build


def of_many_parts(records: int) -> Callable[[bytes], bytes]:
    """HTTPS records with 25 empty parameters each (RFC 9460)."""
    parts = b"".join(struct.pack("!HH", 1_000 + each, 0) for each in range(25))

    def build(asked: bytes) -> bytes:
        rows = [
            struct.pack("!HHHIHHB", 0xC00C, 65, 1, 0, 3 + len(parts), each, 0) + parts for each in range(1, records + 1)
        ]
        return _head(asked, records) + asked[12:] + b"".join(rows)

    return build


def _head(asked: bytes, records: int) -> bytes:
    return asked[:2] + b"\x81\x80\0\1" + records.to_bytes(2, "big") + bytes(4)


def building(build: Callable[[bytes], bytes]) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = build(await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big")))
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()

    return talk


DEAR = {
    "MX": (of_long_names(250), "dns_answer"),
    "HTTPS": (of_many_parts(140), "dns_answer"),
    "TXT": (of_many_parts(150), "dns_bad"),  # not read
}


@pytest.mark.parametrize("record", DEAR)
async def test_an_answer_that_is_dear_to_read_holds_no_loop_and_no_more_memory_than_a_look_may(record: str) -> None:
    """Half a second in the loop would make a fail void, and that of every other look meanwhile."""
    build, reason = DEAR[record]
    async with cutting(building(build)) as address:
        wanted = {"name": NAME, "type": record, "server": address, "expect": {"at_least": 251}}
        seen = await run_elsewhere(Errand((("dns", wanted),), weighed=True))
    assert (seen.only.outcome, seen.only.reason) == ("fail", reason)
    assert seen.peak <= MOST_MEMORY, f"{seen.peak} bytes"
