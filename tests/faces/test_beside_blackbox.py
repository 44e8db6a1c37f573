"""The same looks by the real blackbox_exporter and by us: the metrics of one name have one meaning, label for label."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote

import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from exporters.prometheus import Exposition
from monitor.clock import SystemClock
from monitor.ledger.snapshot import Newest
from monitor.probes import Io
from monitor.probes.http import HttpSettings, probe
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from monitor.settings import Surroundings
from tests.faces.samples import AS_OF, SELF, result, snapshot, view
from tests.probes.conftest import TICK
from tests.probes.servers import Talk, answer, serving, unused_port

OURS = frozenset({"instance", "service", "check", "vantage"})
TIMES = frozenset({"probe_duration_seconds", "probe_http_duration_seconds", "probe_dns_lookup_time_seconds"})
PATIENCE_S = 20

MODULES = """
modules:
  plain: {prober: http, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: CA}}}
  body: {prober: http, http: {fail_if_body_not_matches_regexp: [nothing], tls_config: {ca_file: CA}}}
  header: {prober: http, http: {fail_if_header_matches: [{header: Via, regexp: one}], tls_config: {ca_file: CA}}}
  secret: {prober: http, http: {fail_if_ssl: true, tls_config: {ca_file: CA}}}
"""
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("plain", "/", {}),
    ("plain", "/missing", {}),
    ("plain", "/away", {}),
    ("body", "/", {"expect": {"body_matches": "nothing"}}),
    ("header", "/", {"expect": {"headers": [{"name": "Via", "lacks": "one"}]}}),
    ("secret", "/", {"expect": {"tls": "forbidden"}}),
]

Samples = Mapping[str, Mapping[frozenset[tuple[str, str]], float]]


async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`/away` leads to `/`; anything else is missing."""
    path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
    answers = {b"/": answer(b"200 OK", b"fine", b"Via: one"), b"/away": answer(b"302 Found", b"", b"Location: /")}
    writer.write(answers.get(path, answer(b"404 Not Found", b"none")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("beside")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "blackbox.yml").write_text(MODULES.replace("CA", str(tmp_path / "ca.pem")))
    return tmp_path


@pytest.fixture(scope="module")
def blackbox(tool: Callable[[str], str], folder: Path) -> Iterator[str]:
    place = f"127.0.0.1:{unused_port()}"
    command = [tool("blackbox_exporter"), f"--config.file={folder / 'blackbox.yml'}", f"--web.listen-address={place}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://{place}"
        finally:
            process.terminate()


async def theirs(base: str, module: str, url: str) -> Samples:
    def fetch() -> str:
        with urllib.request.urlopen(f"{base}/probe?module={module}&target={quote(url)}", timeout=PATIENCE_S) as page:  # noqa: S310
            text: str = page.read().decode()
            return text

    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return samples(await asyncio.to_thread(fetch))
            except URLError:  # it does not listen yet
                await asyncio.sleep(0.05)


async def ours(folder: Path, url: str, given: Mapping[str, Any]) -> Samples:
    clock = SystemClock()
    resolver = Resolver(("127.0.0.1",), clock.monotonic_ns)
    trusting = {"tls": {"ca_file": "ca.pem"}} if url.startswith("https") else {}
    settings = HttpSettings.model_validate({"url": url, **trusting, **given}, context=Surroundings(folder, {}))
    seen = await probe(settings, TICK, Io(clock, resolver, Tls(), allow_private_targets=True, timeout_ms=20_000))
    await resolver.aclose()
    look = result(
        outcome=seen.outcome,
        reason=seen.reason,
        duration_ms=seen.duration_ms,
        phases_ms=seen.phases,
        status=seen.status,
        ip=seen.ip,
        certificate_expires=seen.certificate_expires,
    )
    newest = Newest("app", url, look, AS_OF + 60_000)
    page = Exposition().render(
        snapshot(view("app"), looks=(newest,)), {("admin", "london"): seen.attributes or {}}, SELF
    )
    return samples("".join(page))


def samples(page: str) -> Samples:
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name.startswith("probe_"):
                labels = frozenset((name, value) for name, value in sample.labels.items() if name not in OURS)
                found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_one_name_has_one_meaning(
    blackbox: str, folder: Path, scheme: str, case: tuple[str, str, dict[str, Any]]
) -> None:
    module, path, given = case
    context = None
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    talk: Talk = app
    async with serving(talk, context, read_request=False) as server:
        url = f"{scheme}://127.0.0.1:{server.port}{path}"
        other = await theirs(blackbox, module, url)
        own = await ours(folder, url, given)
    shared = own.keys() & other.keys()
    assert {"probe_success", "probe_http_status_code", "probe_http_ssl", "probe_ip_protocol"} <= shared
    assert own.keys() - shared <= {"probe_fail_info"}
    for name in shared - TIMES:
        assert own[name] == other[name], name
    for name in TIMES & shared:
        assert own[name].keys() <= other[name].keys(), name
