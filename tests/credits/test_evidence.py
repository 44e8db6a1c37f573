"""An evidence pack is made on one store and proved in an empty folder, by who has nothing else."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from monitor.cli import minutebook
from monitor.cli.statements import read_facts
from monitor.errors import MinutebookError
from monitor.facts import Result
from monitor.ledger.period import DAY, HOUR, MINUTE, parse_instant
from monitor.store import open_for_writing
from tests.store.test_seals import RETENTION, ring

FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "18-credits-and-termination"


class Vendor:
    """Who keeps the store: its folder, its configuration and its commands."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "minutebook.yaml"
        text = (FOLDER / "config.yaml").read_text()
        self.config.write_text(f"{text}storage: sqlite:///{folder / 'minutebook.db'}\n")
        facts = read_facts(FOLDER / "facts.jsonl")
        with open_for_writing(f"sqlite:///{folder / 'minutebook.db'}", facts[-1].recorded_at) as store:
            store.append(facts)

    def run(self, *words: str) -> str:
        return run(*words, "-c", str(self.config))

    def evidence(self, first: str, last: str, customer: str = "acme", name: str = "evidence.zip") -> bytes:
        self.run("evidence", "--customer", customer, "--from", first, "--to", last, "-o", str(self.folder / name))
        return (self.folder / name).read_bytes()


def run(*words: str) -> str:
    """What is printed; of an expected error its exit status and text."""
    done = CliRunner().invoke(minutebook, [*words])
    if isinstance(done.exception, MinutebookError):
        return f"{done.exception.exit_status}: {done.exception}"
    return done.stdout if done.exit_code == 0 else f"{done.exit_code}: {done.stdout}"


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Vendor:
    made = Vendor(tmp_path_factory.mktemp("vendor"))
    for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
        assert f"app {month}: revision 1" in made.run("close", "--month", month, "--author", "ann")
    return made


def unpacked(archive: bytes, folder: Path) -> Path:
    with ZipFile(BytesIO(archive)) as opened:
        opened.extractall(folder)
    return folder


def proved(folder: Path) -> str:
    return run("verify", str(folder / "statements.json"), "--facts", str(folder / "facts.jsonl"))


def test_it_is_proved_in_an_empty_folder_and_says_what_it_is(vendor: Vendor, tmp_path: Path) -> None:
    folder = unpacked(vendor.evidence("2026-01", "2026-04"), tmp_path)
    told = proved(folder).splitlines()
    assert [line.split(":")[0] for line in told] == [f"app 2026-0{month} revision 1" for month in range(1, 5)]
    assert all("equal to what the facts give" in line for line in told)
    readme = (folder / "README.txt").read_text()
    assert readme.startswith("Evidence for acme, 2026-01 to 2026-04\n")
    assert (
        "The right to terminate arose at 2026-05-06T00:00:00.000Z. It rests on 2026-01, 2026-02, 2026-04.\n" in readme
    )
    assert "10 % of 499.00 USD = 49.90 USD; owed 49.90 USD" in (folder / "credits.txt").read_text()


def test_the_policy_stands_in_it_with_the_lines_of_the_file(vendor: Vendor, tmp_path: Path) -> None:
    policy = (unpacked(vendor.evidence("2026-01", "2026-01"), tmp_path) / "policies" / "2025-07-22.txt").read_text()
    lines = vendor.config.read_text().splitlines()
    number = next(place for place, line in enumerate(lines, 1) if "per_breach" in line)
    assert f"a breach is worth 10% of the monthly fee (line {number})\n" in policy
    assert f"{number:>6}  {lines[number - 1]}\n" in policy
    assert "499.00" not in policy


def test_it_is_the_same_bytes_when_it_is_made_again(vendor: Vendor) -> None:
    first = vendor.evidence("2026-01", "2026-02")
    assert vendor.evidence("2026-01", "2026-02", name="again.zip") == first
    with ZipFile(BytesIO(first)) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_changed_fact_and_a_changed_statement_are_found(vendor: Vendor, tmp_path: Path) -> None:
    folder = unpacked(vendor.evidence("2026-01", "2026-01"), tmp_path)
    facts = (folder / "facts.jsonl").read_text()
    (folder / "facts.jsonl").write_text(facts.replace("2026-01-10T10:30:00.000Z", "2026-01-10T10:00:01.000Z"))
    assert proved(folder).startswith("4: app 2026-01 revision 1")
    (folder / "facts.jsonl").write_text(facts)
    stated: Any = json.loads((folder / "statements.json").read_text())
    stated[0]["verdict"] = "met"
    (folder / "statements.json").write_text(json.dumps(stated))
    assert 'verdict: it says "met"' in proved(folder)


def test_nothing_of_another_customers_claims_or_fees_is_in_it(vendor: Vendor, tmp_path: Path) -> None:
    folder = unpacked(vendor.evidence("2026-01", "2026-04", customer="beta"), tmp_path)
    everything = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert "499.00" not in everything
    assert '"claim"' not in (folder / "facts.jsonl").read_text()


def test_a_right_that_rests_on_other_months_is_told_to_be_outside(vendor: Vendor, tmp_path: Path) -> None:
    readme = (unpacked(vendor.evidence("2026-04", "2026-04"), tmp_path) / "README.txt").read_text()
    assert "Not in this pack: 2026-01, 2026-02. Make one that spans them for a notice of termination.\n" in readme


def test_where_the_file_has_changed_the_policy_is_told_from_the_facts(vendor: Vendor, tmp_path: Path) -> None:
    before = vendor.config.read_text()
    try:
        vendor.config.write_text(before.replace("per_breach: 10%", "per_breach: 20%"))
        folder = unpacked(vendor.evidence("2026-01", "2026-01"), tmp_path)
    finally:
        vendor.config.write_text(before)
    assert proved(folder).startswith("app 2026-01 revision 1: equal")
    policy = (folder / "policies" / "2025-07-22.txt").read_text()
    assert policy.startswith("The file says something else by now")
    assert '"per_breach": "10%"' in policy
    assert "10 % of 499.00 USD = 49.90 USD" in (folder / "credits.txt").read_text()


@pytest.mark.parametrize(
    ("customer", "first", "last", "told"),
    [
        ("nobody", "2026-01", "2026-01", "2: there is no customer 'nobody'; the configuration names: acme beta"),
        ("beta", "2026-01", "2026-02", "2: beta is a customer from 2026-03-15 on: in none of these months"),
        ("acme", "2026-04", "2026-05", "2: 2026-05 is not closed for: app; close it first with `minutebook close"),
        ("acme", "2026-04", "2026-01", "2: --to 2026-01 is before --from 2026-04"),
        ("acme", "2025-06", "2025-06", "2: acme is a customer from 2025-08-01 on: in none of these months"),
    ],
)
def test_what_cannot_be_evidence_is_refused(vendor: Vendor, customer: str, first: str, last: str, told: str) -> None:
    words = ("--customer", customer, "--from", first, "--to", last, "-o", str(vendor.folder / "none.zip"))
    assert vendor.run("evidence", *words).startswith(told)
    assert not (vendor.folder / "none.zip").exists()


def test_a_month_whose_results_went_under_seals_is_proved_all_the_same(tmp_path: Path) -> None:
    config, url = tmp_path / "minutebook.yaml", f"sqlite:///{tmp_path / 'minutebook.db'}"
    config.write_text(f"{(FOLDER / 'config.yaml').read_text()}storage: {url}\n")
    begin, end, fail = (parse_instant(f"2026-{day}:00:00Z") for day in ("01-01T00", "02-01T00", "01-10T12"))
    looks = [
        Result(at + 40, "web", "london", at, "fail" if 0 <= at - fail < HOUR else "pass", hold_ms=25 * MINUTE)
        for at in range(begin, end, 10 * MINUTE)
    ]
    with open_for_writing(url, begin) as store:
        for place in range(0, len(looks), 100):
            store.append(looks[place : place + 100])
    asyncio.run(ring(url, end + 2 * HOUR, end + 10 * DAY + RETENTION))
    assert run("close", "--month", "2026-01", "--author", "ann", "-c", str(config)).startswith(
        "app 2026-01: revision 1"
    )
    pack = tmp_path / "evidence.zip"
    words = ("--customer", "acme", "--from", "2026-01", "--to", "2026-01", "-o", str(pack), "-c", str(config))
    run("evidence", *words)
    folder = unpacked(pack.read_bytes(), tmp_path / "unpacked")
    kept = [fact for fact in read_facts(folder / "facts.jsonl") if isinstance(fact, Result)]
    assert len(kept) < len(looks) / 4
    assert "equal to what the facts give" in proved(folder)
    [stated] = json.loads((folder / "statements.json").read_text())
    assert (stated["verdict"], stated["accounts_ms"]["down"]) == ("breached", HOUR)
