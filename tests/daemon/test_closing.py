"""Months that are closed by hand and by a running daemon, restated, and proved on another machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.config import load, written_terms
from monitor.facts import AnyFact, Fact, Result
from monitor.ledger.period import DAY, HOUR, Month, Period, format_instant, month_at
from monitor.store import open_for_reading, open_for_writing
from monitor.wiring import terms_fact
from tests.daemon.programs import App, Daemon, Json, Minutebook, Until, configuration, now_ms

UTC = ZoneInfo("UTC")


def past(months: int = 2) -> Month:
    """A month that is final by any configuration: over for at least a month."""
    return month_at(now_ms(), UTC).shifted(-months)


@pytest.fixture
def history(tmp_path: Path, app: App) -> Month:
    """A store that was kept through a month that is over: its terms, and looks with a day of downtime."""
    config = load(configuration(tmp_path, app), {})
    month = past()
    start, end = month.period(UTC)
    terms = replace(terms_fact(config.location, written_terms(config), start - DAY), recorded_at=start - DAY)
    down = start + 10 * DAY
    looks: list[AnyFact] = [
        Result(start, "web", "here", start, "pass", hold_ms=40 * DAY),
        Result(down, "web", "here", down, "fail", hold_ms=40 * DAY, reason="timeout"),
        Result(down + HOUR, "web", "here", down + HOUR, "fail", hold_ms=40 * DAY, reason="timeout"),
        Result(down + DAY, "web", "here", down + DAY, "pass", hold_ms=90 * DAY),
    ]
    with open_for_writing(f"sqlite:///{tmp_path}/minutebook.db", end) as store:
        store.append([terms, *looks])
    return month


def statement(minutebook: Minutebook, month: Month, *more: str) -> Json:
    words = ("statement", "--month", str(month), "--service", "app", "--format", "json")
    return json.loads(minutebook.well(*words, *more))


def closings(folder: Path, month: Month) -> list[Json]:
    """The `closing` facts of a month, without waiting for a process."""
    with open_for_reading(f"sqlite:///{folder}/minutebook.db") as store:
        facts = [*store.read(Period(0, 0), 2**62)]
    return [fact.fields for fact in facts if isinstance(fact, Fact) and fact.fields.get("month") == str(month)]


def exclude(minutebook: Minutebook, month: Month) -> None:
    down = month.period(UTC).start + 10 * DAY
    window = ("--start", format_instant(down), "--end", format_instant(down + DAY))
    words = ("--class", "customer", "--reason", "their proxy", "--evidence", "ticket 12", "--author", "bob")
    minutebook.well("exclude", *window, *words)


@pytest.mark.timeout(300)  # nine commands, on a machine that may be slow
def test_a_month_is_closed_restated_and_proved_elsewhere(
    minutebook: Minutebook, history: Month, tmp_path: Path
) -> None:
    month = str(history)
    minutebook.well("close", "--month", month, "--author", "ann")
    closed = statement(minutebook, history)
    assert (closed["status"], closed["revision"], closed["accounts_ms"]["down"]) == ("final", 1, DAY)
    exclude(minutebook, history)
    text = minutebook.well("statement", "--month", month)
    assert closed["digest"] in text
    assert "restating would say: down -24h" in text
    minutebook.well("restate", "--month", month, "--reason", "their proxy", "--author", "ann")
    restated = statement(minutebook, history)
    assert (restated["status"], restated["revision"], restated["supersedes"]) == ("restated", 2, 1)
    assert restated["restatement"]["difference"]["accounts_ms"]["down"] == -DAY
    assert (restated["restatement"]["author"], restated["restatement"]["author_authenticated"]) == ("ann", False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    minutebook.well("export", "-o", "elsewhere/facts.jsonl")
    there = Minutebook(elsewhere, minutebook.env)
    (elsewhere / "statements.json").write_text(json.dumps([closed, restated]))
    proved = there.well("verify", "statements.json", "--facts", "facts.jsonl").splitlines()
    assert ["equal to what the facts give" in line for line in proved] == [True, True]
    (elsewhere / "statements.json").write_text(json.dumps([restated, {**closed, "verdict": "met"}]))
    touched = there("verify", "statements.json", "--facts", "facts.jsonl")
    assert (touched.status, 'verdict: it says "met"; the facts give "breached"' in touched.out) == (4, True)


def test_the_daemon_closes_what_is_due_once_and_takes_in_what_people_say(
    minutebook: Minutebook, history: Month, start: Callable[..., Daemon], until: Until, tmp_path: Path
) -> None:
    daemon = start().ready()
    [closing] = until(lambda: closings(tmp_path, history))
    assert (closing["author"], closing["source"], closing["revision"]) == ("minutebook", "here", 1)
    due = history.shifted(1).period(UTC).start + 5 * DAY
    assert closing["as_of"] == format_instant(due)
    headers = {"Authorization": f"Bearer {minutebook.token()}"}
    path = f"/api/v1/statements/app/{history}"
    assert daemon.ask("GET", path, headers=headers).json["digest"] == closing["digest"]
    assert daemon.ask("GET", f"{path}?draft=true", headers=headers).json["status"] == "draft"
    exclude(minutebook, history)
    late = daemon.ask("GET", f"{path}?late=true", headers=headers).json
    assert late["effect"]["accounts_ms"]["down"] == -DAY
    minutebook.well("restate", "--month", str(history), "--reason", "their proxy", "--author", "ann")
    assert daemon.ask("GET", path, headers=headers).json["revision"] == 2
    chain = daemon.ask("GET", "/status.json").json["chain"]
    assert chain["occasion"] == "closing"
    daemon.stop()
    again = start().ready()
    until(lambda: again.ask("GET", "/status.json").json["chain"])  # the first ring is over
    assert [fact["revision"] for fact in closings(tmp_path, history)] == [1, 2]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_status_page_shows_a_month_as_it_was_closed_until_somebody_restates(
    minutebook: Minutebook, history: Month, start: Callable[..., Daemon], until: Until, tmp_path: Path
) -> None:
    daemon = start().ready()
    until(lambda: closings(tmp_path, history))

    def shown() -> Json:
        [service] = daemon.get("/status.json").json["services"]
        return next((month for month in service["months"] if month["month"] == str(history)), {"verdict": None})

    until(lambda: shown()["verdict"] == "breached", within_s=60)
    assert (shown()["status"], shown()["down_ms"], shown()["digest"]) == (
        "final",
        DAY,
        closings(tmp_path, history)[0]["digest"],
    )
    exclude(minutebook, history)
    assert (shown()["status"], shown()["down_ms"]) == ("final", DAY)
    minutebook.well("restate", "--month", str(history), "--reason", "their proxy", "--author", "ann")
    until(lambda: shown()["status"] == "restated")
    until(lambda: shown()["down_ms"] == 0, within_s=60)
    assert shown()["verdict"] != "breached"
    assert f", {history}: met" in daemon.get("/feed.atom").body


@pytest.mark.timeout(300)
def test_a_closed_statement_is_signed_and_the_signature_is_checked(
    minutebook: Minutebook, history: Month, tmp_path: Path, app: App
) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    for name in ("ours", "theirs"):
        openssl("genpkey", "-algorithm", "ed25519", "-out", name)
        openssl("pkey", "-in", name, "-pubout", "-out", f"{name}.pem")
    configuration(tmp_path, app, "signing_key: {from_file: ours}\n")
    minutebook.well("close", "--month", str(history), "--author", "ann")
    (tmp_path / "statement.json").write_text(json.dumps(statement(minutebook, history)))
    minutebook.well("export", "-o", "facts.jsonl")
    proof = ("verify", "statement.json", "--facts", "facts.jsonl", "--public-key")
    assert "equal" in minutebook.well(*proof, "ours.pem")
    forged = minutebook(*proof, "theirs.pem")
    assert (forged.status, "signature: is not of this key" in forged.out) == (4, True)
    assert minutebook(*proof, "ours").status == 2
    (tmp_path / "ours").write_text("nothing of the kind")
    refused = minutebook("run")
    assert (refused.status, "signing_key" in refused.err) == (2, True)


def test_a_statement_that_its_facts_no_longer_give_is_said_loudly(
    minutebook: Minutebook, history: Month, tmp_path: Path
) -> None:
    minutebook.well("close", "--month", str(history), "--author", "ann")
    minutebook.well("export", "-o", "facts.jsonl")
    start = history.period(UTC).start
    hidden = Result(start + DAY, "web", "here", start + DAY, "fail", hold_ms=DAY, reason="timeout")
    with open_for_writing(f"sqlite:///{tmp_path}/minutebook.db", now_ms()) as store:
        store.append([hidden])  # as if it had been known all along
    told = minutebook("statement", "--month", str(history))
    assert (told.status, "is not what was closed" in told.err) == (4, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "nowhere.json", "--facts", "facts.jsonl"), "cannot be read"),
        (("verify", "minutebook.yaml", "--facts", "facts.jsonl"), "minutebook.yaml"),
        (("verify", "minutebook.yaml"), "--facts"),
        (("verify", "--facts", "facts.jsonl"), "name the statement"),
        (("close", "--month", "2999-01", "--author", "ann"), "is not over; it can be closed from 2999-02-01"),
        (("restate", "--month", "2001-01", "--reason", " ", "--author", "ann"), "reason: is missing"),
    ],
)
def test_bad_input_is_refused_with_its_mend(
    minutebook: Minutebook, history: Month, words: tuple[str, ...], said: str
) -> None:
    refused = minutebook(*words)
    assert (refused.status, said in refused.err) == (2, True), refused
