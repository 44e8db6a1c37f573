"""What a reload keeps, what URLs become, and what the scheduler is given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Changes, Config, compare, for_urls, load
from monitor.errors import ConfigError
from monitor.ledger.period import SECOND
from tests.config.written import EDGE, WEB, checking


def changes(unchanged: str = "", changed: str = "", added: str = "", removed: str = "") -> Changes:
    return Changes(*(frozenset(names.split()) for names in (unchanged, changed, added, removed)))


def test_a_check_that_is_written_otherwise_and_says_the_same_is_unchanged() -> None:
    assert compare(checking(WEB, EDGE), checking(EDGE, f"{WEB}, interval: 30000ms, fall: 2")) == changes("web edge")


@pytest.mark.parametrize("change", ["interval: 31s", "fall: 3", "since: 2026-01-01", "warn: {certificate_days: 3}"])
def test_a_check_is_changed_with_anything_about_it(change: str) -> None:
    assert compare(checking(WEB), checking(f"{WEB}, {change}")) == changes(changed="web")


def test_a_check_is_changed_with_what_it_asks() -> None:
    assert compare(checking(WEB), checking(WEB.replace("'}", "other'}"))) == changes(changed="web")


def test_checks_come_and_go() -> None:
    assert compare(checking(WEB), checking("name: new, http: {url: 'https://new.example.com/'}")) == changes(
        added="new", removed="web"
    )


def test_a_check_is_changed_when_its_secret_is(tmp_path: Path) -> None:
    path, secret = tmp_path / "minutebook.yaml", tmp_path / "token"
    header = "http: {url: 'https://web.example.com/', headers: {Authorization: {from_file: token}}}"
    path.write_text(f"services: [{{name: app, checks: [{{name: web, {header}}}]}}]\n")

    def loaded(content: str) -> Config:
        secret.write_text(content)
        return load(path, {})

    assert compare(loaded("one"), loaded("one\n")) == changes("web")
    assert compare(loaded("one"), loaded("two")) == changes(changed="web")


def test_the_scheduler_is_given_every_check_with_its_durations() -> None:
    web, edge = checking(f"{WEB}, interval: 1m", EDGE).probed
    assert (web.service, web.name, web.kind, web.interval_ms, web.timeout_ms) == ("app", "web", "http", 60_000, 10_000)
    assert (web.hold_ms, web.fall, web.rise) == (130_000, 2, 1)
    assert edge.name == "edge"


# ---------------------------------------------------------------- URLs


def test_a_url_becomes_a_service_with_one_check_and_every_default() -> None:
    config = for_urls(["http://127.0.0.1:8080/health"])
    (service,) = config.services
    assert service.name == "127.0.0.1-8080-health"
    assert (service.checks[0].name, service.checks[0].kind) == (service.name, "http")
    assert service.checks[0].interval == 30 * SECOND
    assert config.storage.path == Path("minutebook.db")


def test_urls_of_one_name_are_told_apart() -> None:
    names = [service.name for service in for_urls(["https://a.example.com/", "http://a.example.com"]).services]
    assert names[0] == "a.example.com"
    assert re.fullmatch(r"a\.example\.com-[0-9a-f]{8}", names[1])


_URLS = st.lists(
    st.builds(
        "http{}://{}.example.com{}".format,
        st.sampled_from(["", "s"]),
        st.sampled_from(["a", "b"]),
        st.text("/-ab?=&", max_size=6).map(lambda text: f"/{text}"),
    ),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(_URLS)
def test_names_are_unique_and_do_not_change_when_a_url_is_added(urls: list[str]) -> None:
    names = [service.name for service in for_urls(urls).services]
    assert len(set(names)) == len(urls)
    assert [service.name for service in for_urls([*urls, "https://new.example.com/"]).services][: len(urls)] == names


def test_what_is_no_url_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        for_urls(["https://a.example.com/", "nope", "https://a.example.com/"])
    assert str(caught.value) == (
        "command line:1:2: expected a URL such as https://app.example.com/health; found 'nope'\n"
        "command line:1:3: this URL is given twice"
    )
    with pytest.raises(ConfigError) as caught:
        for_urls(["ftp://a.example.com/"])
    assert len(caught.value.problems) == 1
