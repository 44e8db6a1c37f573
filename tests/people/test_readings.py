"""What a person reads from Shopify's dashboard: recorded once, with its author, and shown beside ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import minutebook
from monitor.errors import FactError, InputError, MinutebookError
from monitor.facts import Fact, Json
from monitor.ledger.period import parse_instant
from monitor.people import Author, Known, Said
from monitor.people.readings import number_of, reading
from tests.vitals.test_stated import stated, terms_of, vitals

NOW = parse_instant("2026-06-20T12:00:00Z")
ANN = Author("ann", "a1b2")


def says(*before: Fact, **words: Json) -> Said:
    return reading(words, ANN, Known(before, terms_of(), NOW))


def one(**changed: Json) -> dict[str, Json]:
    return {"metric": "LCP", "p75": 2310, "from": "2026-05-20", "to": "2026-06-16", "evidence": "shot.png", **changed}


def test_a_reading_stands_beside_ours_with_its_author_and_evidence() -> None:
    said = says(**one())
    [shown] = vitals(stated(said.facts, terms_of(), NOW)[0])["LCP"]["published"]
    assert shown == {
        "from": "2026-05-20",
        "to": "2026-06-16",
        "p75": 2310,
        "samples": None,
        "author": "ann",
        "evidence": "shot.png",
        "source": "person:ann",
        "author_authenticated": True,
    }


def test_the_same_said_twice_is_recorded_once_and_a_correction_is_a_fact_of_its_own() -> None:
    said = says(**one())
    assert says(*said.facts, **one()).facts == ()
    assert len(says(*said.facts, **one(p75=2320)).facts) == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"p75": 2.31}, "p75: is in milliseconds; write 2.3 s as 2300"),
        ({"p75": 600_001}, "p75: expected at most 600000"),
        ({"metric": "CLS", "p75": 100.5}, "p75: expected at most 100;"),
        ({"p75": "fast"}, "p75: expected a number"),
        ({"p75": -1}, "p75: expected a number"),
        ({"metric": "FID"}, "metric: expected one of LCP INP CLS"),
        ({"from": "2026-02-30"}, "from: expected a date"),
        ({"to": "2026-06-21"}, "to: is in the future"),
        ({"from": "2026-06-17"}, "to: is before from"),
        ({"samples": 1.5}, "samples: expected a whole number"),
        ({"source": "shopify"}, "source: is set when it is recorded"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_mend(changed: dict[str, Json], why: str) -> None:
    with pytest.raises(MinutebookError) as refused:
        says(**one(**changed))
    assert why in str(refused.value)


def test_a_person_cannot_speak_as_chrome() -> None:
    said = says(**one(subject="https://kit.example.com", verdict="met"))
    [shown] = vitals(stated(said.facts, terms_of(), NOW)[0])["LCP"]["published"]
    assert "subject" not in shown
    assert "verdict" not in shown


def test_a_file_is_taken_whole_or_not_at_all() -> None:
    header = "metric,from,to,p75,samples\n"
    lines = "LCP,2026-05-20,2026-06-16,2310,\nCLS,2026-05-20,2026-06-16,0.08,1200\n"
    said = says(csv=header + lines)
    assert [(fact.fields["p75"], fact.fields.get("samples")) for fact in said.facts] == [(2310, None), (0.08, 1200)]
    assert says(*said.facts, csv=header + lines).facts == ()
    with pytest.raises(FactError, match=r"line 4: p75: expected a number"):
        says(csv=header + lines + "INP,2026-05-20,2026-06-16,fast,\n")
    with pytest.raises(FactError, match=r"line 4: LCP .* stands on line 2 already"):
        says(csv=header + lines + lines)
    with pytest.raises(FactError, match=r"line 1: p75 is missing; .* the last two optional"):
        says(csv="metric,from,to\n")
    with pytest.raises(InputError, match="nothing beside it"):
        says(csv=header, metric="LCP")


@pytest.mark.parametrize("text", ["nan", "inf", "1e999999999", "-1e-999999999", "", "0x10", "1,5"])
def test_what_is_no_number_stays_the_text_that_a_fact_refuses(text: str) -> None:
    assert number_of(text) == text


def test_the_command_records_where_no_daemon_runs(tmp_path: Path) -> None:
    config = tmp_path / "minutebook.yaml"
    config.write_text(
        "services: [{name: app, checks: [{name: web, http: {url: 'http://127.0.0.1/'}}]}]\n"
        f"storage: sqlite:///{tmp_path}/store.db\n"
    )
    words = ["reading", "INP", "--p75", "180.5", "--from", "2026-01-01", "--to", "2026-01-28", "--author", "ann"]
    runner = CliRunner()
    done = runner.invoke(minutebook, [*words, "-c", str(config)])
    assert done.output.startswith("INP 2026-01-01 to 2026-01-28: recorded, by ann (unauthenticated)")
    again = runner.invoke(minutebook, [*words, "-c", str(config)])
    assert "stands recorded already" in again.output
    missing = runner.invoke(minutebook, ["reading", "INP", "-c", str(config)])
    assert (missing.exit_code, "--p75 and --from and --to" in missing.output) == (2, True)
