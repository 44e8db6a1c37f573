"""The report: golden files, every number one of the ledger's, and nothing in it that a browser would obey."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

import pytest

from exporters import report_html
from exporters.report import About, Told, document, for_everybody
from exporters.report_markdown import markdown
from monitor.facts import Result
from monitor.ledger.closings import Said, restated
from monitor.ledger.late import LateFact, difference
from monitor.ledger.period import parse_instant
from tests.conftest import ROOT
from tests.report.parts import ABOUT, GOLDEN, RENDERED, told

TAGS = {
    *("html", "head", "meta", "title", "link", "style", "body", "main", "article", "header", "section", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "p", "strong", "dl", "div", "dt", "dd", "a", "pre", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "rect", "text", "line", "polyline"),
}
VOID = {"meta", "link"}


class Outline(HTMLParser):
    """Every tag and attribute, the text, and whether tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.targets: list[str] = []
        self.text = ""
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets += [value or "" for name, value in attrs if name in ("href", "src") and tag == "a"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.text += f" {data}"


@pytest.mark.parametrize("name", RENDERED)
def test_a_report_is_as_it_was_agreed(name: str) -> None:
    assert RENDERED[name]().encode() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", RENDERED)
def test_a_report_made_elsewhere_is_the_same_byte_for_byte(name: str) -> None:
    elsewhere = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "tests.report.parts", name]
    done = subprocess.run(command, cwd=ROOT, env=elsewhere, capture_output=True, check=True)
    assert done.stdout == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", ["report.html", "report.md", "public.md"])
def test_every_instant_is_on_the_wall_of_the_policys_zone(name: str) -> None:
    """Names of outages and the commands that prove a statement have instants in them; nothing else is in UTC."""
    text = RENDERED[name]().replace("\\", "")
    elsewhere = re.sub(r"(?:[^\s/]+/|--as-of )\d{4}-\d\d-\d\dT[\d:.]+Z", "", text)
    assert re.findall(r".{0,30}\d\dT\d\d:[\d:.]+Z", elsewhere) == []


# ---------------------------------------------------------------- its numbers

DURATION = re.compile(r"-?\b(?:(\d+)h )?(?:(\d+)m )?(\d+)(?:\.(\d{3}))?s\b")
PERCENT = re.compile(r"(-?\d+)\.(\d+) %")


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def windows_of(value: Any) -> Iterator[dict[str, int]]:
    """Whatever counts samples of Web Vitals."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and value.get("samples") and "good" in value:
        yield value
    for inner in inside:
        yield from windows_of(inner)


def amount(match: re.Match[str]) -> int:
    hours, minutes, seconds, thousandths = (int(group or 0) for group in match.groups())
    found = ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
    return -found if match[0].startswith("-") else found


def amounts_of(part: Told) -> set[int]:
    """Every integer of the ledger, and the two sums that the arithmetic is shown with."""
    stated: Any = part.stated
    known = {leaf for leaf in leaves([part.stated, part.course, part.reconciled]) if type(leaf) is int}
    excused = sum(stated["accounts_ms"]["excused"].values())
    left = {stated["budget_ms"] - step["down_ms"] for step in part.course["steps"]}  # type: ignore[union-attr,index,call-overload]
    return known | {-number for number in known} | {excused} | left


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("shown", [lambda part: part, for_everybody], ids=["whole", "public"])
def test_every_amount_on_the_page_is_one_of_the_ledgers(place: int, shown: Callable[[Told], Told]) -> None:
    part = told()[place]
    text = Outline(report_html.page(document([shown(part)], ABOUT))).text
    found = [amount(match) for match in DURATION.finditer(text)]
    assert len(found) > 30
    assert set(found) - amounts_of(part) == set()


@pytest.mark.parametrize("place", [0, 1])
def test_every_share_on_the_page_is_one_of_the_statements_cut(place: int) -> None:
    part = told()[place]
    text = Outline(report_html.page(document([part], ABOUT))).text
    ratios = [
        Fraction(leaf) for leaf in leaves(part.stated) if isinstance(leaf, str) and re.fullmatch(r"-?\d\.\d{9}", leaf)
    ]
    ratios += [Fraction(window["good"], window["samples"]) for window in windows_of(part.stated)]
    shares = [(Fraction(f"{match[1]}.{match[2]}"), len(match[2])) for match in PERCENT.finditer(text)]
    assert shares
    for share, digits in shares:
        assert any(share <= ratio * 100 < share + Fraction(1, 10**digits) for ratio in ratios), share


def test_a_share_is_never_rounded_in_our_favour() -> None:
    stated: Any = copy.deepcopy(told()[0].stated)
    stated["availability"]["published"] = "0.998999999"
    page = report_html.page(document([replace(told()[0], stated=stated)], ABOUT))
    assert "99.899 %" in page
    assert "99.900 %" not in page


# ---------------------------------------------------------------- what is hostile

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "' onload='alert(1)",
    "</style><svg onload=alert(1)>",
    "{{ 7 * 7 }}",
    'https://a.example/"onclick="alert(1)',
    "data:text/html,<script>alert(1)</script>",
    "\u202etxt.exe\x1b[2J\r\n# verdict: met",
]
CODES = {"status", "month", "timezone", "verdict", "budget_bound_by", "hours", "date", "account", "kind"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|-?\d+\.\d{9}")


def poisoned(value: Any, payload: str, name: str = "") -> Any:
    """The payload in every free text, names of reasons included; instants, ratios and the ledger's own codes stay."""
    if isinstance(value, dict):
        named = {payload: 1} if name in ("reasons", "phases_ms") else value
        return {key: poisoned(inner, payload, key) for key, inner in named.items()}
    if isinstance(value, list):
        return [poisoned(inner, payload, name) for inner in value]
    if not isinstance(value, str) or name in CODES or INSTANT.fullmatch(value):
        return value
    return payload


def hostile(payload: str) -> list[Told]:
    return [Told(*(poisoned(each, payload) for each in (part.stated, part.course, part.reconciled))) for part in told()]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("render", [report_html.page, report_html.alone], ids=["page", "alone"])
def test_nothing_that_others_wrote_is_obeyed_by_a_browser(payload: str, render: Callable[[Any], str]) -> None:
    clean = Outline(render(document(told(), ABOUT)))
    found = Outline(render(document(hostile(payload), About(payload, [payload]))))
    assert found.tags <= TAGS
    assert found.attributes <= clean.attributes
    assert not {name for name in found.attributes if name.startswith("on") or name == "style"}
    assert all(target.startswith(("http://", "https://")) for target in found.targets)
    assert "49" not in found.text or "{{ 7 * 7 }}" not in payload


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_others_wrote_is_markup_in_markdown(payload: str) -> None:
    text = markdown(document(hostile(payload), About(payload, [payload])))
    clean = markdown(document(hostile("x"), About("x", ["x"])))
    outside = "\n".join(re.split(r"^```$", text, flags=re.MULTILINE)[::2]).replace("<!-- -->", "")
    assert not re.search(r"(?<!\\)<(?!https?://[^\s<>]*>)", outside)
    assert not re.search(r"(?<!\\)!\[|(?<!\\)\]\(", outside)
    assert len(re.findall(r"^#+ ", text, re.MULTILINE)) == len(re.findall(r"^#+ ", clean, re.MULTILINE))
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))


def test_an_address_of_the_web_is_a_link_and_nothing_else_is() -> None:
    assert set(Outline(report_html.page(document(told(), ABOUT))).targets) == {
        "https://status.example.com/notes",
        "https://example.com/shot.png",
        "https://chromeuxreport.googleapis.com",
    }
    assert Outline(report_html.page(document(hostile("ftp://a.example/"), ABOUT))).targets == []


def test_a_page_forbids_itself_everything_but_its_own_looks() -> None:
    page = report_html.alone(document(told(), ABOUT))
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    outline = Outline(page)
    assert "script" not in outline.tags
    assert len(outline.ids) == len({*outline.ids})


# ---------------------------------------------------------------- who sees what

SECRETS = ("192.0.2.1", "503", "london", "ann", "ben", "timeout", "self_down", "services.app.checks", "incident i7")


def test_everybody_is_told_no_address_reason_place_person_or_cause() -> None:
    part = replace(told()[0], stated={**told()[0].stated, "restatement": None})
    everything = Outline(report_html.page(document([part], ABOUT))).text
    public = Outline(report_html.page(document([for_everybody(part)], ABOUT))).text
    for secret in SECRETS[:-1]:
        assert re.search(rf"\b{re.escape(secret)}\b", everything), secret
        assert not re.search(rf"\b{re.escape(secret)}\b", public), secret
    assert "Reconciliation" in everything
    assert "Reconciliation" not in public
    assert "without what only operators see" in public


def test_everybody_sees_the_same_figures() -> None:
    whole, public = told()[0], for_everybody(told()[0])
    for name in ("accounts_ms", "budget_ms", "availability", "bounds_ms", "verdict", "refused", "digest", "coverage"):
        assert whole.stated[name] == public.stated[name]


# ---------------------------------------------------------------- its first screen


def words(part: Told) -> str:
    return " ".join(Outline(report_html.page(document([part], ABOUT))).text.split())


def test_the_first_screen_says_what_counts() -> None:
    text = words(told()[1])
    first = text[: text.index("The month by days and hours")]
    for said in (
        "breached : ",
        " down of ",
        " allowed, ",
        "bound by",
        "what ate it",
        "excused",
        "refused",
        "bounds",
        "coverage",
    ):
        assert said in first, said


def test_a_breach_by_a_millisecond_does_not_read_as_all_of_it_used() -> None:
    assert "43m 00.001s down of 43m 00s allowed, 0.001s too much" in words(told()[1])
    assert "used 100.0000387 % of what is allowed" in words(told()[1])


def test_a_restatement_is_told_in_words_as_the_ledger_gives_it() -> None:
    part = told()[0]
    closed, draft = copy.deepcopy(dict(part.stated)), copy.deepcopy(dict[str, Any](part.stated))
    draft["accounts_ms"]["down"] += 60_000
    draft["accounts_ms"]["up"] -= 60_000
    [vital] = [each for each in draft["commitments"] if each["commitment"] == "LCP"]
    vital["samples"], vital["verdict"] = vital["samples"] + 3, "insufficient"
    effect = difference(closed, draft)
    look = Result(parse_instant("2026-07-14T09:00:00Z"), "web", "oslo", parse_instant("2026-06-14T09:00:00Z"), "fail")
    made = restated(draft, {**closed, "revision": 1}, Said("ann", False, "a late look"), [LateFact((look,), effect)])
    text = words(replace(part, stated=made))
    assert "restated, revision 2, supersedes revision 1" in text
    assert "supersedes revision 1 as of 2026-07-13 12:15:01+00:00" in text
    assert "restated by ann (not authenticated) reason a late look" in text
    changed = "down +1m 00s, up -1m 00s, LCP samples +3, LCP met, now insufficient"
    assert f"result web from oslo 1 2026-07-14 09:00:00+00:00 {changed}" in text
    assert f"All of it together changed: {changed}." in text


def test_what_is_left_out_is_told() -> None:
    assert "app, 2026-07: it has not begun" in words(told()[0])


def test_several_months_stand_side_by_side_first() -> None:
    text = Outline(report_html.page(document(told(), ABOUT))).text
    assert text.index("All services and months") < text.index("The month by days and hours")
    assert "All services and months" not in words(told()[0])
