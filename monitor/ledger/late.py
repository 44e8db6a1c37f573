"""Facts that came after a statement was closed, each with its effect in ms (contracts/accounting.md section 9).

The effect of one is what it alone would change; that of all together is the difference of the two statements. A late
fact that changes nothing is listed as well, as long as it is about the month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from monitor.facts import AnyFact, Fact, Json, Result, digest, sha256_text
from monitor.ledger.entries import Entries
from monitor.ledger.exclusion import concerns
from monitor.ledger.months import ServiceBook, book_month, service_book, timelines_from
from monitor.ledger.period import Month, Period, format_instant, local_date, month_at, parse_instant
from monitor.ledger.statement import amounts, commitments, consulted
from monitor.ledger.terms import CheckTerms, policy_for
from monitor.ledger.third_party import FOREVER, component_steps
from monitor.ledger.timeline import Timelines
from monitor.ledger.vitals.published import reading_days
from monitor.ledger.vitals.samples import Report, samples_of
from monitor.ledger.vitals.stated import vital_differences
from monitor.ledger.vitals.tally import cell_of

EFFECTS = 50
"""Groups of late facts whose own effect is computed, each by booking the month again; that of all is always told."""

_AMOUNTS = ("accounts_ms", "third_party_ms", "bounds_ms", "base_ms", "budget_ms", "remaining_ms")
_WORDS = ("verdict", "budget_bound_by")


Group = tuple[AnyFact, ...]
"""One fact, the late results of one check at one vantage, or the late reports of one Web Vital."""


@dataclass(frozen=True, slots=True)
class LateFact:
    """`effect` is None where it was not computed."""

    facts: Group
    effect: dict[str, Json] | None

    def shown(self) -> dict[str, Json]:
        """As the statement lists it: what it is about, how many, when the last was recorded, and its digest."""
        last = max(fact.recorded_at for fact in self.facts)
        first = self.facts[0]
        told: dict[str, Json] = {"kind": first.kind, "subject": _subject(first), "count": len(self.facts)}
        if isinstance(first, Result):
            looks = sorted(fact.at for fact in self.facts if isinstance(fact, Result))
            told |= {
                "vantage": first.vantage,
                "first_at": format_instant(looks[0]),
                "last_at": format_instant(looks[-1]),
            }
        digests = b"".join(sorted(digest(fact) for fact in self.facts))
        return {
            **told,
            "recorded_at": format_instant(last),
            "digest": sha256_text(digests),
            "effect": self.effect,
        }


def difference(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, Json]:
    """After less before: every amount in ms and every breach, 0 too; words that changed as `[before, after]`."""
    changed: dict[str, Json] = {name: _less(before[name], after[name]) for name in _AMOUNTS}
    for name in _WORDS:
        changed[name] = None if before[name] == after[name] else [before[name], after[name]]
    was, is_now = _breaches(before), _breaches(after)
    changed["breaches"] = {name: is_now.get(name, 0) - was.get(name, 0) for name in {**was, **is_now}}
    vitals = vital_differences(cast("list[Json]", before["commitments"]), cast("list[Json]", after["commitments"]))
    return {**changed, "vitals": vitals} if vitals else changed


def _breaches(stated: Mapping[str, Json]) -> dict[str, int]:
    rows = cast("list[dict[str, Json]]", stated["commitments"])
    return {cast(str, row["commitment"]): cast(int, row["breaches"]) for row in rows}


def _told(of: ServiceBook, month: Month, as_of: int) -> dict[str, Json]:
    """What a difference is made of."""
    booked = book_month(of, month, as_of)
    return {**amounts(booked.figures), "commitments": commitments(of, booked)}


def _less(before: Json, after: Json) -> Json:
    if isinstance(before, dict) and isinstance(after, dict):
        return {name: _less(before[name], after[name]) for name in after}
    return cast(int, after) - cast(int, before)


def late_facts(before: ServiceBook, now: ServiceBook, month: Month, closed_at: int, as_of: int) -> list[LateFact]:
    """What `now` knows of the month and `before`, as of `closed_at`, did not; in order of recording."""
    period = month.period(now.terms.zone)
    came = [fact for fact in consulted(now) if fact.recorded_at > closed_at]
    within, around = _sorted(came, before, now, period)
    if not within and not around:
        return []
    known = _told(before, month, as_of)

    def effect(*groups: Group) -> dict[str, Json]:
        facts = [fact for group in groups for fact in group]
        return difference(known, _told(_with(before, facts), month, as_of))

    if around and effect(*within, *around) != effect(*within):
        within += around
    return [LateFact(group, effect(group) if place < EFFECTS else None) for place, group in enumerate(within)]


def _sorted(
    came: Sequence[AnyFact], before: ServiceBook, now: ServiceBook, period: Period
) -> tuple[list[Group], list[Group]]:
    """The facts about the month, and the results around it, which may decide what its first and last looks were;
    results of a series in one group."""
    series = sorted((fact for fact in came if isinstance(fact, Result)), key=lambda each: (each.check, each.vantage))
    within: list[Group] = []
    around: list[Group] = []
    for (check, vantage), results in groupby(series, key=lambda each: (each.check, each.vantage)):
        looks = list(results)
        terms = now.terms.checks.get(check)
        if terms is None:
            continue
        decided = _decided(before.entries.results_of(check, vantage), looks, terms, period.end)
        near = [look for look in looks if look.at <= decided]
        inside = tuple(look for look in near if _reaches(look, terms.hold_ms, period))
        outside = tuple(look for look in near if not _reaches(look, terms.hold_ms, period))
        within += [inside] if inside else []
        around += [outside] if outside else []
    others = (fact for fact in came if isinstance(fact, Fact) and _is_about(fact, now, period))
    within += [(fact,) for fact in sorted(others, key=lambda fact: fact.recorded_at)]
    within += _vitals(came, now, period)
    return within, around


def _decided(known: Sequence[Result], late: Sequence[Result], check: CheckTerms, end: int) -> int:
    """From when on no result says anything of the time before `end`: by then as many were seen as end a run."""
    needed = max(check.fall, check.rise)
    for looks in (known, sorted([*known, *late], key=lambda look: look.at)):
        seen = [look.at for look in looks if look.at >= end and not look.confirm and look.outcome != "void"]
        if len(seen) >= needed:
            return seen[needed - 1]
    return FOREVER


def _reaches(look: Result, hold_ms: int, period: Period) -> bool:
    hold = hold_ms if look.hold_ms is None else look.hold_ms
    return look.at < period.end and look.at + hold > period.start


def _is_about(fact: Fact, now: ServiceBook, period: Period) -> bool:
    asked = _ABOUT.get(fact.kind)
    return asked is not None and asked(fact, now, period)


def _maintenance(fact: Fact, now: ServiceBook, period: Period) -> bool:
    """Any window that it ever had counts: moving it out of the month, or cancelling it, is about the month too."""
    revisions = [each for each in now.entries.of("maintenance") if _subject(each) == _subject(fact)]
    return any(_overlaps(each, period) for each in revisions) and any(
        concerns(each, now.service.name) for each in revisions
    )


def _exclusion(fact: Fact, now: ServiceBook, period: Period) -> bool:
    """Of one that was declared twice the first stands, so what is said of it elsewhere decides about the month too; and
    so does a decision."""
    declared = [each for each in now.entries.of("exclusion") if _subject(each) == _subject(fact)]
    return any(concerns(each, now.service.name) and _overlaps(each, period) for each in declared)


def _ticket(fact: Fact, now: ServiceBook, period: Period) -> bool:
    """It belongs to the month of the first receipt that was recorded."""
    return period.start <= now.entries.tickets()[_subject(fact)].received_at < period.end


def _incident(fact: Fact, now: ServiceBook, period: Period) -> bool:
    """Any state of it counts, as with a maintenance: a fact may withdraw what was said of the month before."""
    if fact.fields["provider"] not in {each.provider for each in now.service.depends_on}:
        return False
    told = [each for each in now.entries.of("incident") if _subject(each) == _subject(fact)]
    policy = policy_for(now.terms.policies, month_at(period.start, now.terms.zone))
    reached = Period(period.start - policy.lag_ms, period.end + policy.lead_ms)  # what is claimed is widened by these
    return any(_lasts_in(sorted(steps), reached) for each in told for steps in component_steps(each).values())


def _lasts_in(steps: Sequence[tuple[int, int]], period: Period) -> bool:
    if not steps or steps[0][0] >= period.end:
        return False
    at, severity = steps[-1]
    return severity > 0 or at > period.start


def _vitals(came: Sequence[AnyFact], now: ServiceBook, period: Period) -> list[Group]:
    """Late reports by metric. One is about the day of its sample's first, in whichever month it came."""
    late = [fact for fact in came if isinstance(fact, Fact) and fact.kind == "vital"]
    samples = samples_of(map(Report.of, now.entries.of("vital"))) if late else []
    inside = {sample.key for sample in samples if period.start <= sample.first.at < period.end}
    about = sorted((fact for fact in late if Report.of(fact).key in inside), key=_subject)
    return [tuple(reports) for _, reports in groupby(about, key=_subject)]


def _vitals_day(fact: Fact, now: ServiceBook, period: Period) -> bool:
    return local_date(period.start, now.terms.zone).isoformat() <= cell_of(fact).day < _day_after(now, period)


def _vitals_reading(fact: Fact, now: ServiceBook, period: Period) -> bool:
    first, last = reading_days(fact, now.terms.zone)
    return first < _day_after(now, period) and last >= local_date(period.start, now.terms.zone).isoformat()


def _day_after(now: ServiceBook, period: Period) -> str:
    return local_date(period.end, now.terms.zone).isoformat()


_ABOUT: Mapping[str, Callable[[Fact, ServiceBook, Period], bool]] = {
    "maintenance": _maintenance,
    "exclusion": _exclusion,
    "exclusion_decision": _exclusion,
    "incident": _incident,
    "ticket": _ticket,
    "vitals_day": _vitals_day,
    "vitals_reading": _vitals_reading,
}


def _overlaps(fact: Fact, period: Period) -> bool:
    start, end = fact.fields["start"], fact.fields["end"]
    if not isinstance(start, str) or not isinstance(end, str):
        return False
    return parse_instant(start) < period.end and parse_instant(end) > period.start


def _subject(fact: AnyFact) -> str:
    if isinstance(fact, Result):
        return fact.check
    if fact.kind == "incident":
        return f"{fact.fields['provider']}/{fact.fields['incident']}"
    if fact.kind == "vitals_day":
        return "/".join(cell_of(fact))
    if fact.kind in ("vital", "vitals_reading"):
        return str(fact.fields["metric"])
    return str(fact.fields["exclusion" if fact.kind == "exclusion_decision" else fact.kind])


def _with(before: ServiceBook, facts: Iterable[AnyFact]) -> ServiceBook:
    """What was known then, and these: they stand last, since they were recorded last."""
    results = dict(before.entries.results)
    others = dict(before.entries.others)
    touched: set[str] = set()
    for fact in facts:
        if isinstance(fact, Result):
            if fact.check not in touched:
                results[fact.check] = dict(results.get(fact.check, {}))
                touched.add(fact.check)
            series = results[fact.check]
            series[fact.vantage] = [*series.get(fact.vantage, []), fact]
        else:
            others[fact.kind] = [*others.get(fact.kind, []), fact]
    for check in touched:
        results[check] = {
            vantage: sorted(looks, key=lambda look: look.at) for vantage, looks in sorted(results[check].items())
        }
    seals = {**before.entries.seals, **{check: before.entries.each_seal(check) for check in touched}}
    sealed = {check: days for check, days in before.entries.sealed.items() if check not in touched}
    entries = Entries(results, seals, sealed, others)
    if not touched:
        return before._replace(entries=entries)
    folded = timelines_from(entries)

    def timelines(check: CheckTerms) -> Mapping[str, Timelines]:
        return folded(check) if check.name in touched else before.checks[check.name].vantages

    return service_book(before.terms, before.service.name, entries, timelines)
