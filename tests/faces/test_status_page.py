"""The status page: what everybody sees, what only a token shows, and that it cannot be made to run anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.status import Seen, status
from exporters.status_page import STALE_AFTER, lasting, rough, stylesheet
from exporters.status_page import render as rendered
from monitor.facts import EXCLUSION_CLASSES
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month
from monitor.ledger.snapshot import Accounts, PastMonth, Snapshot, WarnLimits
from tests.faces.samples import AS_OF, MARCH, figures, newest, result, snapshot, view, with_maintenance

VOID_TAGS = {"meta", "link"}


class Outline(HTMLParser):
    """Every tag that is opened, every attribute, and whether they close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID_TAGS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def render(of: Snapshot | None, now: int, *, everything: bool, past: Sequence[PastMonth] = ()) -> str:
    seen = Seen(of, {(each.service, each.month): each for each in past})
    return rendered(status(seen, everything=everything), "a version", 0 if of is None else now - of.as_of)


def words(of: Snapshot | None, now: int = AS_OF, *, everything: bool = False) -> str:
    return " ".join(Outline(render(of, now, everything=everything)).text.split())


def test_everybody_sees_the_public_services() -> None:
    shown = snapshot(view("app"), view("jobs", public=False))
    assert "The app" in words(shown)
    assert "The jobs" not in words(shown)
    assert "The jobs" in words(shown, everything=True)
    assert [service["service"] for service in status(Seen(shown), everything=False)["services"]] == ["app"]  # type: ignore[union-attr,index,call-overload]


@pytest.mark.parametrize(
    ("states", "heading"),
    [
        ((True, True), "All services are up"),
        ((True, False), "1 of 2 services is down"),
        ((False, False), "2 of 2 services are down"),
        ((True, None), "The state of some services is unknown"),
        ((True,), "The s0 is up"),
        ((False,), "The s0 is down"),
        ((None,), "The s0 is not known to be up"),
        ((), "No public services"),
    ],
)
def test_the_heading_says_the_worst(states: tuple[bool | None, ...], heading: str) -> None:
    assert heading in words(snapshot(*(view(f"s{place}", up=up) for place, up in enumerate(states))))


def test_what_is_left_of_the_month_is_shown() -> None:
    text = words(snapshot(view("app")))
    assert "2026-03 on track 99.996 % 99.900 % 1 min 1 s 5 min 43 min 33 s of 44 min 34 s 99.996 %" in text
    assert "43 min 33 s of 44 min 34 s left in 2026-03" in text
    assert "2026-02" in text
    over = replace(figures("app"), remaining=-90_500, verdict="breached")
    assert "overspent by 1 min 30 s" in words(snapshot(view("app", over)))


def test_a_state_says_since_when() -> None:
    lasting = replace(view("app", up=False), since=AS_OF - 4 * MINUTE - 7_999)
    assert "Down for 4 min, since 2026-03-20 11:55:52 UTC." in words(snapshot(lasting))
    assert f"'for_ms': {4 * MINUTE + 7_999}" in str(status(Seen(snapshot(lasting)), everything=False))
    assert "since" not in words(snapshot(view("app", up=False)))


def test_figures_that_are_unknown_are_dashes() -> None:
    empty = replace(figures("app"), published=None, coverage=None, budget=0, remaining=0)
    assert "2026-03 on track - 99.900 %" in words(snapshot(view("app", empty)))


def test_a_month_before_the_first_look_is_not_shown() -> None:
    length = figures("app", MARCH.shifted(-1)).accounts.month
    nothing = Accounts(length, 0, 0, length, 0, dict.fromkeys(EXCLUSION_CLASSES, 0))
    before = replace(figures("app", MARCH.shifted(-1)), accounts=nothing)
    assert "2026-02" not in words(snapshot(view("app", figures("app"), before)))


def test_maintenance_and_exclusions_are_shown() -> None:
    text = words(snapshot(with_maintenance(view("app"))))
    assert "Excused now: maintenance." in text
    assert "Database upgrade from 2026-03-23 12:00:00 UTC to 2026-03-23 14:00:00 UTC, announced 50 h ahead." in text


def test_why_it_fails_is_for_those_with_a_token() -> None:
    failed = newest(result(outcome="fail", reason="http_status"))
    shown = snapshot(view("app", up=False), looks=(failed,))
    assert "http_status" in words(shown, everything=True)
    assert "http_status" not in words(shown)
    assert "http_status" not in str(status(Seen(shown), everything=False))


def test_what_is_owed_and_who_may_leave_is_for_those_with_a_token() -> None:
    shown = snapshot(view("app"))
    right = replace(shown.obligations, termination_right={("acme", Month(2026, 3)): True})
    text = words(replace(shown, obligations=right), everything=True)
    assert "Owed for 2026-03 availability: 1 breach. acme: a credit of 10.000 % of the fee" in text
    assert "acme may terminate." in text
    assert "acme" not in words(shown)
    assert "owed" not in status(Seen(shown), everything=False)


def test_what_it_warns_of_is_for_those_with_a_token() -> None:
    soon = result(certificate_expires=AS_OF + 9 * DAY, duration_ms=6000.5)
    warning = replace(newest(soon), warn=WarnLimits(certificate_ms=14 * DAY, duration_ms=5 * SECOND))
    of = snapshot(view("app"), looks=(warning,))
    shown = words(of, everything=True)
    assert "admin warns from london: the certificate ends on 2026-03-29T12:00:00.250Z, in 9 days" in shown
    assert "admin warns from london: took 6000 ms, over 5000 ms is slow" in shown
    assert "is up" in shown
    assert "warns" not in words(of)
    assert "warns" not in words(snapshot(view("app"), looks=(newest(soon),)), everything=True)


def test_old_figures_are_called_old() -> None:
    shown = snapshot(view("app"))
    assert "old" not in words(shown, AS_OF + STALE_AFTER)
    assert "These figures are 5 min old" in words(shown, AS_OF + 5 * MINUTE)
    assert "Not evaluated yet" in words(None)


@given(st.text())
def test_no_title_becomes_markup(title: str) -> None:
    for text in (title, f'"><script>{title}</script>', f"{{{{ {title} }}}}"):
        shown = replace(view("app"), title=text)
        page = Outline(render(snapshot(shown), AS_OF, everything=True))
        assert page.tags == Outline(render(snapshot(view("app")), AS_OF, everything=True)).tags


def test_nothing_on_the_page_needs_more_than_the_policy_allows() -> None:
    html = render(snapshot(with_maintenance(view("app"))), AS_OF, everything=True)
    page = Outline(html)
    assert not {"style", "img", "iframe", "form"} & set(page.tags)
    assert re.findall(r"<script[^>]*>[^<]*</script>", html) == ['<script src="/status.js" defer></script>']
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()


def test_every_class_of_the_page_has_its_look() -> None:
    html = render(snapshot(with_maintenance(view("app")), view("b", up=False)), AS_OF + HOUR, everything=True)
    classes = {name for given_classes in re.findall(r'class="([^"]+)"', html) for name in given_classes.split()}
    plain = {"verdict", "on_track", "met_unproven"}
    assert {name for name in classes - plain if f".{name}" not in stylesheet()} == set()


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0, "0 s"),
        (999, "0 s"),
        (61_999, "1 min 1 s"),
        (43 * MINUTE, "43 min"),
        (50 * HOUR, "50 h"),
        (HOUR + 5 * MINUTE + 59_000, "1 h 5 min"),
        (-1, "-1 s"),
    ],
)
def test_time_is_floored(ms: int, shown: str) -> None:
    assert rough(ms) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(DAY, "24 h"), (2 * DAY, "2 d"), (9 * DAY - 1, "8 d 23 h"), (4 * MINUTE + 1, "4 min"), (1, "less than a minute")],
)
def test_what_lasts_is_told_in_days(ms: int, shown: str) -> None:
    assert lasting(ms) == shown
