"""Web Vitals of a statement in words: a section of the report, and lines for a terminal.

Figures are those of the statement. A share is cut, never rounded; a percentile from the histogram is marked as about.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from exporters.numbers import percent
from exporters.report_blocks import Block, Cell, Pairs, Prose, Section, Table, address
from exporters.stated import Statement, at, labelled, ms, plain, rows
from monitor.ledger.vitals.tally import COUNTRIES, NOWHERE
from monitor.ledger.vitals.ways import SAYS

METRICS = ("LCP", "INP", "CLS")
_UNITS = {"LCP": " ms", "INP": " ms", "CLS": ""}
_NUMBERS = frozenset({2, 3, 4, 5})


def vitals_of(stated: Statement) -> list[Statement]:
    """The commitments that are Web Vitals."""
    return [each for each in rows(stated, "commitments") if each["commitment"] in METRICS]


def overall(vitals: list[Statement]) -> str:
    """The month in a word: missed by any of them, met by all, else not assessed and why."""
    told = {plain(each["commitment"]): plain(each["verdict"]) for each in vitals}
    missed = [metric for metric, verdict in told.items() if verdict == "missed"]
    open_ones = [f"{metric} has {_WHY[verdict]}" for metric, verdict in told.items() if verdict in _WHY]
    if missed:
        return f"missed: {' and '.join(missed)}"
    return f"not assessed: {' and '.join(open_ones)}" if open_ones else "met"


_WHY = {"insufficient": "too few samples", "no_data": "no samples"}


def section(stated: Statement) -> Iterator[Section]:
    """What real users measured, in the month and over 28 days; nothing where nothing is promised."""
    vitals = vitals_of(stated)
    if not vitals:
        return
    head = ("metric", "target", "percentile", "95 % interval", "good", "samples", "verdict")
    month = [_row(each, each) for each in vitals]
    blocks: list[Block] = [
        Prose(f"The month: {overall(vitals)}. Verdicts are from counts; percentiles, marked ≈, from a histogram."),
        Table("Real users in the month", head, month, _NUMBERS),
    ]
    recent = [(each, _inner(each, "last_28_days")) for each in vitals]
    windows = [(each, window) for each, window in recent if window]
    if windows:
        first = windows[0][1]
        blocks.append(
            Table(
                f"The 28 days that Shopify judges, {plain(first['from'])} to {plain(first['to'])}",
                head,
                [_row(each, window) for each, window in windows],
                _NUMBERS,
            )
        )
    blocks += _countries(vitals)
    blocks += _published(vitals)
    blocks.append(Pairs([*_notes(vitals)]))
    yield Section("Web Vitals", blocks)


def _row(each: Statement, window: Statement) -> tuple[Cell, ...]:
    metric = plain(each["commitment"])
    interval = window.get("interval")
    ends = " to ".join(plain(end) for end in interval) if isinstance(interval, list) else "-"
    return (
        metric,
        f"{plain(each['target'])}{_UNITS[metric]}",
        _about(metric, window.get("result")),
        ends,
        _share(window),
        plain(window["samples"]),
        _verdict(window),
    )


def _about(metric: str, result: object) -> str:
    return "-" if not isinstance(result, str) else f"≈ {plain(result)}{_UNITS[metric]}"


def _share(window: Statement) -> str:
    samples = ms(window, "samples")
    return percent(Fraction(ms(window, "good"), samples) if samples else None, 1)


def _verdict(window: Statement) -> str:
    verdict = plain(window["verdict"]).replace("_", " ")
    if window.get("confidence") == "borderline":
        return f"{verdict}, borderline: chance alone could have turned it"
    return f"{verdict}, clear" if window.get("confidence") == "clear" else verdict


def _countries(vitals: list[Statement]) -> Iterator[Block]:
    """Only what a hundred samples or more stand behind: the statement holds no others."""
    found: list[tuple[Cell, ...]] = [
        (
            plain(each["commitment"]),
            _country(plain(country["country"])),
            _about(plain(each["commitment"]), country["result"]),
            _share(country),
            plain(country["samples"]),
        )
        for each in vitals
        for country in _list(each, "countries")
    ]
    if found:
        head = ("metric", "country", "percentile", "good", "samples")
        yield Table("By country, from 100 samples on", head, found, frozenset({2, 3, 4}))


def _country(code: str) -> str:
    return f"{NOWHERE}: others, and unknown" if code == NOWHERE else code


def _published(vitals: list[Statement]) -> Iterator[Block]:
    found: list[tuple[Cell, ...]] = [
        (
            plain(each["commitment"]),
            f"{plain(reading['from'])} to {plain(reading['to'])}",
            f"{plain(reading['p75'])}{_UNITS[plain(each['commitment'])]}",
            _whose(reading),
            address(reading.get("evidence")),
        )
        for each in vitals
        for reading in _list(each, "published")
    ]
    if found:
        head = ("metric", "days", "percentile", "whose figure", "evidence")
        yield Table("What others publish: it stands beside ours, and decides nothing", head, found, frozenset({2}))


def _whose(reading: Statement) -> str:
    if "subject" in reading:
        return f"CrUX of {plain(reading['subject'])}: {plain(reading.get('verdict'))} by its part of good visits"
    if reading.get("author") is None:
        return "Shopify's dashboard, entered by hand"
    typed = "" if reading.get("author_authenticated") else " (unauthenticated)"
    return f"Shopify's dashboard, entered by {plain(reading['author'])}{typed}"


def _notes(vitals: list[Statement]) -> Iterator[tuple[str, Cell]]:
    yield "a sample", "One metric and page view. Its last report counts, on the day and in the country of its first."
    partial = [f"{plain(each['commitment'])} {each['days']}" for each in vitals if each.get("partial") is True]
    if partial:
        yield "partial", f"Fewer than 25 days of the month have samples: {', '.join(partial)}."
    if any(_list(each, "countries") for each in vitals):
        yield "by country", f"Of each day the {COUNTRIES} countries with the most samples are kept by themselves."
    yield "chance", "Intervals take page views as independent; the views of one busy user are not."
    ways = dict.fromkeys(plain(way) for each in vitals for way in _list_of_words(each, "trust"))
    for way in ways:
        yield "how they came", SAYS.get(way, way)  # type: ignore[call-overload]


def _inner(each: Statement, name: str) -> Statement:
    found = each.get(name)
    return found if isinstance(found, dict) else {}


def _list(each: Statement, name: str) -> list[Statement]:
    return rows(each, name) if isinstance(each.get(name), list) else []


def _list_of_words(each: Statement, name: str) -> list[str]:
    found = each.get(name)
    return [plain(word) for word in found] if isinstance(found, list) else []


def vital_lines(stated: Statement) -> Iterator[str]:
    """For a terminal, each metric with its counts; nothing where nothing is promised."""
    vitals = vitals_of(stated)
    if not vitals:
        return
    yield from labelled("web vitals", [overall(vitals)])
    for each in vitals:
        metric = plain(each["commitment"])
        counted = f"{at(each, 'good')} of {at(each, 'samples')} good ({_share(each)})"
        partial = f", on {each['days']} days only" if each.get("partial") is True else ""
        found = f"{_verdict(each)}; {_about(metric, each['result']).replace('≈', 'about')}"
        yield f"  {metric} {plain(each['target'])}: {found}, {counted}{partial}"
        for reading in _list(each, "published"):
            days = f"{plain(reading['from'])} to {plain(reading['to'])}"
            yield f"    beside it {plain(reading['p75'])}{_UNITS[metric]}, {days}: {_whose(reading)}"
    yield ""
