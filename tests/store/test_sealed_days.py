"""Seals filed by series say what the seals say, also where they are cut, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cli.log import export
from monitor.cli.statements import replay, statement
from monitor.closing import Wanted, recorded_of, standing, statements
from monitor.errors import InputError, StoreDamagedError
from monitor.facts import Fact, Json
from monitor.facts.seals import Seal, SealedDays, Stretch, joined, seal_fact
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month, Period, format_instant
from monitor.store import open_for_reading, open_for_writing, verify_store
from tests.store.samples import ALL_TIME, JUNE, url_in
from tests.store.test_seals import FAIL, LATER, TERMS, dropped, made, read, silent

__all__ = ["dropped", "made"]

EVER = Period(0, ALL_TIME)


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def change(url: str, *statements: str) -> None:
    with closing(sqlite3.connect(file_of(url))) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def sealed(url: str, as_of: int) -> Sequence[SealedDays]:
    with open_for_reading(url) as reader:
        return reader.read_sealed(EVER, as_of).sealed


def seals_in(url: str, as_of: int) -> list[Seal]:
    return sorted(seal for days in sealed(url, as_of) for seal in days.seals())


# -- statements


def test_statements_are_those_from_every_seal(dropped: str) -> None:
    with open_for_reading(dropped) as reader:
        log = reader.read_sealed(EVER, ALL_TIME)
        facts = list(log.facts)
    assert [fact for fact in facts if fact.kind == "seal"] == []
    assert len(log.sealed) == 2
    wanted = Wanted(["app"], Month(2026, 6), JUNE + 60 * DAY)
    expected = statements(read(dropped), TERMS, wanted)
    assert statements(facts, TERMS, wanted, log.sealed) == expected
    assert [one.statement for one in standing(recorded_of(facts, log.sealed), TERMS, wanted)] == expected


def test_as_of_an_instant_before_the_seals_nothing_is_told_from_half_of_the_results(dropped: str) -> None:
    with pytest.raises(InputError, match=r"results of 2026-06-0\d have gone under a seal that was recorded later"):
        sealed(dropped, JUNE + 2 * DAY)
    assert sealed(dropped, LATER + 1)


def test_a_seal_that_is_kept_as_a_line_leaves_all_of_them_among_the_facts(dropped: str) -> None:
    stretch = Stretch(JUNE, JUNE + HOUR, 2, 2**40)  # wider than a column
    odd = Seal("odd", "london", JUNE, LATER, LATER, 2, f"sha256:{'0' * 64}", (stretch,))
    with open_for_writing(dropped, LATER) as store:
        store.append([seal_fact(odd)])
    assert sealed(dropped, ALL_TIME) == ()
    with open_for_reading(dropped) as reader:
        assert list(reader.read_sealed(EVER, ALL_TIME).facts) == read(dropped)


CONFIGURED = """
location: london
timezone: UTC
services: [{name: app, checks: [{name: web, http: {url: 'https://app.example.com/'}}]}]
"""


def test_replay_of_an_export_says_what_the_store_says_after_results_went(
    dropped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"start": format_instant(FAIL - HOUR), "end": format_instant(FAIL + MINUTE)}
    said: dict[str, Json] = {"exclusion": "x1", "class": "customer", "author": "ann", "reason": "r", "evidence": "e"}
    with open_for_writing(dropped, LATER) as store:
        store.append([Fact("exclusion", LATER, {**said, **window})])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "minutebook.yaml").write_text(CONFIGURED.replace("checks: [{", "checks: [{fall: 1, "))
    asked = ["--month", "2026-06", "--as-of", format_instant(JUNE + 60 * DAY), "--format", "json"]

    def told(command: click.Command, *arguments: str) -> str:
        found = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    told(export, "-o", "facts.jsonl")
    replayed = json.loads(told(replay, "--facts", "facts.jsonl", *asked))
    assert replayed == json.loads(told(statement, *asked))
    assert [outage["slices"][0]["exclusion"] for outage in replayed[0]["outages"]] == ["x1"]


# -- what is filed


@st.composite
def seals(draw: st.DrawFn) -> list[Seal]:
    """Some days of two series over some months, in any order, some with holes between their stretches."""
    found: list[Seal] = []
    for check in ("a", "b"):
        for day in draw(st.lists(st.integers(-3, 400), max_size=12, unique=True)):
            start = JUNE + day * DAY
            edges = draw(
                st.lists(st.integers(0, DAY - 1), max_size=6, unique=True).filter(lambda each: len(each) % 2 == 0)
            )
            edges.sort()
            pairs = zip(edges[::2], edges[1::2], strict=True)
            hold = draw(st.sampled_from((SECOND, HOUR, 3 * DAY)))
            stretches = tuple(Stretch(start + first, start + last, 2, hold) for first, last in pairs)
            as_of = start + DAY + draw(st.sampled_from((0, 1, HOUR, 40 * DAY)))
            recorded_at = as_of + draw(st.sampled_from((0, 1, HOUR)))
            rest = draw(st.sampled_from((None, f"sha256:{'1' * 64}")))
            digest = f"sha256:{sha256(f'{check}{draw(st.integers(0, 200))}'.encode()).hexdigest()}"
            found.append(Seal(check, "x", start, recorded_at, as_of, 2 * len(stretches), digest, stretches, rest))
    return draw(st.permutations(found))


@given(seals(), st.integers(1, 5), st.integers(-3, 450))
@settings(max_examples=25)
def test_what_is_filed_is_what_was_sealed_by_then(told: list[Seal], groups: int, day: int) -> None:
    as_of = JUNE + day * DAY
    with TemporaryDirectory() as folder:
        url = url_in(Path(folder))
        with open_for_writing(url, JUNE) as store:
            for place in range(0, len(told), groups):
                store.append([seal_fact(seal) for seal in told[place : place + groups]])
        verify_store(url, silent)
        for instant in (as_of, ALL_TIME):
            assert seals_in(url, instant) == sorted(seal for seal in told if seal.recorded_at <= instant)
            for days in sealed(url, instant):
                check_all(days)


def check_all(days: SealedDays) -> None:
    """What days say together, and all their parts, is what their seals say."""
    own = list(days.seals())
    assert own == sorted(own)
    assert (days.size, days.recorded_at) == (sum(s.size for s in own), max(s.recorded_at for s in own))
    assert all(days.start <= seal.start < days.end for seal in own)
    digests = sorted(days.digests[at : at + 32] for at in range(0, len(days.digests), 32))
    assert digests == sorted(bytes.fromhex(seal.digest.removeprefix("sha256:")) for seal in own)
    assert days.stretches == joined(stretch for seal in own for stretch in seal.stretches)
    for part in days.parts():
        if isinstance(part, SealedDays):
            check_all(part)


@pytest.mark.parametrize(
    ("version", "former"), [(3, []), (4, ["CREATE TABLE sealed_days (series INTEGER NOT NULL, days BLOB NOT NULL)"])]
)
def test_a_store_that_does_not_file_seals_so_is_read_as_it_is_and_files_them_when_it_is_opened_for_writing(
    dropped: str, version: int, former: list[str]
) -> None:
    expected = seals_in(dropped, ALL_TIME)
    change(dropped, "DROP TABLE seals_by_series", *former, f"PRAGMA user_version = {version}")
    assert seals_in(dropped, ALL_TIME) == expected
    verify_store(dropped, silent)
    with open_for_writing(dropped, LATER):
        pass
    with closing(sqlite3.connect(file_of(dropped))) as database:
        assert database.execute("SELECT count(*) FROM seals_by_series").fetchone() == (2,)
        assert database.execute("SELECT 1 FROM sqlite_master WHERE name = 'sealed_days'").fetchone() is None
    assert seals_in(dropped, ALL_TIME) == expected
    verify_store(dropped, silent)


def test_seals_that_were_not_filed_are_read_from_where_they_stand(dropped: str) -> None:
    expected = seals_in(dropped, ALL_TIME)
    change(dropped, "DELETE FROM seals_by_series")
    assert seals_in(dropped, ALL_TIME) == expected
    with open_for_writing(dropped, LATER):
        pass
    assert seals_in(dropped, ALL_TIME) == expected
    verify_store(dropped, silent)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE seals_by_series SET size = size + 1 WHERE series = 1",
        "UPDATE seals_by_series SET digests = zeroblob(length(digests))",
        "UPDATE seals_by_series SET stretches = x''",
        "UPDATE seals_by_series SET days = x'00'",
        "DELETE FROM seals_by_series WHERE series = 1",
        "INSERT INTO seals_by_series SELECT series, block + 1, last_seq, recorded, size, stretches, digests, days"
        " FROM seals_by_series",
    ],
)
def test_what_is_filed_wrongly_is_found_when_the_store_is_proved(dropped: str, tampering: str) -> None:
    change(dropped, tampering)
    with pytest.raises(StoreDamagedError, match=r"seals_by_series|filed"):
        verify_store(dropped, silent)
