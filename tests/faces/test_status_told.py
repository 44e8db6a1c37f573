"""What the status page tells of the past and of others, and the feed and the badges that tell the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from exporters.badge import Show, badge
from exporters.feed import ATOM, ENTRIES, feed
from exporters.status import DAYS, Seen, status
from exporters.status_page import render
from exporters.status_strip import said, strip
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, Period, format_instant, parse_instant
from monitor.ledger.snapshot import Day, OpenIncident, PastMonth, Recent, ServiceView, Snapshot
from tests.faces.samples import AS_OF, MARCH, announcement, figures, snapshot, view
from tests.faces.status_golden import GOLDEN, RENDERED

FEBRUARY, JANUARY = MARCH.shifted(-1), MARCH.shifted(-2)
CHAIN = {"head": "sha256:ab", "facts": 7, "published_at": format_instant(AS_OF - HOUR), "occasion": "midnight"}


def stated(verdict: str = "met", down: int = 2 * MINUTE) -> dict[str, Any]:
    """The fields of a closed statement that are shown."""
    return {
        "verdict": verdict,
        "availability": {"published": "0.999950000"},
        "objective": "0.999000000",
        "coverage": "1.000000000",
        "accounts_ms": {"down": down, "unknown": 0, "excused": {"maintenance": HOUR}},
        "budget_ms": 40 * MINUTE,
        "remaining_ms": 40 * MINUTE - down,
        "digest": "sha256:cd",
        "outages": [],
    }


def past(month: Month = FEBRUARY, **changed: Any) -> PastMonth:
    told = PastMonth("app", month, stated(), (Day(f"{month}-03", down=MINUTE, up=DAY - MINUTE),), AS_OF - DAY, 1)
    return replace(told, **changed)


def told(of: Snapshot, *months: PastMonth, everything: bool = False, chain: Mapping[str, Any] | None = None) -> Any:
    return status(Seen(of, {(each.service, each.month): each for each in months}, chain), everything=everything)


def closed(of: Snapshot, **revisions: int) -> Snapshot:
    return replace(of, closed={("app", f"2026-{name[1:]}"): revision for name, revision in revisions.items()})


def with_recent(of: ServiceView, **given: Any) -> ServiceView:
    return replace(of, recent=lambda: Recent(**given))


# ---------------------------------------------------------------- months that are closed


def test_a_closed_month_is_told_as_it_was_closed_and_not_as_it_would_be_now() -> None:
    of = closed(snapshot(view("app")), m02=1)
    now, before = told(of, past(statement=stated("breached", HOUR)))["services"][0]["months"]
    assert (now["month"], now["status"]) == ("2026-03", "draft")
    assert (before["verdict"], before["down_ms"], before["remaining_ms"]) == ("breached", HOUR, -20 * MINUTE)
    assert (before["status"], before["revision"], before["closed_at"]) == ("final", 1, format_instant(AS_OF - DAY))


def test_a_closed_month_that_is_not_computed_again_yet_shows_no_figure() -> None:
    of = closed(snapshot(view("app")), m02=2)
    for kept in ((), (past(),)):  # nothing, or the revision before
        month = told(of, *kept)["services"][0]["months"][1]
        assert (month["status"], month["revision"], month["verdict"]) == ("restated", 2, "pending")
        assert month["down_ms"] is None
    page = render(told(of), "v", 0)
    assert "Its figures are being computed again from its facts." in page


def test_a_closed_month_whose_facts_say_otherwise_shows_no_figure() -> None:
    of = closed(snapshot(view("app")), m02=1)
    month = told(of, past(statement=None, days=()))["services"][0]["months"][1]
    assert (month["verdict"], month["availability"]) == ("differs", None)
    assert "not what was closed" in render(told(of, past(statement=None, days=())), "v", 0)


def test_a_month_that_was_never_closed_is_a_draft() -> None:
    months = told(snapshot(view("app")), past(JANUARY, closed_at=None, revision=0))["services"][0]["months"]
    assert [(month["month"], month["status"]) for month in months] == [
        ("2026-03", "draft"),
        ("2026-02", "draft"),
        ("2026-01", "draft"),
    ]


def test_every_month_leads_to_its_report() -> None:
    page = render(told(closed(snapshot(view("app")), m02=1), past()), "v", 0)
    assert 'href="/services/app/2026-03"' in page
    assert 'href="/services/app/2026-02"' in page


# ---------------------------------------------------------------- days and outages


def test_days_of_a_closed_month_are_its_statements() -> None:
    live = (Day("2026-02-03", up=DAY), Day("2026-03-01", excused=MINUTE, up=DAY - MINUTE))
    of = snapshot(with_recent(view("app"), days=live))
    days = told(closed(of, m02=1), past())["services"][0]["days"]
    assert [(day["date"], day["worst"], day["down_ms"]) for day in days] == [
        ("2026-02-03", "down", MINUTE),
        ("2026-03-01", "excused", 0),
    ]
    assert [day["date"] for day in told(closed(of, m02=1))["services"][0]["days"]] == ["2026-03-01"]
    assert [day["worst"] for day in told(of)["services"][0]["days"]] == ["up", "excused"]


def test_the_strip_ends_today_and_has_ninety_days() -> None:
    live = [Day("2025-12-21", down=1), Day("2025-12-22", down=1), Day("2026-03-21", up=1)]
    of = snapshot(with_recent(view("app"), days=tuple(live)))
    assert [day["date"] for day in told(of)["services"][0]["days"]] == ["2025-12-22", "2026-03-21"]
    assert DAYS == 90


def test_a_day_says_its_amounts_exactly_and_is_drawn_as_its_worst() -> None:
    day = Day("2026-03-07", down=12 * MINUTE + 500, excused=3 * MINUTE, unknown=1, up=HOUR)
    [shown] = told(snapshot(with_recent(view("app"), days=(day,))))["services"][0]["days"]
    assert said(shown) == "2026-03-07: 12m 00.500s down, 3m 00s excused, 0.001s not measured"
    drawn = strip([shown], "The app")
    assert drawn is not None
    assert drawn.words == "The app, the last 90 days: 1 day with downtime, 89 days of which nothing is known"
    assert '<path class="down" d="M801 36v-36h7v36z"/>' in drawn.svg
    assert "<title>2026-03-07: 12m 00.500s down" in drawn.svg
    assert drawn.lines == [said(shown)]
    assert strip([], "The app") is None


def test_an_outage_over_a_months_end_is_one() -> None:
    edge = figures("app").period.start
    begun = edge - HOUR
    outage = {"id": f"app/{format_instant(begun)}", "start": format_instant(begun), "end": format_instant(edge)}
    kept = past(statement={**stated(), "outages": [outage]})
    live = Period(begun + 5, edge + MINUTE)  # as it would be now: what was closed stands
    of = closed(snapshot(with_recent(view("app"), outages=(live,))), m02=1)
    [found] = told(of, kept)["services"][0]["outages"]
    assert (found["id"], found["start"], found["ms"]) == (outage["id"], outage["start"], HOUR + MINUTE)
    assert not found["ongoing"]


def test_an_outage_that_goes_on_says_so() -> None:
    of = snapshot(with_recent(view("app", up=False), outages=(Period(AS_OF - HOUR, AS_OF),)))
    [found] = told(of)["services"][0]["outages"]
    assert found["ongoing"]


# ---------------------------------------------------------------- what others say


def incident(provider: str, *services: str, **changed: Any) -> OpenIncident:
    found = OpenIncident(provider, "i9", {"CDN": 3, "*": 2}, AS_OF - HOUR, frozenset(services), "Slow", "https://a.b/c")
    return replace(found, **changed)


def test_incidents_of_what_a_shown_service_depends_on_are_shown() -> None:
    of = snapshot(view("app"), view("jobs", public=False))
    of = replace(of, incidents=(incident("edge", "app"), incident("mail", "jobs"), incident("other")))
    assert [each["provider"] for each in told(of)["incidents"]] == ["edge"]
    assert len(told(of, everything=True)["incidents"]) == 3
    [shown] = told(of)["incidents"]
    assert (shown["severity"], shown["components"]) == ("partial_outage", ["CDN"])
    page = render(told(of), "v", 0)
    assert '<a href="https://a.b/c" rel="noopener noreferrer">Slow</a>, partial outage of CDN' in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//a.b", 'https://a.b/"onclick="x', None])
def test_an_address_that_is_no_page_is_no_link(url: str | None) -> None:
    of = replace(
        snapshot(with_recent(view("app"), announced=(announcement(url=url),))),
        incidents=(incident("edge", "app", url=url),),
    )
    shown = told(of)
    assert shown["incidents"][0]["url"] is None
    assert shown["services"][0]["maintenance"][0]["url"] is None


def test_a_maintenance_that_excuses_nothing_says_so() -> None:
    late = announcement(excuses=False, notice=HOUR)
    page = render(told(snapshot(with_recent(view("app"), announced=(late,)))), "v", 0)
    assert "announced 1 h ahead: it excuses no downtime." in page


# ---------------------------------------------------------------- the feed


def entries(of: Any) -> list[dict[str, str]]:
    root = ET.fromstring(feed(of, "https://status.example.com/", AS_OF))  # noqa: S314 - our own
    valid(root)
    names = ("id", "title", "updated", "content")
    return [
        {name: entry.findtext(f"{{{ATOM}}}{name}") or "" for name in names}
        for entry in root.findall(f"{{{ATOM}}}entry")
    ]


def valid(root: ET.Element) -> None:
    """What RFC 4287 section 4.1 asks of a feed and its entries."""
    ids = []
    for element in (root, *root.findall(f"{{{ATOM}}}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{{{ATOM}}}{name}")) == 1
        ids.append(element.findtext(f"{{{ATOM}}}id") or "")
        UUID(ids[-1])
        parse_instant(element.findtext(f"{{{ATOM}}}updated") or "")
    assert len(set(ids)) == len(ids)
    assert root.find(f"{{{ATOM}}}author/{{{ATOM}}}name") is not None
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{{{ATOM}}}link")}
    assert links == {"self": "https://status.example.com/feed.atom", "alternate": "https://status.example.com/"}


def test_the_feed_tells_outages_maintenance_closings_and_the_chain() -> None:
    of = with_recent(view("app"), outages=(Period(AS_OF - HOUR, AS_OF - MINUTE),), announced=(announcement(),))
    found = entries(told(closed(snapshot(of), m02=1), past(), chain=CHAIN))
    assert [entry["title"] for entry in found] == [
        "Maintenance of The app: Database upgrade",
        "The app was down for 59m 00s",
        "Head of the chain of facts",
        "The app, 2026-02: met",
    ]
    assert "sha256:cd" in found[3]["content"]
    assert "sha256:ab after 7 facts" in found[2]["content"]


def test_an_entry_keeps_its_id_and_is_new_when_something_changed() -> None:
    begun = AS_OF - HOUR
    going = entries(told(snapshot(with_recent(view("app", up=False), outages=(Period(begun, AS_OF),)))))
    ended = entries(told(snapshot(with_recent(view("app"), outages=(Period(begun, AS_OF - 1),)))))
    assert [entry["title"] for entry in going] == ["The app is down"]
    assert going[0]["id"] == ended[0]["id"]
    assert going[0]["updated"] < ended[0]["updated"]


def test_a_feed_is_valid_with_nothing_in_it_too_and_has_an_end() -> None:
    assert entries(status(Seen(None), everything=False)) == []
    many = tuple(Period(AS_OF - HOUR * place, AS_OF - HOUR * place + 1) for place in range(150, 0, -1))
    assert len(entries(told(snapshot(with_recent(view("app"), outages=many))))) == ENTRIES


def test_what_others_wrote_is_text_in_the_feed() -> None:
    hostile = announcement(title="<script>alert(1)</script>\x00\x1b]]>&", id="\ud800")
    [entry] = entries(told(snapshot(with_recent(view("app"), announced=(hostile,)))))
    assert entry["title"] == "Maintenance of The app: <script>alert(1)</script>??]]>&"


# ---------------------------------------------------------------- badges


@pytest.mark.parametrize(
    ("up", "remaining", "show", "words"),
    [
        (True, MINUTE, "state", "up"),
        (False, MINUTE, "state", "down"),
        (None, MINUTE, "state", "unknown"),
        (True, 43 * MINUTE + 999, "left", "43 min left"),
        (True, -MINUTE, "left", "overspent by 1 min"),
    ],
)
def test_a_badge_says_the_state_or_what_is_left(up: bool | None, remaining: int, show: Show, words: str) -> None:
    [service] = told(snapshot(view("app", replace(figures("app"), remaining=remaining), up=up)))["services"]
    drawn = ET.fromstring(badge(service, show))  # noqa: S314 - our own
    assert drawn.get("aria-label") == f"The app: {words}"


def test_a_badge_of_a_hostile_title_is_still_a_picture() -> None:
    of = replace(view("app"), title='"><script>alert(1)</script>' * 9)
    drawn = ET.fromstring(badge(told(snapshot(of))["services"][0], "state"))  # noqa: S314 - our own
    assert {element.tag.rpartition("}")[2] for element in drawn.iter()} == {"svg", "title", "rect", "g", "text"}


# ---------------------------------------------------------------- all of it, as it was agreed


@pytest.mark.parametrize("name", RENDERED)
def test_the_page_and_what_tells_the_same_are_as_they_were_agreed(name: str) -> None:
    assert RENDERED[name]().encode() == (GOLDEN / name).read_bytes()
