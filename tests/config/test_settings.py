"""Durations, secrets and addresses: the words that every section is made of."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from monitor.settings import (
    LONGEST_DURATION,
    Secret,
    SecretText,
    Settings,
    Surroundings,
    Text,
    format_duration,
    parse_duration,
    parse_web_url,
    split_url,
)


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("500ms", 500),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("48h", 172_800_000),
        ("30d", 2_592_000_000),
        ("1w", 604_800_000),
        ("1m500ms", 60_500),
        ("0s", 0),
        (0, 0),
    ],
)
def test_a_duration_is_read_as_milliseconds(written: object, ms: int) -> None:
    assert parse_duration(written) == ms


@given(st.integers(0, LONGEST_DURATION))
def test_what_a_duration_is_shown_as_reads_back(ms: int) -> None:
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize(
    "written", ["", "s", "30", "1 h", "1h 30m", "30S", "٣s", "1.5h", "-1s", "1s1s", True, None, 0.0, []]
)
def test_anything_else_is_no_duration(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="expected a duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    "written",
    [
        "app.example.com",
        "ftp://a/",
        "http://",
        "https://a:0/",
        "https://a:99999/",
        "http://a b/",
        "https://[::1",
        3,
        None,
    ],
)
def test_anything_but_an_absolute_http_url_is_refused(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="expected a URL such as"):
        parse_web_url(written)


class Sample(Settings):
    token: SecretText
    header: Text = ""


def surroundings(folder: Path, **env: str) -> Surroundings:
    return Surroundings(folder, env)


def test_a_secret_is_read_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b" kept as it is \r\n")
    found = Sample.model_validate({"token": {"from_file": "token"}}, context=surroundings(tmp_path))
    assert found.token.reveal() == " kept as it is "


def test_a_secret_is_read_from_the_environment(tmp_path: Path) -> None:
    found = Sample.model_validate({"token": {"from_env": "TOKEN"}}, context=surroundings(tmp_path, TOKEN="x"))
    assert found.token.reveal() == "x"


def test_a_text_may_be_a_secret_too(tmp_path: Path) -> None:
    given_ = {"token": {"from_env": "TOKEN"}, "header": {"from_env": "TOKEN"}}
    found = Sample.model_validate(given_, context=surroundings(tmp_path, TOKEN="x"))
    assert isinstance(found.header, Secret)
    assert (
        Sample.model_validate({**given_, "header": "plain"}, context=surroundings(tmp_path, TOKEN="x")).header
        == "plain"
    )


def test_a_secret_is_shown_only_as_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary")
    found = Sample.model_validate({"token": {"from_file": "token"}}, context=surroundings(tmp_path))
    shown = [repr(found), str(found), f"{found.token}", repr([found.token]), found.model_dump_json(), repr(vars(found))]
    assert not [text for text in shown if "canary" in text]
    assert json.loads(found.model_dump_json())["token"] == {"from_file": "token"}


def test_a_secret_cannot_be_pickled_or_serialised_by_accident() -> None:
    for spill in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            spill(Secret("canary"))


def test_secrets_are_equal_when_their_content_and_place_are() -> None:
    assert Secret("a", ("from_env", "A")) == Secret("a", ("from_env", "A"))
    assert Secret("a", ("from_env", "A")) != Secret("b", ("from_env", "A"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty; write the secret there"),
        (b"\n", "is empty; write the secret there"),
        (b"\xff\xfe", "does not hold UTF-8 text"),
        (b"x" * 65_537, "is over 64 KiB: it holds something else"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ValidationError, match=why):
        Sample.model_validate({"token": {"from_file": "token"}}, context=surroundings(tmp_path))


@pytest.mark.parametrize("path", ["token/inside", "\0", "no-such"])
def test_a_path_that_leads_nowhere_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    with pytest.raises(ValidationError, match="cannot read the secret file"):
        Sample.model_validate({"token": {"from_file": path}}, context=surroundings(tmp_path))


def test_a_secret_needs_to_know_where_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="where the folder and the environment are known"):
        Sample.model_validate({"token": {"from_env": "TOKEN"}})


def test_sections_do_not_change() -> None:
    section = Sample(token=Secret("x"))
    with pytest.raises(ValidationError):
        section.header = "other"  # type: ignore[misc]


URLS = st.from_regex(
    r"(https?|HTTP|ftp):/{0,3}[a-zA-Z0-9.@:\[\]-]{0,12}(:[0-9]{0,6})?(/[A-Za-z0-9/%?# ~-]{0,9})?", fullmatch=True
)


@given(URLS)
def test_a_url_is_split_as_urllib_splits_it(url: str) -> None:
    try:
        parts = urlsplit(url)
        expected: tuple[object, ...] | None = (parts.scheme, parts.hostname, parts.port, parts.path, parts.query)
    except ValueError:
        expected = None
    try:
        found: tuple[object, ...] | None = split_url(url)
    except ValueError:
        found = None
    assert found == expected
