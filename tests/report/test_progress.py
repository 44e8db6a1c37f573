"""Long work shows how far it is, on a terminal alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from monitor.cli import inputs
from monitor.cli.inputs import FOREVER, stored_book
from monitor.cli.progress import progress
from monitor.store import open_for_writing
from tests.store.samples import JUNE, passes, url_in

CONFIGURED = "services: [{name: app, checks: [{name: web, http: {url: 'https://app.example.com/'}}]}]"


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Standard error is a terminal; afterwards the list has what it was sent."""
    mine, its = os.openpty()
    sent: list[bytes] = []
    with os.fdopen(its, "w") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        patched.setenv("TERM", "xterm")
        yield sent
    with os.fdopen(mine, "rb", buffering=0) as written, suppress(OSError):  # EIO is its end: nobody writes any more
        while some := written.read(65_536):
            sent.append(some)


def test_a_bar_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as sent, progress("report") as advance:
        advance(3, 12)
    assert b"report" in b"".join(sent)


def test_where_no_terminal_is_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("report") as advance:
        advance(3, 12)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("at_once", "shown"), [(1, True), (3, True), (4, False)])
def test_reading_many_facts_shows_a_bar_and_reads_all(
    at_once: int, shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inputs, "AT_ONCE", at_once)
    results = passes(3)
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(results)
    (tmp_path / "minutebook.yaml").write_text(CONFIGURED)
    with terminal(monkeypatch) as sent:
        assert list(stored_book(None, FOREVER).facts) == results
    assert (b"reading" in b"".join(sent)) is shown
