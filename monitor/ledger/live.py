"""The book as facts come in: the same figures as from scratch, at the cost of what changed (performance.md, line 13).

Each check at each vantage keeps its fold; facts of other kinds, few, are kept whole. A result that is not later than
the fold's last makes the series stale: whoever holds the store gives its results again. `view` then goes through the
same functions as a statement does, which a property test holds equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, cast

from monitor.errors import InputError
from monitor.facts import AnyFact, Fact, Result, key
from monitor.facts.seals import Seal, seal_of
from monitor.ledger import incidents
from monitor.ledger.accounts import segments_touching, segments_within
from monitor.ledger.entries import Entries, by_day, by_series
from monitor.ledger.exclusion import Exclusion
from monitor.ledger.months import MonthBook, ServiceBook, book_month, burn_at, service_book
from monitor.ledger.peak_books import months_of, peak_figures
from monitor.ledger.peaks import PeakFigures, TrafficEvent, traffic_events
from monitor.ledger.period import DAY, Month, Period, month_at
from monitor.ledger.recent import recent
from monitor.ledger.seals import looks
from monitor.ledger.snapshot import ActiveExclusion, Answering, Figures, NextMaintenance, ServiceView, VitalFigures
from monitor.ledger.terms import CheckTerms, Terms
from monitor.ledger.timeline import DOWN, Fold, Segment, Segments, Timelines, fold
from monitor.ledger.vitals.live import VitalsLive
from monitor.ledger.waiting import TicketBook

Series = tuple[str, str]
"""A check at a vantage."""

_SHOWN_KINDS = frozenset({"maintenance", "incident", "exclusion", "exclusion_decision", "traffic_event"})

LATELY = DAY
"""How far back a view tells of outages, in ms."""


class _Void(NamedTuple):
    """A stretch that void results of one reason cover."""

    start: int
    end: int
    reason: str


@dataclass(slots=True)
class LiveBook:
    """All services under one set of terms. `stale` names the series whose results must be given again; `closings` are
    the facts that closed or restated a month."""

    terms: Terms
    stale: set[Series] = field(default_factory=set)
    newest: dict[Series, Result] = field(default_factory=dict)
    closings: list[Fact] = field(default_factory=list)
    _voids: dict[Series, list[_Void]] = field(default_factory=dict)
    _folds: dict[str, dict[str, Fold]] = field(default_factory=dict)
    _entries: Entries = field(default_factory=Entries)
    _seen: set[bytes | tuple[str, str]] = field(default_factory=set)
    _closed: dict[tuple[str, str], int] = field(default_factory=dict)
    _tickets: TicketBook = field(init=False)
    _vitals: VitalsLive = field(init=False)
    _months: dict[str, tuple[Month, int, list[Segments], MonthBook | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tickets = TicketBook(self.terms)
        self._vitals = VitalsLive(self.terms)

    def take(self, facts: Iterable[AnyFact]) -> None:
        """New facts in order of recording."""
        for fact in facts:
            if isinstance(fact, Result):
                self._take_result(fact)
            elif fact.kind in _SHOWN_KINDS:
                self._take_other(fact)
            elif fact.kind == "ticket":
                self._tickets.take(fact)
            elif fact.kind in ("vital", "vitals_day"):
                self._vitals.take(fact)
            elif fact.kind == "closing":
                place = (cast(str, fact.fields["service"]), cast(str, fact.fields["month"]))
                if fact.fields["revision"] == self._closed.get(place, 0) + 1:
                    self._closed[place] = cast(int, fact.fields["revision"])
                    self.closings.append(fact)

    def begin(self, recorded: Sequence[AnyFact]) -> None:
        """What was recorded of the days whose results may have gone, before anything else is taken."""
        self.take(fact for fact in recorded if not isinstance(fact, Result))
        results = [fact for fact in recorded if isinstance(fact, Result)]
        seals = _seals(recorded)
        series = {(each.check, each.vantage) for each in results} | {(each.check, each.vantage) for each in seals}
        self._refold(series, by_series(_first_by_id(results)), by_day(seals))

    def retake(self, recorded: Iterable[AnyFact], series: Iterable[Series]) -> None:
        """Folds these series anew from all their results and seals, in order of recording."""
        wanted = set(series)
        facts = list(recorded)
        results = (fact for fact in facts if isinstance(fact, Result) and (fact.check, fact.vantage) in wanted)
        self._refold(wanted, by_series(results), by_day(_seals(facts)))
        self.stale -= wanted

    def _refold(
        self,
        series: Iterable[Series],
        results: Mapping[str, Mapping[str, list[Result]]],
        seals: Mapping[str, Mapping[str, list[Seal]]],
    ) -> None:
        for check_name, vantage in sorted(series):
            check = self.terms.checks.get(check_name)
            if check is None:
                continue
            known = results.get(check_name, {}).get(vantage, [])
            found = [*looks(known, seals.get(check_name, {}).get(vantage, []))]
            folds = self._folds.setdefault(check_name, {})
            folds[vantage] = fold(found, check.hold_ms, check.fall, check.rise)
            self._folds[check_name] = dict(sorted(folds.items()))
            self._voids.pop((check_name, vantage), None)
            for look in found:
                if isinstance(look, Result) and not look.confirm:
                    self._see(look, check)

    def view(self, service: str, as_of: int, *, public: bool) -> ServiceView:
        """One service now: the running month, the month before where a policy was in force, and burn."""
        of = service_book(self.terms, service, self._entries, self._timelines)
        running = month_at(as_of, self.terms.zone)
        now = _current(of.readings.measured.segments, as_of)
        books = {running: _booked(of, running, as_of), running.shifted(-1): self._past(of, running.shifted(-1), as_of)}
        return ServiceView(
            service=service,
            title=of.service.title or service,
            public=public,
            up=None if now is None else now[2] != DOWN,
            since=None if now is None else now[0],
            months=tuple(self._shown(booked.figures) for booked in books.values() if booked is not None),
            burn=burn_at(of, as_of, {month: booked for month, booked in books.items() if booked is not None}),
            active=_active(books.get(running), as_of),
            lately=[
                (start, end)
                for start, end, state in segments_touching(of.readings.measured.segments, Period(as_of - LATELY, as_of))
                if state == DOWN
            ],
            next_maintenance=_next_maintenance(books.get(running), as_of),
            recent=partial(
                recent, [booked for booked in reversed(books.values()) if booked is not None], self.terms.zone, as_of
            ),
        )

    def events(self, since: int) -> list[TrafficEvent]:
        """The announced peaks that end after an instant, in order of start."""
        return [event for event in traffic_events(self._entries.of("traffic_event")) if event.end > since]

    def peak(self, service: str, window: Period, as_of: int) -> PeakFigures:
        """One service in a window of an event."""
        of = service_book(self.terms, service, self._entries, self._timelines)
        booked = (_booked(of, month, as_of) for month in months_of(window, self.terms))
        return peak_figures(service, window, as_of, [month for month in booked if month is not None])

    def closed(self) -> Mapping[tuple[str, str], int]:
        """The newest revision of each service and month that is closed."""
        return dict(self._closed)

    def _shown(self, figures: Figures) -> Figures:
        is_closed = (figures.service, str(figures.month)) in self._closed
        return replace(figures, final=True) if is_closed else figures

    def vantages(self, check: str) -> list[str]:
        """The vantages of a check that gave a scheduled result, in order of name."""
        return [vantage for vantage in self._folds.get(check, {}) if (check, vantage) in self.newest]

    def void_ms(self, as_of: int) -> Mapping[tuple[str, str], int]:
        """What void results have covered of the running month until now, by check and reason; the most of any
        vantage."""
        month = month_at(as_of, self.terms.zone).period(self.terms.zone)
        found: dict[tuple[str, str], int] = {}
        for (check, _), voids in self._voids.items():
            sums: Counter[str] = Counter()
            for void in voids:
                sums[void.reason] += max(0, min(void.end, as_of, month.end) - max(void.start, month.start))
            for reason, ms in sums.items():
                found[check, reason] = max(found.get((check, reason), 0), ms)
        return {place: ms for place, ms in found.items() if ms}

    def answering(self, as_of: int) -> Answering:
        """Who waits for an answer, and who had one late this month."""
        return self._tickets.view(as_of)

    def late_answers(self, month: Month, as_of: int) -> Mapping[str, int]:
        """The breaches of each priority that the month promised an answer to."""
        return self._tickets.breaches(month, as_of)

    def vitals(self, as_of: int, open_days: Sequence[Fact]) -> tuple[VitalFigures, ...]:
        """Web Vitals of the running month and of 28 days; `open_days` are facts of days that are not recorded yet."""
        return self._vitals.view(as_of, open_days)

    def missed_vitals(self, month: Month) -> Mapping[str, int]:
        """The breaches of each Web Vital that the month promised."""
        return self._vitals.breaches(month)

    def incidents(self, as_of: int) -> incidents.Told:
        """What providers say now."""
        return incidents.incidents_at(self._entries.of("incident"), self.terms.services, as_of)

    def _past(self, of: ServiceBook, month: Month, as_of: int) -> MonthBook | None:
        """A month that is over changes only with what lies in it: booked again when that differs."""
        period = month.period(self.terms.zone)
        readings = of.readings
        within = [segments_within(readings.measured.segments, period)]
        if readings.shortest.segments is not readings.measured.segments:
            within += [segments_within(each.segments, period) for each in (readings.shortest, readings.longest)]
        known = self._months.get(of.service.name)
        if known is not None and not self._entries.of("incident"):
            past_month, version, past_within, booked = known
            if (past_month, version, past_within) == (month, len(self._seen), within):
                return booked
        booked = _booked(of, month, as_of)
        self._months[of.service.name] = (month, len(self._seen), within, booked)
        return booked

    def _take_result(self, result: Result) -> None:
        check = self.terms.checks.get(result.check)
        if check is None:
            return
        folds = self._folds.setdefault(result.check, {})
        known = folds.get(result.vantage)
        if known is None:
            known = folds[result.vantage] = Fold(check.hold_ms, check.fall, check.rise)
            self._folds[result.check] = folds = dict(sorted(folds.items()))
        if known.last_at is not None and result.at <= known.last_at:
            self.stale.add((result.check, result.vantage))
            return
        known.add(result)
        if not result.confirm:
            self._see(result, check)

    def _see(self, newest: Result, check: CheckTerms) -> None:
        """The next scheduled result: it ends the cover of the one before (accounting.md section 2.2)."""
        series = (newest.check, newest.vantage)
        self.newest[series] = newest
        voids = self._voids.get(series, [])
        if voids and voids[-1].end > newest.at:
            voids[-1] = voids[-1]._replace(end=newest.at)
        if newest.outcome == "void":
            reason, hold = newest.reason or "missed", check.hold_ms if newest.hold_ms is None else newest.hold_ms
            start = newest.at
            if voids and (voids[-1].end, voids[-1].reason) == (start, reason):
                start = voids.pop().start
            self._voids.setdefault(series, voids).append(_Void(start, newest.at + hold, reason))

    def _take_other(self, fact: Fact) -> None:
        identity = key(fact) if fact.id is None else (fact.kind, fact.id)
        if identity not in self._seen:
            self._seen.add(identity)
            self._entries.others.setdefault(fact.kind, []).append(fact)

    def _timelines(self, check: CheckTerms) -> Mapping[str, Timelines]:
        return {vantage: folded.timelines() for vantage, folded in self._folds.get(check.name, {}).items()}


def live_book(terms: Terms, recorded: Sequence[AnyFact]) -> LiveBook:
    """From all facts in order of recording, whatever the order of their instants."""
    book = LiveBook(terms)
    book.begin(recorded)
    return book


def _seals(facts: Iterable[AnyFact]) -> list[Seal]:
    found = (seal_of(fact) for fact in facts if isinstance(fact, Fact) and fact.kind == "seal")
    return [seal for seal in found if seal is not None]


def _first_by_id(results: Iterable[Result]) -> Iterable[Result]:
    seen: set[str] = set()
    for result in results:
        if result.id is not None:
            if result.id in seen:
                continue
            seen.add(result.id)
        yield result


def _booked(of: ServiceBook, month: Month, as_of: int) -> MonthBook | None:
    try:
        return book_month(of, month, as_of)
    except InputError:
        return None  # no policy was in force: that month has no figures to show


def _current(segments: Segments, as_of: int) -> Segment | None:
    """The segment that holds `as_of` itself; None when unknown."""
    for segment in reversed(segments):
        if segment[0] <= as_of:
            return segment if as_of < segment[1] else None
    return None


def _active(booked: MonthBook | None, as_of: int) -> tuple[ActiveExclusion, ...]:
    if booked is None:
        return ()
    return tuple(
        ActiveExclusion(exclusion.id, exclusion.klass, _source(exclusion))
        for exclusion in sorted(booked.exclusions, key=lambda exclusion: exclusion.order)
        if any(start <= as_of < end for start, end in exclusion.granted)
    )


def _next_maintenance(booked: MonthBook | None, as_of: int) -> tuple[NextMaintenance, ...]:
    """The next announced window of each source, with the notice that its announcement gave."""
    found: dict[str, NextMaintenance] = {}
    for exclusion in booked.exclusions if booked is not None else ():
        notice = exclusion.shown.get("notice_ms")
        is_coming = exclusion.klass == "maintenance" and "cancelled" not in exclusion.refused
        for start, _ in exclusion.claimed if is_coming else ():
            source = _source(exclusion)
            is_next = source not in found or start < found[source].start
            if start > as_of and is_next and isinstance(notice, int):
                found[source] = NextMaintenance(source, start, notice)
    return tuple(found[source] for source in sorted(found))


def _source(exclusion: Exclusion) -> str:
    source = exclusion.shown.get("source")
    return source if isinstance(source, str) else ""
