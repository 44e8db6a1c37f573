"""DNS looks at real name servers on loopback: what is expected, what is told apart, and what is taken for an answer."""

from __future__ import annotations

import itertools

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pydantic import ValidationError

from monitor.clock import SystemClock
from monitor.prober.canaries import Canaries, Canary
from monitor.prober.evidence import of_a_name
from monitor.probes import question
from monitor.probes.dns import DnsSettings, probe
from tests.probes.conftest import TICK
from tests.probes.dns_looks import NAME, ONE, TWO, io_with, look, look_at
from tests.probes.names import Reply, code, naming, records, silence
from tests.probes.servers import unused_port

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
