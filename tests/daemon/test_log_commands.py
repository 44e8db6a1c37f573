"""Facts out of a store and into another: the same book, the same figures, wherever it is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.ledger.period import DAY, MINUTE, format_instant
from tests.daemon.programs import (
    App,
    Daemon,
    Json,
    Minutebook,
    configuration,
    ended,
    environment,
    now_ms,
    running_app,
    wait_until,
)


class Life(NamedTuple):
    """Where a store was left, and when (UTC ms)."""

    folder: Path
    ended: int


ELSEWHERE = {
    "TZ": "Asia/Kathmandu",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4321",
    "PYTHONOPTIMIZE": "1",
    "COLUMNS": "20",
}
"""Another machine, as far as one may differ for a program."""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, bytecode: Path) -> Life:
    """A store of a short life: looks, an outage, a maintenance and a reload."""
    folder = tmp_path_factory.mktemp("life")
    minutebook = Minutebook(folder, environment(bytecode))
    with running_app() as app:
        configuration(folder, app)
        with ended(minutebook.starting("run")) as daemon:
            wait_until(daemon.is_ready)
            live(minutebook, daemon, app)
    return Life(folder, now_ms())


def live(minutebook: Minutebook, daemon: Daemon, app: App) -> None:
    wait_until(lambda: daemon.value("sla_service_up") == 1)
    token = minutebook.token()
    now = now_ms()
    window = {"announced_at": now - 3 * DAY, "start": now, "end": now + MINUTE}
    instants = {name: format_instant(at) for name, at in window.items()}
    assert daemon.post_facts(token, [{"kind": "maintenance", "maintenance": "m1", **instants}]).json == {"new": 1}
    app.stop()
    wait_until(lambda: daemon.value("sla_service_up") == 0)
    app.start()
    wait_until(lambda: daemon.value("sla_service_up") == 1)
    configuration(minutebook.folder, app, quorum="any")
    assert daemon.reload(token).status == 200
    assert daemon.stop() == 0


@pytest.fixture
def book(life: Life, tmp_path: Path) -> list[str]:
    """A copy of that store here; how its statement is asked for."""
    for file in [*life.folder.glob("minutebook.db*"), life.folder / "minutebook.yaml"]:
        shutil.copy(file, tmp_path)
    as_of = format_instant(life.ended)
    return ["--month", as_of[:7], "--as-of", as_of, "--format", "json"]


def stated(done: str) -> Json:
    statements: Json = json.loads(done)
    return statements


def test_a_replay_of_the_export_is_the_statement_of_the_store(minutebook: Minutebook, book: list[str]) -> None:
    minutebook.well("export", "-o", "facts.jsonl")
    [of_store] = stated(minutebook.well("statement", *book))
    [replayed] = stated(minutebook.well("replay", "--facts", "facts.jsonl", *book))
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
