"""How a page is fetched: the request, its secrets, TLS and names."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from monitor.poller import Fetcher, session
from monitor.settings import Secret
from monitor.sources.kind import Reply, Request, bearer
from tests.poller.conftest import START, configured
from tests.poller.polled import polling
from tests.probes.clocks import FakeClock
from tests.vendors.serving import Vendor, serving
from tests.vendors.statuspage import StatusPage


async def test_a_secret_header_is_sent_and_never_shown(vendor: Vendor, tmp_path: Path) -> None:
    token = bearer(Secret("hunter2", ("from_file", "key")))
    request = Request("incidents", f"{vendor.url}/api/v2/incidents.json", {"Authorization": token}, body={"query": "q"})
    assert "hunter2" not in repr(request)
    async with session() as client:
        answer = await Fetcher(client, FakeClock(START), 10.0).fetch(request, None)
    assert isinstance(answer.reply, Reply)
    assert vendor.headers[-1]["Authorization"] == "Bearer hunter2"
    assert vendor.headers[-1]["User-Agent"].startswith("minutebook/")
    assert answer.kept is None  # what was posted for is asked for anew


@pytest.mark.parametrize("is_trusted", [False, True])
async def test_a_page_over_tls_is_believed_with_a_certificate_that_is_trusted_only(
    is_trusted: bool, page: StatusPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    trusted = tmp_path / "authorities.pem"
    (authority if is_trusted else stranger).cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(serving(Vendor(page.answer), tls))
        polled = await stack.enter_async_context(polling(tmp_path, configured(vendor.url, tmp_path), START))
        await polled.ring()
        assert bool(polled.poller.last_success) == is_trusted
        assert polled.problems() == ({} if is_trusted else {"unreachable": 1})


async def test_a_name_of_this_machine_is_found(page: StatusPage, tmp_path: Path) -> None:
    async with serving(Vendor(page.answer)) as vendor:
        url = vendor.url.replace("127.0.0.1", "localhost")
        async with polling(tmp_path, configured(url, tmp_path), START) as polled:
            await polled.ring()
            assert polled.poller.last_success
