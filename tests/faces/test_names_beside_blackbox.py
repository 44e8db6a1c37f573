"""The same questions and echoes by the real blackbox_exporter and by us: one name, one meaning, label for label."""

from __future__ import annotations

from pathlib import Path

import dns.rcode
import pytest

from exporters.prometheus import Exposition
from monitor.clock import SystemClock
from monitor.interfaces import Observation
from monitor.ledger.snapshot import Newest
from monitor.probes import Io
from monitor.probes.dns import DnsSettings
from monitor.probes.dns import probe as ask
from monitor.probes.icmp import IcmpSettings, refusal
from monitor.probes.icmp import probe as ping
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.faces.samples import AS_OF, SELF, result, snapshot, view
from tests.faces.test_beside_blackbox import Samples, blackbox, samples, theirs
from tests.probes.conftest import TICK
from tests.probes.names import Reply, code, naming, records
from tests.probes.test_icmp import missing

NAME = "app.example.com"
MODULES = f"""
modules:
  A: {{prober: dns, dns: {{query_name: {NAME}, query_type: A, preferred_ip_protocol: ip4}}}}
  SOA: {{prober: dns, dns: {{query_name: {NAME}, query_type: SOA, preferred_ip_protocol: ip4}}}}
  ping: {{prober: icmp, icmp: {{preferred_ip_protocol: ip4}}}}
"""
TIMES = frozenset({"probe_duration_seconds", "probe_dns_duration_seconds", "probe_icmp_duration_seconds"})
NEVER_OURS = frozenset({"probe_dns_lookup_time_seconds", "probe_ip_addr_hash"})
"""Of a target that is an address nothing is looked up: what was not measured is absent."""

SOA = "ns.example.com. admin.example.com. 2026112501 7200 900 1209600 300"
CASES: list[tuple[str, Reply]] = [
    ("A", records((60, "A", "192.0.2.1"), (60, "A", "192.0.2.2"))),
    ("A", code(dns.rcode.NXDOMAIN)),
    ("A", code(dns.rcode.SERVFAIL)),
    ("SOA", records((60, "SOA", SOA))),
]


__all__ = ["blackbox"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("beside")
    (made / "blackbox.yml").write_text(MODULES)
    return made


def shown(seen: Observation) -> Samples:
    look = result(
        outcome=seen.outcome,
        reason=seen.reason,
        duration_ms=seen.duration_ms,
        phases_ms=seen.phases,
        status=None,
        ip=seen.ip,
        certificate_expires=None,
    )
    looks = (Newest("app", "target", look, AS_OF + 60_000),)
    page = Exposition().render(snapshot(view("app"), looks=looks), {("admin", "london"): seen.attributes or {}}, SELF)
    return samples("".join(page))


def io() -> Io:
    clock = SystemClock()
    return Io(clock, Resolver((), clock.monotonic_ns), Tls(), allow_private_targets=True, timeout_ms=5_000)


def differences(ours: Samples, other: Samples) -> list[str]:
    """Names that we write and they do not, or that mean something else; of times only the phases are compared."""
    own = {name: found for name, found in ours.items() if name != "probe_fail_info"}
    wrong = [name for name, found in own.items() if name not in TIMES and found != other.get(name)]
    return wrong + [name for name in TIMES & own.keys() if not own[name].keys() <= other[name].keys()]


@pytest.mark.parametrize(("module", "reply"), CASES, ids=["answers", "no name", "failure", "serial"])
async def test_a_question_shows_what_blackbox_shows(blackbox: str, module: str, reply: Reply) -> None:
    async with naming({NAME: reply}) as server:
        other = await theirs(blackbox, module, server.address)
        given = DnsSettings.model_validate({"name": NAME, "type": module, "server": server.address})
        ours = shown(await ask(given, TICK, io()))
    assert differences(ours, other) == []
    dns_names = {name for name in other if name.startswith("probe_dns")} - NEVER_OURS
    assert dns_names - {"probe_dns_serial"} <= ours.keys()
    assert ("probe_dns_serial" in ours) == (module == "SOA")


async def test_an_echo_shows_what_blackbox_shows(blackbox: str) -> None:
    why = refusal()
    if why is not None:
        missing(why)
    other = await theirs(blackbox, "ping", "127.0.0.1")
    ours = shown(await ping(IcmpSettings(host="127.0.0.1"), TICK, io()))
    assert differences(ours, other) == []
    assert {name for name in other if name.startswith("probe_icmp")} <= ours.keys()
