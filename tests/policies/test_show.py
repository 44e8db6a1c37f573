"""`policy show`: every number of a promise in words, with the line that it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import minutebook
from monitor.config import load_with_places
from monitor.config.policy import Policy
from monitor.config.promised import SENTENCES, binding
from monitor.errors import InputError
from monitor.ledger.period import Month
from monitor.settings import Settings

KIT = Path(__file__).resolve().parent.parent.parent / "deploy" / "policies" / "discount-kit.yaml"
LINES = KIT.read_text().splitlines()


def keys_of(settings: type[Settings], before: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in settings.model_fields.items():
        given = (field.annotation, *getattr(field.annotation, "__args__", ()))
        below = [each for each in given if isinstance(each, type) and issubclass(each, Settings)]
        if below and name != "respond_within":  # that is told by its targets
            found |= keys_of(below[0], f"{before}{name}.")
        else:
            found.add(before + name)
    return found


def test_every_key_of_a_policy_is_told() -> None:
    assert keys_of(Policy) - {key for key, _ in SENTENCES} == {"effective_from", "third_party.corroborated_by"}


def test_each_thing_that_binds_stands_in_the_line_that_is_named_as_the_file_spells_it() -> None:
    config, document = load_with_places(KIT)
    bound = binding(config, document, Month(2026, 3))
    assert (bound.effective_from, LINES[(bound.line or 0) - 1]) == (
        "2025-09-01",
        "  - effective_from: 2025-09-01     # support around the clock; all the rest as before",
    )
    told = {each.key: each for each in bound.promised}
    for key, number in (
        ("availability.objective", "99.9%"),
        ("availability.downtime_cap", "43m"),
        ("maintenance.notice", "48h"),
        ("web_vitals.LCP", "< 2.5s"),
        ("support.hours", "mon-sun"),
        ("support.respond_within.critical.in_hours", "30m"),
        ("credits.per_breach", "10%"),
        ("termination.consecutive_months", "3"),
    ):
        line = told[key].line
        assert line is not None
        assert number in told[key].words
        assert number in LINES[line - 1]
    assert told["third_party.lead"].line is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("discount-kit", "critical that came in opening hours is answered within 30m on the wall clock"),
        ("discount-kit", "high that came at any other time is answered by the close of the next business day"),
        ("logik-premier", "medium that came in opening hours is answered within 8bh: 8 hours of opening time"),
        ("logik-premier", "low that came in opening hours is answered within 1bd: 1 business day of opening time"),
        ("discount-kit", "what a late answer counts as: per_ticket, which is: each late ticket is one breach"),
        ("discount-kit", "what proves such an outage: corroborated, which is: our own checks of the provider fail too"),
    ],
)
def test_a_word_of_the_file_is_told_in_words_of_a_contract(name: str, words: str) -> None:
    config, document = load_with_places(KIT.with_name(f"{name}.yaml"))
    bound = binding(config, document, Month(2026, 3))
    assert [each for each in bound.promised if each.words.endswith(words)]


def test_a_version_announced_too_late_is_told_where_it_should_have_decided(tmp_path: Path) -> None:
    path = tmp_path / "late.yaml"
    path.write_text(KIT.read_text().replace("2025-07-28", "2025-08-20"))
    done = CliRunner().invoke(minutebook, ["policy", "show", "--month", "2025-09", "-c", str(path)])
    first, second, *rest = done.stdout.splitlines()
    assert first.startswith("2025-09: the version effective from 2025-07-01 (")
    assert second == "the version effective from 2025-09-01 was announced on 2025-08-20: it takes effect on 2025-09-19"
    assert any(
        line.endswith(f"late.yaml:{LINES.index('  - effective_from: 2025-07-01') + 4}  at least 99.9% of the month up")
        for line in rest
    )


def test_without_policies_the_default_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text("services: [{name: app, checks: [{name: web, http: {url: 'https://app.example.com/'}}]}]\n")
    config, document = load_with_places(path)
    bound = binding(config, document, Month(2026, 3))
    assert bound.effective_from is None
    assert {each.line for each in bound.promised} == {None}
    assert "at least 99.9% of the month up" in [each.words for each in bound.promised]


def test_a_month_without_terms_is_refused() -> None:
    config, document = load_with_places(KIT)
    with pytest.raises(InputError, match="no policy is in force in 2025-06"):
        binding(config, document, Month(2025, 6))
