"""The example of every section, and what a configuration says without them."""

from __future__ import annotations

import json
import traceback
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from monitor.config import Config, check, load, terms_json
from monitor.errors import ConfigError
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND
from monitor.ledger.terms import VitalLimit as Limit
from monitor.settings import Secret
from tests.config.written import SECRETS, SMALLEST, canary_of, checking, decoded, example_with_secrets

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted((ROOT / "tests" / "scenarios").glob("*/config.yaml"))


@pytest.fixture
def example(tmp_path: Path) -> Config:
    return load(example_with_secrets(tmp_path), {})


def test_the_example_decodes_as_it_reads(example: Config, tmp_path: Path) -> None:
    admin = example.checks["admin"]
    assert (admin.kind, admin.interval, admin.timeout, admin.hold) == ("http", 30 * SECOND, 10 * SECOND, 70 * SECOND)
    assert (admin.since, admin.warn.duration) == (date(2025, 7, 1), 5 * SECOND)
    assert example.timezone.key == "Europe/London"
    assert example.storage.path == tmp_path / "minutebook.db"
    assert example.services[0].depends_on[1] == ("shopify", "*")
    assert [canary.kind for canary in example.probing.canaries or ()] == ["dns", "dns", "http"]
    assert [source.kind for source in example.sources[2:]] == [
        "instatus",
        "cloudflare_health_checks",
        "sentry_uptime",
        "prometheus",
    ]
    assert example.customers[0].monthly_fee == ((None, (Decimal("499.00"), "USD")),)


def test_the_policy_of_the_example_decodes_exactly(example: Config) -> None:
    assert example.policies is not None
    policy = example.policies[0]
    assert (policy.availability.objective, policy.availability.downtime_cap) == (Fraction(999, 1000), 43 * MINUTE)
    assert policy.support is not None
    assert str(policy.support.respond_within["high"].in_hours) == "12h"
    assert policy.support.hours[4] == ((9 * 60, 21 * 60),)
    assert policy.web_vitals is not None
    limits = (policy.web_vitals.LCP, policy.web_vitals.CLS)
    assert limits == (Limit("<", Fraction(2500)), Limit("<", Fraction(1, 10)))
    assert policy.credits is not None
    assert (policy.credits.per_breach, policy.credits.claim_within) == (Fraction(1, 10), 3)


def test_the_secrets_of_the_example_are_read_and_never_shown(example: Config) -> None:
    assert isinstance(example.signing_key, Secret)
    assert example.signing_key.reveal() == canary_of("ed25519")
    shown = [repr(example), str(example), example.model_dump_json(), json.dumps(terms_json(example))]
    assert not [name for name in SECRETS if any(canary_of(name) in text for text in shown)]


def test_a_message_about_the_example_shows_no_secret(tmp_path: Path) -> None:
    path = example_with_secrets(tmp_path)
    path.write_text(path.read_text().replace("timezone: Europe/London   ", "timezone: nowhere") + "unknown: 1\n")
    with pytest.raises(ConfigError) as caught:
        check(path, {})
    assert "canary-" not in str(caught.value)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_written_into_the_file_is_refused_and_not_shown(name: str, tmp_path: Path) -> None:
    path = example_with_secrets(tmp_path)
    text = path.read_text()
    path.write_text(text.replace(f"{{from_file: secrets/{name}}}", canary_of(name)))
    assert path.read_text() != text
    with pytest.raises(ConfigError, match="a secret does not stand in the file itself") as caught:
        load(path, {})
    assert "canary-" not in "".join(traceback.format_exception(caught.value))


def test_what_is_not_written_has_the_defaults_of_the_contract() -> None:
    config = decoded(SMALLEST)
    web = config.checks["web"]
    assert (web.interval, web.timeout, web.hold) == (30 * SECOND, 10 * SECOND, 70 * SECOND)
    assert (web.fall, web.rise, web.quorum, web.role, web.since) == (2, 1, "majority", None, None)
    assert (config.timezone.key, config.location, config.raw_retention) == ("UTC", "local", 35 * DAY)
    assert (str(config.server.listen), config.server.metrics, config.server.status_page) == (
        "127.0.0.1:9843",
        "open",
        "public",
    )
    assert (config.probing.confirm_after, config.probing.canaries, config.probing.resolvers) == (5 * SECOND, None, None)
    assert config.services[0].public
    assert config.policies is None


def test_a_default_and_the_same_value_written_are_equal() -> None:
    assert decoded(SMALLEST) == decoded(SMALLEST + "timezone: UTC\nserver: {listen: '127.0.0.1:9843'}\n")


def test_hold_follows_interval_and_timeout() -> None:
    config = checking("name: a, http: {url: 'https://a.example.com/'}, interval: 1m, timeout: 5s")
    assert config.checks["a"].hold == 2 * MINUTE + 5 * SECOND


def test_a_heartbeat_holds_every_and_grace_and_falls_at_once() -> None:
    nightly = checking("name: nightly, heartbeat: {every: 1d, grace: 1h}").checks["nightly"]
    assert (nightly.hold, nightly.fall) == (25 * HOUR, 1)


def test_an_extra_look_can_be_switched_off_with_a_bare_zero() -> None:
    assert decoded(SMALLEST + "probing: {confirm_after: 0}\n").probing.confirm_after == 0


def test_an_absolute_storage_has_four_slashes() -> None:
    assert decoded(SMALLEST + "storage: sqlite:////var/lib/book.db\n").storage.path == Path("/var/lib/book.db")
    assert decoded(SMALLEST + "storage: postgresql://user@host/book\n").storage.path is None


def test_a_configuration_written_out_again_is_the_same_configuration(tmp_path: Path) -> None:
    path = example_with_secrets(tmp_path)
    example = load(path, {})
    path.write_text(json.dumps(example.model_dump(mode="json", by_alias=True, exclude_none=True)))
    again = load(path, {})
    assert again.model_dump() | {"services": None} == example.model_dump() | {"services": None}
    assert terms_json(again) == terms_json(example)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_the_configuration_of_every_scenario_decodes(path: Path) -> None:
    assert load(path, {}).services


LOGIK = """\
policies:
  - effective_from: 2025-01-01
    support:
      timezone: America/Chicago
      hours: {mon-fri: "07:00-18:00"}
      business_days: mon-fri
      holidays: [2025-12-25]
      respond_within:
        low: {in_hours: 1bd, after_hours: 2bd}
        medium: {in_hours: 8bh, after_hours: 1bd}
        urgent: {in_hours: 2bh, after_hours: 4bh}
        critical: {in_hours: 1h, after_hours: 2h}
routine_maintenance:
  - {name: weekend, every: "FRI 20:00", for: 33h, timezone: America/Chicago, announce_ahead: 14d}
  - {name: test-release, every: "other THU 20:00", starting: 2025-01-02, for: 2h}
  - {name: release, every: "other FRI 20:00", starting: 2025-01-03, for: 2h}
"""


def test_the_policies_that_others_promise_can_be_said() -> None:
    config = decoded(SMALLEST + LOGIK)
    assert [str(window.every) for window in config.routine_maintenance] == [
        "FRI 20:00",
        "other THU 20:00",
        "other FRI 20:00",
    ]
    assert config.policies is not None
    assert config.policies[0].support is not None
    targets = config.policies[0].support.respond_within
    assert [(str(due.in_hours), str(due.after_hours)) for due in targets.values()] == [
        ("1bd", "2bd"),
        ("8bh", "1bd"),
        ("2bh", "4bh"),
        ("1h", "2h"),
    ]


def test_severity_levels_may_be_numbers_and_support_round_the_clock() -> None:
    severities = "\n".join(f"        {level}: {{in_hours: {level}h, after_hours: {level}h}}" for level in (1, 2, 3, 4))
    hours = 'support:\n      hours: {mon-sun: "00:00-24:00"}\n      respond_within:\n'
    config = decoded(f"{SMALLEST}policies:\n  - effective_from: 2025-01-01\n    {hours}{severities}\n")
    assert config.policies is not None
    assert config.policies[0].support is not None
    assert list(config.policies[0].support.respond_within) == ["1", "2", "3", "4"]
    assert config.policies[0].support.hours[6] == ((0, 1440),)
