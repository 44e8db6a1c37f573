"""A folder of wrong files, each with every message that it gives: the files' names are the sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import load, parse
from monitor.errors import ConfigError

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_file_gives_exactly_its_messages(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(path.read_text(), "minutebook.yaml", BAD, {})
    assert str(caught.value).replace(str(BAD), "FOLDER") + "\n" == path.with_suffix(".txt").read_text()


def test_every_wrong_file_has_messages_and_the_other_way_round() -> None:
    assert {path.stem for path in FILES} == {path.stem for path in BAD.glob("*.txt")}
    assert len(FILES) >= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_has_a_place_in_the_file_and_they_are_in_its_order(path: Path) -> None:
    text = path.read_text()
    with pytest.raises(ConfigError) as caught:
        parse(text, "minutebook.yaml", BAD, {})
    lines = (text + "\n").count("\n") + 1
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert places == sorted(places)
    assert all(1 <= line <= lines and column >= 1 for line, column in places)


def test_no_message_shows_what_may_be_a_secret() -> None:
    assert not [path.name for path in BAD.glob("*.txt") if "hunter2" in path.read_text()]
    assert [path.name for path in FILES if "hunter2" in path.read_text()]


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml:1:1: cannot be read: No such file or directory; give the path"):
        load(tmp_path / "no.yaml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "minutebook.yaml"
    path.write_bytes(b"services:\n  - name: \xff\n")
    with pytest.raises(ConfigError, match="no UTF-8 text: a byte that cannot be read stands at position 20"):
        load(path, {})


def test_a_file_over_five_megabytes_is_refused_before_it_is_read_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "minutebook.yaml"
    path.write_bytes(b"[" * 5_000_001)
    with pytest.raises(ConfigError, match="is over 5 MB"):
        load(path, {})


def test_a_flood_of_mistakes_is_cut_after_a_hundred() -> None:
    rows = "".join(f"unknown{number}: 1\n" for number in range(150))
    with pytest.raises(ConfigError) as caught:
        parse(rows, "minutebook.yaml", BAD, {})
    *_, last = caught.value.problems
    assert len(caught.value.problems) == 101
    assert last.message == "and 51 more problems from here on"
