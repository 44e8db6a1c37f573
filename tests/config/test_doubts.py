"""The warnings of check-config: allowed, and not what most people want."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import check
from tests.config.written import EDGE, SMALLEST, WEB


def warnings(text: str, folder: Path) -> list[str]:
    path = folder / "minutebook.yaml"
    path.write_text(text)
    return [str(problem).removeprefix(str(folder) + "/") for problem in check(path, {"TOKEN": "x"}).warnings]


def with_check(check: str, more: str = "") -> str:
    return f"services:\n  - name: app\n    checks:\n      - {{{check}}}\n{more}"


def test_a_plain_configuration_has_no_warnings(tmp_path: Path) -> None:
    assert warnings(SMALLEST, tmp_path) == []


def test_a_timeout_equal_to_the_interval(tmp_path: Path) -> None:
    assert warnings(with_check(f"{WEB}, interval: 10s"), tmp_path) == [
        "minutebook.yaml:4:9: services[0].checks[0].timeout: the timeout is as long as the interval: a slow look ends"
        " when the next one begins; make it shorter"
    ]


VANTAGES = """\
sources:
  - {name: cf, cloudflare_health_checks: {zone: abc, api_token: {from_env: TOKEN}}, vantage_of: {a: web}}
"""


def test_an_even_number_of_vantages_with_majority(tmp_path: Path) -> None:
    found = warnings(with_check(WEB, VANTAGES), tmp_path)
    assert found[0] == (
        "minutebook.yaml:4:9: services[0].checks[0]: web has 2 vantages, and a majority of an even number shortens"
        " outages; add or leave out one, or set another quorum"
    )
    assert not [text for text in warnings(with_check(f"{WEB}, quorum: any", VANTAGES), tmp_path) if "vantages" in text]


def test_a_budget_that_the_interval_cannot_prove_with_its_arithmetic(tmp_path: Path) -> None:
    assert warnings(with_check(f"{WEB}, interval: 30m"), tmp_path) == [
        "minutebook.yaml:4:9: services[0].checks[0]: the budget cannot be proved: up to fall x interval = 2 x 30m = 1h"
        " of downtime can stay unseen, and the budget of a month of 28 days is 40m19s200ms (objective 99.9%); look more"
        " often"
    ]


@pytest.mark.parametrize(
    ("interval", "promise", "is_provable"),
    [
        ("20m", "objective: 99.9%", True),
        ("21m", "objective: 99.9%", False),
        ("21m", "objective: 99%", True),
        ("11m", "objective: 99%, downtime_cap: 20m", False),
        ("10m", "objective: 99%, downtime_cap: 20m", True),
    ],
)
def test_the_strictest_bound_of_the_budget_decides(
    interval: str, promise: str, is_provable: bool, tmp_path: Path
) -> None:
    policies = f"policies: [{{effective_from: 2025-01-01, availability: {{{promise}}}}}]\n"
    found = warnings(with_check(f"{WEB}, interval: {interval}", policies), tmp_path)
    assert (found == []) is is_provable


def test_corroborating_checks_prove_no_budget(tmp_path: Path) -> None:
    assert warnings(with_check(WEB).rstrip() + f"\n      - {{{EDGE}, interval: 1h}}\n", tmp_path) == []


def test_a_policy_that_was_announced_late(tmp_path: Path) -> None:
    policies = (
        "policies:\n"
        "  - {effective_from: 2025-01-01, announced_on: 2024-12-31}\n"
        "  - {effective_from: 2026-04-01, announced_on: 2026-03-03}\n"
    )
    assert warnings(SMALLEST + policies, tmp_path) == [
        "minutebook.yaml:7:22: policies[1].effective_from: announced on 2026-03-03, less than 30d ahead: it takes"
        " effect on 2026-04-02 and decides the months that begin from then on, not from 2026-04-01"
    ]


def test_a_single_name_server(tmp_path: Path) -> None:
    [warning] = warnings(f"{SMALLEST}probing:\n  resolvers: [9.9.9.9]\n", tmp_path)
    assert warning.startswith("minutebook.yaml:6:14: probing.resolvers: one name server says alone what no second one")
    assert not warnings(f"{SMALLEST}probing:\n  resolvers: [9.9.9.9, 149.112.112.112]\n", tmp_path)


def test_fewer_than_three_canaries(tmp_path: Path) -> None:
    two = "probing:\n  canaries: [{dns: {name: example.com}}, {http: {url: 'https://example.org/'}}]\n"
    assert warnings(SMALLEST + two, tmp_path) == [
        "minutebook.yaml:6:13: probing.canaries: 2 canaries cannot outvote one that fails by itself; name at least 3"
    ]


def test_canaries_that_a_captive_portal_passes_for(tmp_path: Path) -> None:
    servers = "{dns: {name: example.com, server: 9.9.9.9}}, {dns: {name: example.org, server: 8.8.8.8}}"

    def found(third: str) -> list[str]:
        return warnings(f"{SMALLEST}probing:\n  canaries: [{servers}, {third}]\n", tmp_path)

    assert found("{tcp: {host: a.test, port: 22}}") == [
        "minutebook.yaml:6:13: probing.canaries: none of the canaries says who it is, so that a captive portal is taken"
        " for the network; add an `http` with `expect.body_matches`"
    ]
    assert found("{http: {url: 'http://a.test/'}}") == [
        "minutebook.yaml:6:104: probing.canaries[2]: any captive portal answers like this; expect its known body with"
        " `expect.body_matches`"
    ]
    assert found("{http: {url: 'http://a.test/', expect: {body_matches: it is me}}}") == []


def test_a_dependency_that_nothing_lets_excuse(tmp_path: Path) -> None:
    text = SMALLEST.replace("    checks", "    depends_on: [cloudflare/CDN]\n    checks")
    others = "policies: [{effective_from: 2025-01-01, third_party: {providers: [shopify]}}]\n"
    assert warnings(text + others, tmp_path) == warnings(text, tmp_path)
    assert warnings(text, tmp_path) == [
        "minutebook.yaml:3:18: services[0].depends_on[0]: an outage of cloudflare excuses nothing: no policy lists it"
        " in third_party.providers"
    ]


def test_a_provider_that_no_service_depends_on(tmp_path: Path) -> None:
    source = 'sources: [{name: page, statuspage: {url: "https://status.example.com"}, provider: cloudflare}]\n'
    assert warnings(SMALLEST + source, tmp_path) == [
        "minutebook.yaml:5:83: sources[0].provider: no service depends on cloudflare: nothing of its incidents is kept;"
        " name its components in depends_on"
    ]


def test_a_monitor_whose_checks_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("token")
    source = "sources: [{name: s, sentry_uptime: {organization: o, auth_token: {from_file: t}}}]\n"
    assert warnings(SMALLEST + source, tmp_path) == [
        "minutebook.yaml:5:11: sources[0]: s looks at no check of ours: nothing of what it sees is kept;"
        " map its checks in vantage_of"
    ]


def test_beacons_that_anybody_can_send(tmp_path: Path) -> None:
    [warning] = warnings(SMALLEST + "web_vitals: {auth: open}\n", tmp_path)
    assert "web_vitals: beacons are taken from the pages of anybody" in warning
    assert warnings(SMALLEST + "web_vitals: {allowed_origins: ['https://a.example']}\n", tmp_path) == []


def test_a_month_that_closes_before_its_web_vitals_are_recorded(tmp_path: Path) -> None:
    policy = "policies: [{effective_from: 2020-01-01, web_vitals: {}, availability: {finalise_after: %s}}]\n"
    [warning] = warnings(SMALLEST + policy % "2d", tmp_path)
    assert "policies[0].availability.finalise_after: months are closed before the Web Vitals of their last" in warning
    assert warnings(SMALLEST + policy % "3d", tmp_path) == []


def test_an_address_that_can_be_guessed(tmp_path: Path) -> None:
    page = 'statuspage: {url: "https://s.example", webhook_secret: {from_env: TOKEN}}'
    text = SMALLEST + f"sources: [{{name: us, {page}, announces_maintenance: true}}]\n"
    [warning] = warnings(text, tmp_path)
    assert "sources[0].statuspage.webhook_secret: 1 characters that end an address can be guessed" in warning


def test_a_priority_of_a_ticket_system_that_no_policy_names(tmp_path: Path) -> None:
    desk = "{url: 'https://a.freshdesk.com', api_key: {from_env: TOKEN}, priorities: {urgent: critical, low: minor}}"
    hours = "hours: {mon-fri: '09:00-17:00'}, respond_within: {critical: {in_hours: 30m, after_hours: 2h}}"
    policies = f"policies: [{{effective_from: 2026-01-01, support: {{{hours}}}}}]\n"
    [warning] = warnings(f"{SMALLEST}sources: [{{name: desk, freshdesk: {desk}}}]\n{policies}", tmp_path)
    assert "sources[0].freshdesk.priorities.low: no policy has minor in support.respond_within" in warning
