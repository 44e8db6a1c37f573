"""DNS: a question to a name server, and whether its answer is the expected one.

```yaml
dns:
  name: app.example.com
  type: A
  server: 1.1.1.1                   # or 1.1.1.1:5353, [2606:4700:4700::1111]:53; default: the resolvers, in turn
  recursion: true                   # false asks what the server itself knows
  expect: {rcode: NOERROR, at_least: 1, all_of: [192.0.2.1], any_of: [], none_of: [198.51.100.9]}
```

A fresh question each time: no answer is kept, and none of the system's caches is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from monitor.facts import Phases
from monitor.interfaces import Assertion, Observation, Tick
from monitor.probes import judge
from monitor.probes.address import NameServer, name_server, vetted
from monitor.probes.deadline import Deadline
from monitor.probes.judge import ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.settings import Mistake, Settings, shown

if TYPE_CHECKING:
    from monitor.probes.question import Reply

# `answer` and `question` are imported where they are used: dnspython is 2 MiB and 120 ms that only a file with a DNS
# check or canary pays, and it pays them when it is decoded.

ANSWERS = ("all_of", "any_of", "none_of")

JUDGED_AT_ONCE = 16
"""Records that are compared in the loop: dnspython spells each anew, and a name may take it 2 ms."""


class DnsExpect(Settings):
    """What the answer must be. The records are those at the end of the chain of CNAMEs."""

    rcode: Literal["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] = "NOERROR"
    at_least: int = Field(1, ge=0, le=500)
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    def mistakes(self) -> Iterator[Mistake]:
        if self.rcode == "NOERROR":
            return
        for key in ("at_least", *ANSWERS):
            if key in self.model_fields_set:
                yield Mistake((key,), f"an answer with {self.rcode} holds no records; leave the key out")


class DnsSettings(Settings):
    name: str = Field(min_length=1)
    type: Literal[
        "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"
    ] = "A"
    server: str | None = None
    recursion: bool = True
    expect: DnsExpect = DnsExpect()

    def mistakes(self) -> Iterator[Mistake]:
        from monitor.probes.answer import EXAMPLES, no_name, record_of  # noqa: PLC0415 - see above

        if no_name(self.name):
            yield Mistake(("name",), f"expected a name such as app.example.com; found {shown(self.name)}")
        if self.server is not None and name_server(self.server) is None:
            yield Mistake(("server",), "expected a name server's address, such as 9.9.9.9 or 9.9.9.9:5353")
        for key in ANSWERS:
            for place, text in enumerate(getattr(self.expect, key)):
                try:
                    record_of(self.type, text)
                except ValueError:
                    example = f", such as {EXAMPLES[self.type]}" if self.type in EXAMPLES else ""
                    message = f"expected what a record of type {self.type} says{example}; found {shown(text)}"
                    yield Mistake(("expect", key, place), message)


def target(settings: DnsSettings) -> str:
    return settings.name if settings.server is None else f"{settings.name}@{settings.server}"


def host(settings: DnsSettings) -> str:
    chosen = name_server(settings.server) if settings.server is not None else None
    return settings.name if chosen is None else chosen.address


async def probe(settings: DnsSettings, tick: Tick, io: Io) -> Observation:
    """One look: one question, sent again until it is answered. Its address is that of a chosen server, the target; our
    own resolvers are none."""
    from monitor.probes.question import ask, question_of  # noqa: PLC0415 - see above

    at, started = io.clock.now(), io.clock.monotonic_ns()
    reply: Reply | None = None
    verdict: Verdict | None = None
    chosen: NameServer | None = None
    with Deadline(asyncio.get_running_loop(), io.timeout_ms / 1000):
        try:
            servers = _servers(settings, io)
            chosen = servers[0] if settings.server is not None else None
            question = question_of(settings.name, settings.type, recursion=settings.recursion)
            reply = await ask(question, servers, io.clock)
        except ProbeError as fault:
            verdict = fault.verdict
    ended = io.clock.monotonic_ns()
    assertions: tuple[Assertion, ...] = ()
    attributes: dict[str, float | str] = {"probe_dns_query_succeeded": int(reply is not None)}
    if reply is not None:
        few = sum(reply.counts) <= JUDGED_AT_ONCE
        verdict, assertions, seen = _seen(settings, reply) if few else await asyncio.to_thread(_seen, settings, reply)
        attributes |= seen
    verdict = verdict or judge.of_deadline("resolve", io.timeout_ms)
    return Observation(
        outcome=verdict.outcome,
        at=at,
        duration_ms=judge.milliseconds(ended - started),
        reason=verdict.reason,
        detail=verdict.detail,
        phases=_phases(reply),
        ip=None if chosen is None else chosen.address,
        attributes=attributes,
        assertions=assertions,
    )


def _servers(settings: DnsSettings, io: Io) -> tuple[NameServer, ...]:
    """The chosen one, if it may be asked; else the resolvers, which whoever runs this has chosen."""
    texts = io.resolver.servers if settings.server is None else (settings.server,)
    servers = tuple(found for text in texts if (found := name_server(text)) is not None)
    if not servers:
        raise judge.void("self_resolver", "there is no name server to ask")
    if settings.server is not None and not vetted((servers[0].address,), io.allow_private_targets):
        raise judge.void("self_config", "address_denied")
    return servers


def _seen(settings: DnsSettings, reply: Reply) -> tuple[Verdict, tuple[Assertion, ...], dict[str, float | str]]:
    from monitor.probes.answer import Expected, judged  # noqa: PLC0415 - see above

    expect = settings.expect
    expected = Expected(expect.rcode, settings.type, expect.at_least, expect.all_of, expect.any_of, expect.none_of)
    verdict, assertions, serial = judged(reply.message, expected)
    attributes: dict[str, float | str] = {
        "probe_dns_answer_rrs": reply.counts.answer,
        "probe_dns_authority_rrs": reply.counts.authority,
        "probe_dns_additional_rrs": reply.counts.additional,
        "probe_dns_duration_seconds/request": reply.request_ns / 1e9,
        "probe_ip_protocol": 6 if ":" in reply.server.address else 4,
    }
    if reply.connect_ns is not None:
        attributes["probe_dns_duration_seconds/connect"] = reply.connect_ns / 1e9
    if serial is not None:
        attributes["probe_dns_serial"] = serial
    return verdict, assertions, attributes


def _phases(reply: Reply | None) -> Phases:
    if reply is None:
        return Phases()
    connect = None if reply.connect_ns is None else judge.milliseconds(reply.connect_ns)
    return Phases(connect=connect, processing=judge.milliseconds(reply.request_ns))
