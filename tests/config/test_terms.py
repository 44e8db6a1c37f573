"""Terms: what the ledger is told, what the log keeps of it, and that the two are one."""

from __future__ import annotations

import copy
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import load, parse, terms_json, terms_of, to_terms, written_terms
from monitor.facts import Fact, Json, canonical_json, canonical_line, decode_fact, decode_line, sha256_text
from monitor.facts.canonical import fact_object
from monitor.ledger.changes import changes
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, midnight, parse_instant
from monitor.ledger.terms import Policy, policy_for
from monitor.settings import format_duration
from monitor.wiring import terms_fact
from tests.config.written import EDGE, SMALLEST, WEB, checking, decoded, example_with_secrets

POLICY = """\
policies:
  - effective_from: 2026-01-01
    announced_on: 2025-12-20
    change_notice: 20d
    availability: {objective: 99.95%, downtime_cap: 20m, finalise_after: 3d}
    maintenance: {notice: 24h, witness_within: 10m, longest: 12h}
    third_party: {providers: [cloudflare], min_severity: degraded, evidence: declared, lead: 1m, lag: 2m,
                  corroborated_by: {cloudflare: [edge]}}
    declared_by_person: {approval: required}
"""


def test_every_term_of_a_policy_reaches_the_ledger() -> None:
    terms = to_terms(checking(WEB, EDGE, more=POLICY))
    assert terms.policies == (
        Policy(
            effective_from=date(2026, 1, 1),
            announced_on=date(2025, 12, 20),
            change_notice_ms=20 * DAY,
            objective=Fraction(9995, 10000),
            downtime_cap_ms=20 * MINUTE,
            finalise_after_ms=3 * DAY,
            notice_ms=24 * HOUR,
            witness_within_ms=10 * MINUTE,
            longest_ms=12 * HOUR,
            providers=frozenset({"cloudflare"}),
            min_severity=2,
            evidence="declared",
            corroborated_by={"cloudflare": ("edge",)},
            lead_ms=1 * MINUTE,
            lag_ms=2 * MINUTE,
            approval_required=True,
            digest=terms.policies[0].digest,
        ),
    )


def test_every_term_of_a_check_reaches_the_ledger() -> None:
    more = "timezone: Europe/London\n"
    life = "since: 2026-03-30, until: '2026-05-01T00:00:00+02:00'"
    terms = to_terms(checking(f"{WEB}, fall: 3, rise: 2, quorum: 2, hold: 80s, {life}", EDGE, more=more))
    web, edge = terms.service("app").checks
    assert (web.hold_ms, web.fall, web.rise, web.quorum, web.corroboration) == (80_000, 3, 2, 2, False)
    assert web.since == midnight(date(2026, 3, 30), ZoneInfo("Europe/London")) == parse_instant("2026-03-29T23:00:00Z")
    assert web.until == parse_instant("2026-04-30T22:00:00Z")
    assert (edge.corroboration, edge.since, edge.until) == (True, None, None)


def test_a_heartbeats_terms_are_its_own() -> None:
    nightly = to_terms(checking("name: nightly, heartbeat: {every: 1d, grace: 1h}")).checks["nightly"]
    assert (nightly.hold_ms, nightly.fall) == (25 * HOUR, 1)


def test_a_configuration_without_policies_has_one_always_in_force_that_lets_no_provider_excuse() -> None:
    terms = to_terms(decoded(SMALLEST))
    policy = policy_for(terms.policies, Month(1999, 12))
    assert (policy.objective, policy.downtime_cap_ms, policy.notice_ms) == (Fraction(999, 1000), None, 48 * HOUR)
    assert (policy.evidence, policy.providers) == ("corroborated", frozenset())
    assert policy.digest.startswith("sha256:")


def test_digests_are_of_the_canonical_json() -> None:
    config = checking(WEB, EDGE, more=POLICY)
    written = terms_json(config)
    assert to_terms(config).digest == sha256_text(canonical_json(written))
    policies = written["policies"]
    assert isinstance(policies, list)
    assert to_terms(config).policies[0].digest == sha256_text(canonical_json(policies[0]))


def test_terms_are_the_same_read_from_the_configuration_and_from_the_fact(tmp_path: Path) -> None:
    config = load(example_with_secrets(tmp_path), {})
    terms = to_terms(config)
    line: dict[str, Json] = {"kind": "terms", "recorded_at": "2026-01-01T00:00:00.000Z", "digest": terms.digest}
    fact = decode_fact({**line, "terms": terms_json(config)})
    assert isinstance(fact, Fact)
    kept = fact.fields["terms"]
    assert isinstance(kept, dict)
    assert terms_of(kept) == terms


HTTP = "name: a, http: {url: 'http://a.example'"
WRITTEN = (
    WEB,
    "name: a, http: null, tcp: null, icmp: {host: a.example}, since: null",
    "name: a, http: {url: 'http://a.example', body: null, auth: null}, icmp: null, heartbeat: null",
    "name: a, heartbeat: {every: 1h, grace: 5m}, http: null, icmp: null",
    f"{WEB}, interval: 1m, fall: 3, hold: 2m, rise: 2, quorum: 2, since: 2026-01-01, until: 2026-02-01T00:00:00+01:00",
    f"{WEB}, warn: {{certificate_days: 3, duration: 2s}}, interval: 30000ms, timeout: 10s",
    "name: 'Łódź \"x\" \U0001f600', http: {url: 'https://a.example/ü', method: POST, body: \"é\\u0007\\u007f\"}",
    f"{HTTP}, headers: {{zz: '1', Aa: '2', b: {{from_env: KEY}}}}, compression: [gzip]}}",
    f"{HTTP}, expect: {{status: [204, 300-399], json: ['$.a == 1.5'], size: {{at_most: 9}}}}}}",
    f"{HTTP}, expect: {{headers: [{{name: X, matches: y}}], body_lacks: [a, b], tls: required}}}}",
    f"{HTTP}, redirects: {{limit: 0}}, auth: {{user: u, password: {{from_env: KEY}}}}}}",
    "name: a, heartbeat: {every: 1h, grace: 5m}",
    "name: a, dns: {name: a.example, server: 192.0.2.1}",
    "name: a, icmp: {host: a.example}",
    "name: a, tls: {host: a.example, port: 443}",
    "name: a, tcp: {host: a.example, port: 25, steps: [{expect: '^220 ', send: 'QUIT'}]}",
    "name: a, grpc: {host: a.example, port: 443}",
    "name: a, websocket: {url: 'wss://a.example/'}",
)


@pytest.mark.parametrize("check", WRITTEN)
def test_what_is_recorded_is_the_canonical_json_of_the_terms(check: str) -> None:
    text = f"services:\n- name: s\n  depends_on: [p/c]\n  checks: [{{{check}}}, {{{EDGE}}}]\n{POLICY}"
    config = parse(text, "minutebook.yaml", Path(), {"KEY": "hunter2"})
    promised = written_terms(config)
    assert promised.written == canonical_json(terms_json(config))
    fact = terms_fact("local", promised, 0)
    assert canonical_line(fact) == canonical_json(fact_object(fact))
    assert decode_line(canonical_line(fact)) == fact
    assert terms_of(cast("dict[str, Json]", fact.fields["terms"])) == promised.terms


def test_the_digest_does_not_change_with_what_is_only_written_otherwise() -> None:
    plain = to_terms(checking(WEB)).digest
    assert to_terms(checking(f"{WEB}, interval: 30000ms, fall: 2, hold: 1m10s")).digest == plain
    assert to_terms(checking(WEB, more="location: elsewhere\n")).digest == plain


@pytest.mark.parametrize("changed", ["fall: 3", "hold: 71s", "interval: 31s", "quorum: all", "since: 2026-01-01"])
def test_the_digest_changes_with_any_term(changed: str) -> None:
    assert to_terms(checking(f"{WEB}, {changed}")).digest != to_terms(checking(WEB)).digest


def canaries(*names: str) -> str:
    servers = ("192.0.2.1", "198.51.100.1", "203.0.113.1")
    asked = (f"{{dns: {{name: {name}, server: {server}}}}}" for name, server in zip(names, servers, strict=True))
    return f"probing: {{canaries: [{', '.join(asked)}]}}\n"


def test_canaries_and_confirming_looks_are_terms_and_what_is_not_said_of_them_is_none() -> None:
    three = terms_json(checking(WEB, more=canaries("a.example", "b.example", "c.example")))
    dead = terms_json(checking(WEB, more=canaries("a.example", "dead.invalid", "c.example")))
    [change] = changes(three, dead)
    assert isinstance(change, dict)
    assert (change["path"], change["after"]) == ("probing.canaries[1].dns.name", '"dead.invalid"')
    [quieter] = changes(terms_json(checking(WEB)), terms_json(checking(WEB, more="probing: {confirm_after: 0}\n")))
    assert isinstance(quieter, dict)
    assert quieter["path"] == "probing"
    said = checking(WEB, more="probing: {confirm_after: 5s, allow_private_targets: true}\n")
    assert "probing" not in terms_json(checking(WEB))
    assert terms_json(said) == terms_json(checking(WEB))


def test_no_secret_of_a_canary_stands_in_the_terms() -> None:
    text = "probing: {canaries: [{http: {url: 'https://a.example/', headers: {x-key: {from_env: KEY}}}}]}\n"
    config = parse(f"{SMALLEST}{text}", "minutebook.yaml", Path(), {"KEY": "hunter2"})
    assert "hunter2" not in str(terms_json(config))
    assert "a.example" in str(terms_json(config))


def test_terms_that_this_version_does_not_know_are_none() -> None:
    written = terms_json(decoded(SMALLEST))
    for spoilt in (
        {},
        {**written, "services": 3},
        {**written, "timezone": "Mars/Olympus"},
        {**written, "policies": None},
    ):
        assert terms_of(spoilt) is None


def test_terms_with_keys_that_this_version_does_not_know_are_read() -> None:
    written = terms_json(decoded(SMALLEST))
    richer = copy.deepcopy(written)
    assert isinstance(richer["services"], list)
    assert isinstance(richer["services"][0], dict)
    richer["services"][0]["colour"] = "green"
    found, known = terms_of(richer), terms_of(written)
    assert found is not None
    assert known is not None
    assert found.services == known.services


_MS = st.integers(1, 400 * DAY)


@given(_MS, _MS, st.integers(1, 9), st.sampled_from(["any", "majority", "all", "1", "7"]), st.integers(1, 10**9 - 1))
def test_any_terms_read_back_as_they_were(interval: int, timeout: int, fall: int, quorum: str, billionths: int) -> None:
    timeout = min(timeout, interval)
    each = f"interval: {format_duration(interval)}, timeout: {format_duration(timeout)}, fall: {fall}, quorum: {quorum}"
    objective = f"{billionths / 10**7:.7f}%"
    more = f"policies: [{{effective_from: 2026-01-01, availability: {{objective: {objective}}}}}]\n"
    config = checking(f"{WEB}, {each}", more=more)
    terms = terms_of(terms_json(config))
    assert terms == to_terms(config)
    assert terms is not None
    assert terms.checks["web"].hold_ms == 2 * interval + timeout
    assert terms.policies[0].objective == Fraction(billionths, 10**9)
