"""A source that leads us elsewhere, into our own network for one: nothing that it answers chooses whom we ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import parse
from monitor.ledger.period import parse_instant
from tests.poller.polled import polling
from tests.probes.servers import answer, says, serving
from tests.vendors import sentry
from tests.vendors.sentry import Sentry
from tests.vendors.serving import Vendor
from tests.vendors.serving import serving as vending

NOW = parse_instant("2026-06-10T12:00:00Z")
CONFIG = """\
services: [{{name: app, checks: [{{name: web, http: {{url: "https://app.example.com/"}}}}]}}]
probing: {{allow_private_targets: false, confirm_after: 0}}
sources:
  - {{name: page, statuspage: {{url: "{url}"}}, provider: cloudflare}}
  - name: sentry
    sentry_uptime: {{organization: optizio, url: "{url}", auth_token: {{from_env: S}}}}
    vantage_of: {{"42": web}}
"""


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Again", b"308 For Good"])
async def test_no_redirect_of_a_source_is_followed_to_an_address_of_ours(tmp_path: Path, status: bytes) -> None:
    async with serving(says(answer())) as inside:
        location = f"Location: {inside.url}latest/meta-data".encode()
        async with serving(says(answer(status, b"", location))) as page:
            config = parse(CONFIG.format(url=page.url.rstrip("/")), "minutebook.yaml", tmp_path, {"S": "s"})
            async with polling(tmp_path, config, NOW) as polled:
                await polled.ring()
                await polled.ring(name="sentry")
                assert polled.poller.problems["page", "redirected"] == 1
                assert polled.poller.problems["sentry", "redirected"] == 1
        assert inside.connections == 0


async def test_the_address_that_the_operator_gave_is_asked_also_where_targets_may_not_be_private(
    tmp_path: Path,
) -> None:
    there = Sentry(per_page=1)
    there.watch("41", "another")
    there.watch("42", "app")
    there.check("42", NOW)
    async with vending(Vendor(there.answer)) as vendor:
        config = parse(CONFIG.format(url=vendor.url), "minutebook.yaml", tmp_path, {"S": sentry.TOKEN})
        async with polling(tmp_path, config, NOW) as polled:
            await polled.ring(name="sentry")
            assert polled.problems() == {}
            assert polled.poller.last_success.keys() == {"sentry"}  # its pages link to another host, which is not asked
