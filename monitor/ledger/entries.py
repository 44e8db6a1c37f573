"""Facts as the ledger reads them: admitted by `as_of`, each once, sorted to what they are about (accounting.md 1)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar, cast

from monitor.errors import InputError
from monitor.facts import AnyFact, Fact, Json, Result, digest, key
from monitor.facts.seals import Seal, SealedDays, seal_of
from monitor.ledger.period import Period, format_instant
from monitor.ledger.response import NOTHING_PROMISED, Responses, Support, Ticket, responses, tickets_of
from monitor.ledger.seals import Under

T = TypeVar("T")

_MADE = 1000
"""So many things that are shared are remembered; a daemon's figures are as of ever another instant."""


@dataclass(slots=True)
class Entries:
    """Admitted facts. Results by check and vantage in order of `at`, seals in order of day, one a day; other kinds in
    order of recording. `sealed` are further days of which no result is known, in order.

    Tickets, and the digests of facts that are no results, are the same for each service, and read once: the terms of a
    fleet are megabytes. `shared` remembers commitments that every service's statement has, by what they were computed
    for; not where entries grow.
    """

    results: dict[str, dict[str, list[Result]]] = field(default_factory=dict)
    seals: dict[str, dict[str, list[Seal]]] = field(default_factory=dict)
    sealed: dict[str, dict[str, list[SealedDays]]] = field(default_factory=dict)
    others: dict[str, list[Fact]] = field(default_factory=dict)
    _digests: dict[int, bytes] = field(default_factory=dict)
    _digests_of: dict[tuple[int, tuple[str, ...]], list[bytes]] = field(default_factory=dict)
    _tickets: dict[str, Ticket] | None = None
    _made: dict[str, tuple[int, dict[tuple[object, ...], object]]] = field(default_factory=dict)
    _answered: dict[tuple[int, Period, int], tuple[Support, Responses]] = field(default_factory=dict)
    shared: dict[tuple[str, str, str, str, int], list[Json]] = field(default_factory=dict)
    _alike: dict[tuple[object, ...], object] = field(default_factory=dict)
    _alike_at: int = 0

    def of(self, kind: str) -> list[Fact]:
        return self.others.get(kind, [])

    def count(self) -> int:
        """How many facts there are that are no results and no seals."""
        return sum(map(len, self.others.values()))

    def digests_of(self, kinds: tuple[str, ...]) -> list[bytes]:
        """Those of all facts of these kinds, which are neither results nor seals: ascending. Nobody changes it."""
        place = (self.count(), kinds)
        if place not in self._digests_of:
            facts = [fact for kind in kinds for fact in self.of(kind)]
            for fact in facts:
                if id(fact) not in self._digests:
                    self._digests[id(fact)] = digest(fact)
            self._digests_of = {place: sorted(self._digests[id(fact)] for fact in facts)}
        return self._digests_of[place]

    def tickets(self) -> dict[str, Ticket]:
        """By id."""
        if self._tickets is None:
            self._tickets = tickets_of(self.of("ticket"))
        return self._tickets

    def answered(self, support: Support | None, month: Period, as_of: int) -> Responses:
        """The tickets of a month under a promise; nothing where it says nothing of response times."""
        if support is None:
            return NOTHING_PROMISED
        place = (id(support), month, as_of)
        if place not in self._answered:
            self._answered[place] = (support, responses(self.tickets().values(), support, month, as_of))
        return self._answered[place][1]

    def once(self, kind: str, place: tuple[object, ...], work: Callable[[], T]) -> T:
        """What `work` gives of the facts of a kind, the same for every service with the same `place`; made anew when
        there are more of them. It is shared: nobody changes it."""
        count, made = self._made.setdefault(kind, (0, {}))
        if count != len(self.of(kind)) or len(made) >= _MADE:
            made = {}
            self._made[kind] = (len(self.of(kind)), made)
        if place not in made:
            made[place] = work()
        return cast(T, made[place])

    def alike(self, as_of: int, place: tuple[object, ...], work: Callable[[], T]) -> T:
        """What `work` gives of nothing but `place`, for all services that are asked about as of one instant; another
        one drops it. It is shared: nobody changes it. What `place` names by its id() is part of what `work` gives, so
        that nothing else takes that id."""
        if self._alike_at != as_of:
            self._alike, self._alike_at = {}, as_of
        if place not in self._alike:
            self._alike[place] = work()
        return cast(T, self._alike[place])

    def results_of(self, check: str, vantage: str) -> list[Result]:
        return self.results.get(check, {}).get(vantage, [])

    def seals_of(self, check: str, vantage: str) -> list[Seal]:
        return self.seals.get(check, {}).get(vantage, [])

    def sealed_of(self, check: str, vantage: str) -> list[SealedDays]:
        return self.sealed.get(check, {}).get(vantage, [])

    def under(self, check: str, vantage: str) -> Sequence[Under]:
        """All sealed days of a series, in order."""
        seals, sealed = self.seals_of(check, vantage), self.sealed_of(check, vantage)
        if not seals or not sealed:
            return seals or sealed
        return sorted([*seals, *sealed], key=attrgetter("start"))

    def each_seal(self, check: str) -> dict[str, list[Seal]]:
        """Every seal of a check by vantage, in order of day."""
        return {
            vantage: [
                seal
                for days in self.under(check, vantage)
                for seal in ([days] if isinstance(days, Seal) else days.seals())
            ]
            for vantage in sorted({*self.seals.get(check, {}), *self.sealed.get(check, {})})
        }

    def vantages(self, check: str) -> list[str]:
        """Every vantage that a result or a seal of the check is of, in order of name."""
        results, seals, sealed = (each.get(check, {}) for each in (self.results, self.seals, self.sealed))
        return sorted({*results, *seals, *sealed}) if seals or sealed else [*results]


def admit(facts: Iterable[AnyFact], as_of: int, sealed: Sequence[SealedDays] = ()) -> Entries:
    """The facts recorded by `as_of`, in whatever order they come; equal `recorded_at` stand in the order given.
    `sealed` are seals beside those among the facts, of each series in order of day.

    Of two facts with the same kind and id, or the same content, the first recorded stands; so does the first of two
    results of one series with the same `at` (accounting.md 2, rule 1), and of two seals of one day.

    Raises InputError where results that were recorded by `as_of` have gone, under a seal that was recorded after it.
    """
    entries = Entries()
    seen: set[bytes | tuple[str, str]] = set()
    results: list[Result] = []
    seals: list[Seal] = []
    known = list(facts)
    _refuse_gone(known, as_of, sealed)
    for fact in in_order(known, as_of):
        if isinstance(fact, Result):
            if fact.id is not None:
                if ("result", fact.id) in seen:
                    continue
                seen.add(("result", fact.id))
            results.append(fact)
        elif fact.kind == "seal":
            seal = seal_of(fact)
            seals += [] if seal is None else [seal]
        else:
            identity = key(fact) if fact.id is None else (fact.kind, fact.id)
            if identity not in seen:
                seen.add(identity)
                entries.others.setdefault(fact.kind, []).append(fact)
    entries.results = by_series(results)
    told = {(seal.check, seal.vantage) for seal in seals}
    for days in sealed:
        looks = entries.results_of(days.check, days.vantage) if days.check in entries.results else []
        for part in days.seals() if (days.check, days.vantage) in told else _admitted(days, looks, as_of):
            if isinstance(part, SealedDays):
                entries.sealed.setdefault(days.check, {}).setdefault(days.vantage, []).append(part)
            elif part.recorded_at <= as_of:
                seals.append(part)
    entries.seals = by_day(seals)
    return entries


def _admitted(days: SealedDays, looks: Sequence[Result], as_of: int) -> Iterator[Under]:
    """As few parts as hold no result and nothing that was recorded later; a single seal may."""
    if days.recorded_at <= as_of:
        place = bisect_left(looks, days.start, key=attrgetter("at")) if looks else 0
        if place == len(looks) or looks[place].at >= days.end:
            yield days
            return
    for part in days.parts():
        if isinstance(part, SealedDays):
            yield from _admitted(part, looks, as_of)
        else:
            yield part


def _refuse_gone(facts: Iterable[AnyFact], as_of: int, sealed: Sequence[SealedDays]) -> None:
    """As of an instant before a day was sealed its results are what there is: some of them are no statement."""
    later = [
        seal
        for days in sealed
        if days.recorded_at > as_of and days.start <= as_of
        for seal in days.seals()
        if seal.recorded_at > as_of and seal.start <= as_of
    ]
    later += [
        seal
        for fact in facts
        if isinstance(fact, Fact) and fact.kind == "seal" and fact.recorded_at > as_of
        for seal in [seal_of(fact)]
        if seal is not None and seal.start <= as_of
    ]
    if not later:
        return
    series: dict[tuple[str, str], list[Result]] = {(seal.check, seal.vantage): [] for seal in later}
    for fact in facts:
        if isinstance(fact, Result) and (fact.check, fact.vantage) in series:
            series[fact.check, fact.vantage].append(fact)
    for seal in later:
        if sum(map(seal.covers, series[seal.check, seal.vantage])) < seal.size:
            raise InputError(
                f"as of {format_instant(as_of)}: of {seal.check} at {seal.vantage} results of {seal.day} have gone"
                f" under a seal that was recorded later; ask as of {format_instant(seal.recorded_at)} or later, or of"
                " the instant that a month was closed as of"
            )


def by_day(recorded: Iterable[Seal]) -> dict[str, dict[str, list[Seal]]]:
    """Seals in order of recording, by check and vantage, each in order of day: of two of a day, the first."""
    days: dict[str, dict[str, dict[int, Seal]]] = {}
    for seal in recorded:
        days.setdefault(seal.check, {}).setdefault(seal.vantage, {}).setdefault(seal.start, seal)
    return {
        check: {vantage: [seals[start] for start in sorted(seals)] for vantage, seals in sorted(vantages.items())}
        for check, vantages in days.items()
    }


def in_order(facts: Iterable[AnyFact], as_of: int) -> Sequence[AnyFact]:
    """Those recorded by `as_of`, in the order of recording."""
    return sorted((fact for fact in facts if fact.recorded_at <= as_of), key=attrgetter("recorded_at"))


def by_series(recorded: Iterable[Result]) -> dict[str, dict[str, list[Result]]]:
    """Results in order of recording, by check and vantage, each in order of `at`: of two with the same, the first."""
    series: dict[str, dict[str, dict[int, Result]]] = {}
    for result in recorded:
        series.setdefault(result.check, {}).setdefault(result.vantage, {}).setdefault(result.at, result)
    return {
        check: {vantage: [looks[at] for at in sorted(looks)] for vantage, looks in sorted(vantages.items())}
        for check, vantages in series.items()
    }
