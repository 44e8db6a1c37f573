"""The availability report: what every format of it says, from statements and what was drawn of the same months."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from exporters import report_life
from exporters import report_sections as sections
from exporters.numbers import duration, percent, promised
from exporters.report_blocks import Block, Cell, Document, Pairs, Part, Prose, Section, Table
from exporters.report_drawings import burn_down, strip
from exporters.stated import Statement, Wall, at, late_policies, ms, plain, ratio_text, rows
from monitor.facts import EXCLUSION_CLASSES

EATERS = 3
"""Outages that the first screen names; the rest stand below."""

VERDICTS = {
    "met": "met",
    "met_unproven": "met, but not proved",
    "breached": "breached",
    "on_track": "on track",
}
"""The verdicts of accounting.md section 6 in words."""
_TONES = {"met": "good", "on_track": "good", "breached": "bad"}


@dataclass(frozen=True, slots=True)
class Told:
    """One service and month: its statement, its course (monitor.ledger.course), where its witnesses disagree
    (monitor.ledger.reconciliation), and what stands beside a closed statement (monitor.closing). `is_whole` is False
    where a part is kept from everybody."""

    stated: Statement
    course: Statement
    reconciled: Statement | None = None
    is_whole: bool = True
    beside: Statement | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a report is asked about: its span in words (`2026-03`, `2026-Q1`), and what there is nothing to tell of;
    `sections` about all of it are for operators only, and so is the `review` of a quarter (monitor.reviewing)."""

    span: str
    absent: Sequence[str] = ()
    sections: Sequence[Section] = ()
    review: Statement | None = None


def for_everybody(told: Told) -> Told:
    """The same without what is for operators only: addresses, statuses, reasons and places of looks, causes of gaps,
    persons and their words, what changed in the terms, and what witnesses say."""
    stated = dict(told.stated)
    stated["vantages"] = [
        {**vantage, "vantage": f"vantage {place}", "check": "check", "owner": "-", "gaps": []}
        for place, vantage in enumerate(rows(stated, "vantages"), 1)
    ]
    stated["corroborators"] = [
        {**check, "check": f"check {place}"} for place, check in enumerate(rows(stated, "corroborators"), 1)
    ]
    nothing: Statement = {"reasons": {}, "vantages": [], "first_fail": None, "last_fail": None}
    stated["outages"] = [{**outage, **nothing} for outage in rows(stated, "outages")]
    unsaid: Statement = {"author": None, "approver": None, "evidence": None, "reason": None}
    stated["exclusions"] = [{**exclusion, **unsaid} for exclusion in rows(stated, "exclusions")]
    unnamed: Statement = {"author": None, "author_authenticated": None, "evidence": None, "source": None}
    stated["commitments"] = [
        {**each, "published": [{**reading, **unnamed} for reading in rows(each, "published")]}
        if "published" in each
        else {**each}
        for each in rows(stated, "commitments")
    ]
    stated["terms_changed"], stated["restatement"], stated["tickets"] = [], None, []
    return Told(cast(Statement, stated), told.course, None, is_whole=False)


def document(told: Iterable[Told], about: About) -> Document:
    """The report of these services and months, in the order given."""
    parts: list[Part] = []
    overview: list[tuple[Cell, ...]] = []
    for each in told:
        parts.append(_part(each, len(parts) + 1))
        overview.append(_row(each.stated))
    title = f"Availability of {parts[0].title}" if len(parts) == 1 else f"Availability report {plain(about.span)}"
    head = ("service", "month", "verdict", "down", "allowed", "left", "excused", "published", "coverage")
    table = Table("All services and months", head, overview, frozenset(range(3, 9))) if len(parts) > 1 else None
    return Document(title, parts, table, [plain(line) for line in about.absent], about.sections)


def _row(stated: Statement) -> tuple[Cell, ...]:
    return (
        plain(stated["service"]),
        plain(stated["month"]),
        verdict_words(stated),
        duration(ms(stated, "accounts_ms", "down")),
        duration(ms(stated, "budget_ms")),
        duration(ms(stated, "remaining_ms")),
        duration(_excused(stated)),
        percent(ratio_text(stated, "availability", "published")),
        percent(ratio_text(stated, "coverage")),
    )


def _part(told: Told, place: int) -> Part:
    stated, wall = told.stated, Wall(plain(told.stated["timezone"]))
    title = f"{plain(stated['service'])}, {plain(stated['month'])}"
    return Part(
        title=title,
        anchor=f"p{place}",
        verdict=verdict_words(stated),
        tone=_TONES.get(plain(stated["verdict"]), "doubt"),
        said=_said(stated),
        head=Pairs([*_head(told, wall)]),
        sections=[*_sections(told, title, wall)],
    )


def _sections(told: Told, title: str, wall: Wall) -> Iterable[Section]:
    stated, course = told.stated, told.course
    yield Section("The month by days and hours", [strip(course, title), _days(course)])
    yield Section("The budget going down", [burn_down(stated, course, wall)])
    yield sections.accounts(stated)
    yield sections.availability(stated)
    yield sections.outages(stated, wall)
    yield sections.exclusions(stated, wall)
    yield sections.refused(stated, wall)
    yield sections.coverage(stated, wall)
    yield from sections.commitments(stated, wall)
    yield sections.method()
    if told.reconciled is not None:
        yield _reconciliation(told.reconciled, wall)
    if told.beside is not None:
        yield report_life.life(told.beside, wall)
    yield from report_life.changes(stated, wall)
    yield sections.integrity(stated)


def verdict_words(stated: Statement) -> str:
    """The verdict as people say it."""
    return VERDICTS.get(plain(stated["verdict"]), plain(stated["verdict"]))


def _said(stated: Statement) -> str:
    down, budget, remaining = ms(stated, "accounts_ms", "down"), ms(stated, "budget_ms"), ms(stated, "remaining_ms")
    left = f"{duration(remaining)} left" if remaining >= 0 else f"{duration(-remaining)} too much"
    return f"{duration(down)} down of {duration(budget)} allowed, {left}"


def _head(told: Told, wall: Wall) -> Iterable[tuple[str, Cell]]:
    """The first screen after the verdict."""
    stated = told.stated
    cap = "the cap on downtime" if stated["budget_bound_by"] == "downtime_cap" else "the objective"
    objective = promised(ratio_text(stated, "objective") or "0")
    yield "bound by", f"{cap}; the objective is {objective}"
    burned = ratio_text(stated, "burned")
    digits = 3 if ms(stated, "remaining_ms") >= 0 else 7  # a breach by a millisecond must not read as 100.000 %
    yield "used", f"{percent(burned, digits)} of what is allowed" if burned is not None else "- (nothing is allowed)"
    yield "what ate it", "; ".join(_eaten(told.course, wall)) or "nothing"
    yield "published", percent(ratio_text(stated, "availability", "published"))
    yield "excused", _excused_words(stated)
    yield "refused", _refused_words(stated)
    yield "bounds", _bounds(stated)
    yield "coverage", f"{percent(ratio_text(stated, 'coverage'))} of the time so far was seen"
    effective = at(stated, "policy", "effective_from")
    named = f"effective from {plain(effective)}" if effective is not None else "the default"
    yield "policy", "; ".join([named, *late_policies(stated)])
    yield "month", f"{wall.dated(stated['start'])} to {wall.dated(stated['end'])}, {plain(stated['timezone'])}"
    revision = f", revision {plain(stated['revision'])}" if stated["revision"] else ""
    before = f", supersedes revision {plain(stated['supersedes'])}" if stated["supersedes"] is not None else ""
    yield "statement", f"{plain(stated['status'])}{revision}{before}, as of {wall.dated(stated['as_of'])}"
    if not told.is_whole:
        yield "shown", "without what only operators see: reasons, addresses, places, persons and causes"


def _eaten(course: Statement, wall: Wall) -> Iterable[str]:
    eaten = rows(course, "eaten")
    for each in eaten[:EATERS]:
        yield f"{duration(ms(each, 'down_ms'))} from {wall.dated(each['start'])}"
    if len(eaten) > EATERS:
        yield f"and {len(eaten) - EATERS} smaller"


def _excused(stated: Statement) -> int:
    return sum(ms(stated, "accounts_ms", "excused", name) for name in EXCLUSION_CLASSES)


def _excused_words(stated: Statement) -> str:
    parts = [(name.replace("_", " "), ms(stated, "accounts_ms", "excused", name)) for name in EXCLUSION_CLASSES]
    said = ", ".join(f"{name} {duration(amount)}" for name, amount in parts if amount)
    return f"{duration(_excused(stated))} ({said})" if said else "nothing"


def _refused_words(stated: Statement) -> str:
    claims = rows(stated, "refused")
    if not claims:
        return "nothing"
    said = [f"{plain(claim['id'])} {duration(ms(claim, 'would_have_excused_ms'))}" for claim in claims[:EATERS]]
    more = f" and {len(claims) - EATERS} more" if len(claims) > EATERS else ""
    return f"{len(claims)}: {', '.join(said)}{more}"


def _bounds(stated: Statement) -> str:
    shortest, longest = (duration(ms(stated, "bounds_ms", f"down_{name}")) for name in ("shortest", "longest"))
    unknown = ms(stated, "accounts_ms", "unknown")
    unseen = f", and {duration(unknown)} that nobody saw" if unknown else ""
    best, worst = (percent(ratio_text(stated, "availability", name)) for name in ("best", "worst"))
    return f"down between {shortest} and {longest}{unseen}; availability between {worst} and {best}"


_DAY = ("down", "excused", "unknown", "up", "pending")


def _days(course: Statement) -> Block:
    """The strip as a table: the days that are not wholly up or wholly to come."""
    shown: list[tuple[Cell, ...]] = [
        (plain(day["date"]), *(duration(ms(day, f"{name}_ms")) for name in _DAY))
        for day in rows(course, "days")
        if any(ms(day, f"{name}_ms") for name in ("down", "excused", "unknown"))
    ]
    if not shown:
        return Prose("No day has time that was down, excused or unknown.")
    return Table("Days with time down, excused or unknown", ("day", *_DAY), shown, frozenset(range(1, 6)))


def _reconciliation(found: Statement, wall: Wall) -> Section:
    """Where own vantages, monitors of others and the own status page say otherwise."""
    witnesses: list[tuple[Cell, ...]] = [
        (
            plain(each["witness"]),
            "status page" if each["kind"] == "page" else "vantage",
            *(duration(ms(each, f"{name}_ms")) for name in ("down", "up", "unknown")),
        )
        for each in rows(found, "witnesses")
    ]
    blocks: list[Block] = [Prose(f"Measured: {duration(ms(found, 'measured_down_ms'))} down, excused or not.")]
    if witnesses:
        head = ("witness", "kind", "down", "up", "unknown")
        blocks.append(Table("What each witness saw", head, witnesses, frozenset({2, 3, 4})))
    apart: list[tuple[Cell, ...]] = [
        (wall.dated(each["start"]), wall.dated(each["end"]), duration(ms(each, "ms")), *_sides(each))
        for each in rows(found, "disagreements")
    ]
    if apart:
        head = ("from", "to", "time", "down says", "up says")
        blocks.append(Table("Where they disagree", head, apart, frozenset({2})))
    else:
        blocks.append(Prose("They agree throughout."))
    published: list[tuple[Cell, ...]] = [
        (wall.dated(each["start"]), wall.dated(each["end"]), _published(each)) for each in rows(found, "published")
    ]
    if published:
        blocks.append(Table("Outages on our own status page", ("from", "to", "published"), published))
    alone: list[tuple[Cell, ...]] = [
        (wall.dated(each["start"]), wall.dated(each["end"]), plain(each["page"]))
        for each in rows(found, "published_only")
    ]
    if alone:
        blocks.append(Table("Published, and measured by nobody", ("from", "to", "page"), alone))
    return Section("Reconciliation", blocks)


def _sides(each: Statement) -> tuple[str, str]:
    down, up = (cast("list[str]", each[name]) for name in ("down", "up"))
    return ", ".join(map(plain, down)), ", ".join(map(plain, up))


def _published(outage: Statement) -> str:
    if outage["published_at"] is None:
        return "never"
    late = ms(outage, "late_ms")
    when = f"{duration(late)} after it began" if late >= 0 else f"{duration(-late)} before it began"
    return f"{when} ({plain(outage['page'])}, {plain(outage['incident'])})"
