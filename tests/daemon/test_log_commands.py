"""Facts out of a store and into another: the same book, the same figures, wherever it is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Json, Minutebook, Until, configuration, now_ms

Start = Callable[..., Daemon]

ELSEWHERE = {
    "TZ": "Asia/Kathmandu",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4321",
    "PYTHONOPTIMIZE": "1",
    "COLUMNS": "20",
}
"""Another machine, as far as one may differ for a program."""


@pytest.fixture
def book(minutebook: Minutebook, start: Start, app: App, until: Until) -> Json:
    """A store of a short life: looks, an outage, a maintenance and a reload. How its statement is asked for."""
    configuration(minutebook.folder, app)
    daemon = start().ready()
    until(lambda: daemon.value("sla_service_up") == 1)
    token = minutebook.well("token", "add", "operator").strip()
    now = now_ms()
    window = {"maintenance": "m1", "announced_at": now - 3 * 86_400_000, "start": now, "end": now + 60_000}
    instants = {name: format_instant(value) if isinstance(value, int) else value for name, value in window.items()}
    assert daemon.post_facts(token, [{"kind": "maintenance", **instants}]).json == {"new": 1}
    app.stop()
    until(lambda: daemon.value("sla_service_up") == 0)
    app.start()
    until(lambda: daemon.value("sla_service_up") == 1)
    configuration(minutebook.folder, app, fall=3)
    assert daemon.reload(token).status == 200
    assert daemon.stop() == 0
    as_of = now_ms()
    return ["--month", format_instant(as_of)[:7], "--as-of", format_instant(as_of), "--format", "json"]


def stated(done: str) -> Json:
    statements: Json = json.loads(done)
    return statements


def test_a_replay_of_the_export_is_the_statement_of_the_store(minutebook: Minutebook, book: list[str]) -> None:
    minutebook.well("export", "-o", "facts.jsonl")
    [of_store] = stated(minutebook.well("statement", *book))
    [replayed] = stated(minutebook.well("replay", "-c", "minutebook.yaml", "--facts", "facts.jsonl", *book))
    assert replayed == of_store
    assert of_store["accounts_ms"]["down"] > 0
    assert of_store["terms_changed"] != []
    assert of_store["refused"] + of_store["exclusions"] != []


def test_a_copy_elsewhere_gives_the_same_bytes(minutebook: Minutebook, book: list[str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in [*tmp_path.glob("minutebook.db*"), tmp_path / "minutebook.yaml"]:
        shutil.copy(file, elsewhere)
    copied = Minutebook(elsewhere, {**minutebook.env, **ELSEWHERE})
    assert copied.well("statement", *book) == minutebook.well("statement", *book)
    assert copied.well("export") == minutebook.well("export")
    text = ["text" if word == "json" else word for word in book]
    assert copied.well("statement", *text) == minutebook.well("statement", *text)


def test_a_restored_store_is_the_same_store(minutebook: Minutebook, book: list[str], tmp_path: Path) -> None:
    minutebook.well("export", "-o", "facts.jsonl")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "minutebook.yaml", other)
    restored = Minutebook(other, minutebook.env)
    restored.well("import", "../facts.jsonl", "--restore")
    assert restored.well("verify") == minutebook.well("verify")
    assert restored.well("export") == minutebook.well("export")
    assert restored.well("statement", *book) == minutebook.well("statement", *book)
    again = restored("import", "../facts.jsonl", "--restore")
    assert again.status == 2
    assert "empty store" in again.err


def test_an_import_is_idempotent_and_keeps_what_it_does_not_know(
    minutebook: Minutebook, book: list[str], tmp_path: Path
) -> None:
    exported = [json.loads(line) for line in minutebook.well("export").splitlines()]
    facts = [{**fact, "unheard_of": {"a": [1, None]}} for fact in exported if fact["kind"] == "maintenance"]
    (tmp_path / "again.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in [*exported, *facts]))
    other = tmp_path / "other"
    other.mkdir()
    taken = Minutebook(other, minutebook.env)
    count = len(exported) + len(facts)
    assert f"{count} facts, {count} of them new" in taken("import", "../again.jsonl").err
    assert f"{count} facts, 0 of them new" in taken("import", "../again.jsonl").err
    assert taken.facts("maintenance")[-1]["unheard_of"] == {"a": [1, None]}
    assert "the chain holds" in taken.well("verify")


def test_a_period_is_exported_with_every_other_fact(minutebook: Minutebook, book: list[str]) -> None:
    results = sorted(fact["at"] for fact in minutebook.facts("result"))
    middle = results[len(results) // 2]
    lines = minutebook.well("export", "--from", middle).splitlines()
    kept = [fact for fact in map(json.loads, lines) if fact["kind"] == "result"]
    assert sorted(fact["at"] for fact in kept) == [at for at in results if at >= middle]
    assert sum(json.loads(line)["kind"] == "terms" for line in lines) == 2


def test_without_a_configuration_the_terms_are_those_of_the_store(
    minutebook: Minutebook, book: list[str], tmp_path: Path
) -> None:
    before = minutebook.well("statement", *book)
    (tmp_path / "minutebook.yaml").unlink()
    assert minutebook.well("statement", *book) == before
