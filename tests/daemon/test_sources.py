"""The daemon over a status page on this machine: polled, reloaded, listed."""

from __future__ import annotations

import pytest

from tests.daemon.programs import Minutebook, Until, configuration, ended, now_ms, running_app
from tests.vendors import cloudflare, sentry
from tests.vendors.cloudflare import Cloudflare
from tests.vendors.sentry import Sentry
from tests.vendors.serving import served
from tests.vendors.statuspage import StatusPage

MORE = """\
sources: [{{name: them, statuspage: {{url: "{url}"}}, provider: cloudflare, every: 1s}}]
policies: [{{effective_from: 2026-01-01, third_party: {{corroborated_by: {{cloudflare: [edge]}}}}}}]
"""


@pytest.fixture
def page() -> StatusPage:
    return StatusPage({"cdn1": "Edge - CDN", "kv1": "KV"})


def test_an_incident_is_seen_recorded_and_shown_and_a_page_that_is_taken_out_ends_it(
    minutebook: Minutebook, until: Until, page: StatusPage
) -> None:
    began = now_ms() - 60_000
    page.open("i1", began, {"cdn1": "major_outage"})
    with served(page) as vendor, running_app() as app:
        file = configuration(minutebook.folder, app, MORE.format(url=vendor.url))
        edge = f"{{name: edge, role: corroboration, http: {{url: '{app.url}'}}, interval: 1s, timeout: 1s}}"
        text = file.read_text().replace(
            "[{name: app, checks: [", f"[{{name: app, depends_on: [cloudflare/CDN], checks: [{edge}, "
        )
        file.write_text(text)
        with ended(minutebook.starting("run", "-c", file)) as daemon:
            daemon.ready()
            until(lambda: daemon.value("sla_provider_component_severity", provider="cloudflare", component="CDN") == 4)
            assert (daemon.value("minutebook_source_last_success_timestamp_seconds", source="them") or 0) * 1000 > began
            assert daemon.value("minutebook_source_problems_total", source="them", reason="html") == 0
            page.update("i1", now_ms(), "resolved", {"cdn1": "operational"})
            until(lambda: daemon.value("sla_provider_component_severity", provider="cloudflare", component="CDN") == 0)
            page.open("i2", now_ms(), {"cdn1": "partial_outage"})
            until(lambda: daemon.value("sla_provider_component_severity", provider="cloudflare", component="CDN") == 3)
            without = text.replace(text[text.index("sources:") : text.index("policies:")], "")
            file.write_text(without)
            assert daemon.reload(minutebook.token()).status in (200, 204)
            until(lambda: daemon.value("sla_provider_component_severity", provider="cloudflare", component="CDN") == 0)
            assert daemon.value("minutebook_source_last_success_timestamp_seconds", source="them") is None
            file.write_text(text)
            vendor.trouble = "slow"
            assert daemon.reload(minutebook.token()).status in (200, 204)
            asked = len(vendor.asked)
            until(lambda: len(vendor.asked) > asked)  # and it is kept waiting
            assert daemon.stop() == 0
        assert [fact["incident"] for fact in minutebook.facts("incident")] == ["i1", "i1", "i2", "i2"]


def test_components_lists_what_a_page_offers(minutebook: Minutebook, page: StatusPage) -> None:
    with served(page) as vendor, running_app() as app:
        file = configuration(minutebook.folder, app, MORE.format(url=vendor.url).partition("policies")[0])
        shown = minutebook.well("components", "them", "-c", file)
        assert shown.splitlines() == ["id    name  state", "cdn1  CDN   operational", "kv1   KV    operational"]
        done = minutebook("components", "them", "-c", file, "--json")
        assert done.json[0] == {"id": "cdn1", "name": "CDN", "group": None, "state": "operational"}
        vendor.trouble = "forbidden"
        done = minutebook("components", "them", "-c", file)
        assert (done.status, done.out) == (1, "")
        assert "them cannot be read: forbidden (status 403)" in done.err
        done = minutebook("components", "us", "-c", file)
        assert done.status == 2
        assert "there is no source 'us' that this version asks; there are: them" in done.err


def test_a_page_that_posts_is_asked_at_once_and_nobody_else_can_have_it_asked(
    minutebook: Minutebook, until: Until, page: StatusPage
) -> None:
    secret = "s" * 40
    (minutebook.folder / "hook").write_text(secret)
    with served(page) as vendor, running_app() as app:
        more = MORE.replace("every: 1s", "every: 1h").replace('{{url: "{url}"}}', HOOKED)
        file = configuration(minutebook.folder, app, more.format(url=vendor.url).partition("policies")[0])
        with ended(minutebook.starting("run", "-c", file)) as daemon:
            daemon.ready()
            until(lambda: len(vendor.asked) >= 3)  # at the start
            until(lambda: daemon.value("minutebook_source_last_success_timestamp_seconds", source="them"))
            asked = len(vendor.asked)
            assert daemon.ask("POST", "/hooks/them/wrong", TOLD, JSON).status == 401
            assert daemon.ask("POST", "/hooks/us", TOLD, JSON).status == 404
            assert len(vendor.asked) == asked
            assert daemon.ask("POST", f"/hooks/them/{secret}", TOLD, JSON).status == 200
            until(lambda: len(vendor.asked) >= asked + 3)
            outcomes = {
                what: daemon.value("minutebook_hook_deliveries_total", source="them", outcome=what)
                for what in ("accepted", "forged", "duplicate")
            }
            assert outcomes == {"accepted": 1, "forged": 1, "duplicate": 0}
            assert daemon.stop() == 0


HOOKED = '{{url: "{url}", webhook_secret: {{from_file: hook}}}}'
TOLD, JSON = b'{"page": {"id": "p1"}}', {"Content-Type": "application/json"}


def test_components_lists_the_checks_of_a_monitor_with_their_ids(minutebook: Minutebook) -> None:
    theirs, zone = Sentry(), Cloudflare(has_events=False)
    theirs.watch("42", "checkout")
    zone.watch("hc1", "edge-check")
    zone.stand("hc1", "healthy")
    with served(theirs) as one, served(zone) as other:
        (minutebook.folder / "minutebook.yaml").write_text(
            "services: [{name: app, checks: [{name: web, http: {url: 'http://127.0.0.1:1/'}}]}]\n"
            "sources:\n"
            f"  - name: s\n    sentry_uptime: {{organization: optizio, url: '{one.url}',"
            " auth_token: {from_env: S}}\n"
            f"  - name: c\n    cloudflare_health_checks: {{zone: {cloudflare.ZONE}, api_url: '{other.url}',"
            " api_token: {from_env: C}}\n"
        )
        env = {"S": sentry.TOKEN, "C": cloudflare.TOKEN}
        shown = minutebook("components", "s", env=env)
        assert (shown.status, shown.out.splitlines()) == (0, ["id  name      state", "42  checkout  unknown"])
        shown = minutebook("components", "c", env=env)
        assert (shown.status, shown.out.splitlines()) == (
            0,
            ["id   name        state", "hc1  edge-check  operational"],
        )
