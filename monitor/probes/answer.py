"""Whether a name server's answer is the expected one: pure, over dnspython's messages.

Records are compared as what they say, not as they are spelled: `192.0.2.1`, `10 mx.example.com`, `0 issue "ca.test"`. A
TXT record is its text, whatever pieces it came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, cast

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rdtypes.nsbase
import dns.rdtypes.txtbase

from monitor.interfaces import Assertion
from monitor.probes.judge import PASS, Verdict

# or each type that a server makes up is looked for in the file system
dns.rdata.load_all_types()  # type: ignore[no-untyped-call]

Record = dns.rdata.Rdata | bytes
"""What is compared: the data of a record, and of a TXT record its text."""

_OF_CODE = {
    dns.rcode.NXDOMAIN: "dns_nxdomain",
    dns.rcode.SERVFAIL: "dns_servfail",
    dns.rcode.REFUSED: "dns_servfail",
    dns.rcode.NOTIMP: "dns_servfail",
    dns.rcode.NOERROR: "dns_answer",
}
"""Code to reason (design/faults.md rows 21 to 24), where another code was expected; any other is `dns_bad`."""

LONGEST_CHAIN = 16  # design/faults.md row 33

EXAMPLES = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "MX": "10 mx.example.com", "SRV": "0 5 443 app.example.com"}


class Expected(NamedTuple):
    """What an answer must be: its code, how many records, and which."""

    rcode: str
    record: str
    at_least: int
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    none_of: tuple[str, ...]


class Judged(NamedTuple):
    """The verdict, each thing that was checked, and the serial of an SOA record that was asked for."""

    verdict: Verdict
    assertions: tuple[Assertion, ...]
    serial: int | None = None


def no_name(text: str) -> bool:
    """Whether DNS has no way to ask for this name."""
    try:
        dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        return True
    return False


def record_of(record: str, text: str) -> Record:
    """The record of this type that a text spells. Raises ValueError."""
    if record == "TXT":
        return text.encode()
    try:
        return dns.rdata.from_text("IN", record, text, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError, UnicodeError):
        raise ValueError(f"no {record} record") from None


def judged(message: dns.message.QueryMessage, expected: Expected) -> Judged:
    """What an answer comes to."""
    code = message.rcode()
    shown = dns.rcode.to_text(code)
    as_expected = shown == expected.rcode
    said = Assertion("expect.rcode", as_expected, f"expected {expected.rcode}, found {shown}")
    if not as_expected:
        return Judged(Verdict("fail", _OF_CODE.get(code, "dns_bad"), said.words), (said,))
    if code != dns.rcode.NOERROR:
        return Judged(PASS, (said,))
    found = _at_the_end(message)
    if found is None:
        words = f"over {LONGEST_CHAIN} CNAME records in a row, or a loop of them"
        return Judged(Verdict("fail", "dns_bad", words), (said,))
    records = frozenset(_compared(found))
    assertions = (said, *_checked(expected, records))
    missed = next((each for each in assertions if not each.passed), None)
    verdict = PASS if missed is None else Verdict("fail", "dns_answer" if records else "dns_nodata", missed.words)
    return Judged(verdict, assertions, _serial(found))


def _checked(expected: Expected, found: frozenset[Record]) -> Iterator[Assertion]:
    least = expected.at_least
    yield Assertion("expect.at_least", len(found) >= least, f"expected at least {least}, found {len(found)}")
    if expected.all_of:
        missing = [text for text in expected.all_of if record_of(expected.record, text) not in found]
        words = f"missing: {', '.join(missing)}" if missing else f"all {len(expected.all_of)} are there"
        yield Assertion("expect.all_of", not missing, words)
    if expected.any_of:
        there = [text for text in expected.any_of if record_of(expected.record, text) in found]
        words = f"found: {', '.join(there)}" if there else f"none of {len(expected.any_of)} is there"
        yield Assertion("expect.any_of", bool(there), words)
    if expected.none_of:
        there = [text for text in expected.none_of if record_of(expected.record, text) in found]
        words = f"found: {', '.join(there)}" if there else f"none of {len(expected.none_of)} is there"
        yield Assertion("expect.none_of", not there, words)


def _at_the_end(message: dns.message.QueryMessage) -> Sequence[dns.rdata.Rdata] | None:
    """The records of the type that was asked for, where the chain of CNAMEs leads; None: it leads nowhere."""
    asked = message.question[0]
    name = asked.name
    for _ in range(LONGEST_CHAIN + 1):
        found = message.get_rrset(message.answer, name, asked.rdclass, asked.rdtype)
        if found is not None:
            return tuple(found)
        alias = message.get_rrset(message.answer, name, asked.rdclass, dns.rdatatype.CNAME)
        if alias is None:
            return ()
        name = cast(dns.rdtypes.nsbase.NSBase, alias[0]).target
    return None


def _compared(records: Iterable[dns.rdata.Rdata]) -> Iterator[Record]:
    for record in records:
        yield b"".join(record.strings) if isinstance(record, dns.rdtypes.txtbase.TXTBase) else record


def _serial(records: Iterable[dns.rdata.Rdata]) -> int | None:
    return next((one.serial for one in records if isinstance(one, dns.rdtypes.ANY.SOA.SOA)), None)
