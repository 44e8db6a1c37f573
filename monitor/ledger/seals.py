"""Sealed days: what becomes of a day's results, what the ledger reads in their place, and which of them may go.

Contracts/facts.md, `seal`. A stretch says of scheduled passes whose cover has no gap all that a statement asks: from
when to when, how many, with which hold. So the ledger gives the same from stretches and kept results as from all
results, which a property test holds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from monitor.facts import Result
from monitor.facts.seals import Seal, SealedDays, Stretch, digest_of, is_in_stretch, is_of
from monitor.ledger.interval import Span, Spans, normalise
from monitor.ledger.period import DAY, MINUTE
from monitor.ledger.timeline import Look, Unseen

NEAR = 15 * MINUTE
"""How near a fail, a void or a gap results stay (facts.md, `seal`)."""

AROUND = 4 * NEAR
"""How far before and after its day `may_go` wants to be told of results."""

AFTER_A_MONTH = 16
"""Results that stay after the end of a closed month: they say which late ones are about it."""

FOREVER = 2**62


class Pin(NamedTuple):
    """A closing, which is computed again from the facts recorded by `as_of`; `end` is that of its month."""

    as_of: int
    end: int


# -- making a seal


def sealed(results: Sequence[Result], start: int, as_of: int) -> Seal:
    """The seal of the results of one check at one vantage on the UTC day that begins at `start`: all that were recorded
    by `as_of`, in the order of recording. `recorded_at` is for whoever records it."""
    stretches = _stretches(results)
    rest = [result for result in results if not is_in_stretch(result, stretches)]
    check, vantage = results[0].check, results[0].vantage
    outside = digest_of(rest) if rest else None
    return Seal(check, vantage, start, as_of, as_of, len(results), digest_of(results), tuple(stretches), outside)


def _stretches(results: Sequence[Result]) -> list[Stretch]:
    stretches: list[Stretch] = []
    open_source: str | None = None
    is_open = False
    for look in standing(results):
        if look.outcome != "pass" or (look.hold_ms is None and not look.confirm):
            is_open = False
        elif not look.confirm and look.hold_ms is not None:
            last = stretches[-1] if is_open else None
            if last is not None and _goes_on(last, look) and look.source == open_source:
                stretches[-1] = last._replace(last=look.at, passes=last.passes + 1)
            else:
                stretches.append(Stretch(look.at, look.at, 1, look.hold_ms))
            is_open, open_source = True, look.source
    return stretches


def _goes_on(stretch: Stretch, look: Result) -> bool:
    return stretch.hold_ms == look.hold_ms and look.at - stretch.last <= stretch.hold_ms


def standing(recorded: Iterable[Result]) -> list[Result]:
    """Results of one series, given in order of recording, in order of `at`: of two with the same, the first."""
    looks: dict[int, Result] = {}
    for result in recorded:
        looks.setdefault(result.at, result)
    return [looks[at] for at in sorted(looks)]


# -- reading in place of results


Under = Seal | SealedDays
"""Sealed days of one series: a day, or several in which no result is known."""


def looks(results: Sequence[Result], seals: Sequence[Under]) -> Iterable[Look]:
    """What to fold: the results (standing, in order of `at`), and where some of a stretch have gone what stands in
    their place. `seals` are of this series, in order of day."""
    return _looks(results, seals) if seals else results


def _looks(results: Sequence[Result], seals: Sequence[Under]) -> Iterator[Look]:
    place = 0
    whole: Stretch | None = None  # within which no result says more than it does: neighbours are joined
    for seal in seals:
        for stretch in seal.stretches:
            if whole is not None and place < len(results) and results[place].at < stretch.first:
                yield from _filled(seal, whole, [])
                whole = None
            while place < len(results) and results[place].at < stretch.first:
                yield results[place]
                place += 1
            until = place
            while until < len(results) and is_member(results[until], seal, stretch):
                until += 1
            if until == len(results) or results[until].at > stretch.last:
                place = until
                if whole is not None and stretch.first - whole.last <= whole.hold_ms:
                    whole = Stretch(whole.first, stretch.last, whole.passes + stretch.passes, stretch.hold_ms)
                    continue
                if whole is not None:
                    yield from _filled(seal, whole, [])
                whole = stretch
                continue
            if whole is not None:
                yield from _filled(seal, whole, [])
                whole = None
            while until < len(results) and results[until].at <= stretch.last:
                until += 1
            yield from _filled(seal, stretch, results[place:until])
            place = until
    if whole is not None:
        yield from _filled(seals[-1], whole, [])
    yield from results[place:]


def _filled(seal: Under, stretch: Stretch, inside: Sequence[Result]) -> Iterator[Look]:
    """A stretch and the results within it."""
    first, last, passes, hold_ms = stretch
    if not inside:
        yield _made(seal, first, max(hold_ms, last + hold_ms - first))
        if last > first:
            yield Unseen(passes - 2)
            yield _made(seal, last, hold_ms)
        return
    members = {look.at for look in inside if is_member(look, seal, stretch)}
    unseen = passes - len(members)
    if unseen <= 0:
        yield from inside
        return
    made = [_made(seal, at, hold_ms) for at in {first, last} - members]
    ends = {look.at for look in made}
    others = [look for look in inside if look.at not in ends]  # the first recorded at an instant stands
    members |= ends
    told = False
    order = sorted([*others, *made], key=_at)
    for look, following in zip(order, [*order[1:], None], strict=True):
        if look.at in members:
            until_last = last + hold_ms - look.at
            is_followed = following is not None and not following.confirm and following.at - look.at <= hold_ms
            yield look if is_followed or until_last <= hold_ms else look._replace(hold_ms=until_last)
            if not told:
                told = True
                yield Unseen(unseen - len(made))
            continue
        yield look
        resumed = look.at + (hold_ms if look.hold_ms is None else look.hold_ms)
        if not look.confirm and following is not None and resumed < min(following.at, last):
            yield _made(seal, resumed, last + hold_ms - resumed)  # it came after its neighbours had gone
            yield Unseen(passes)


def is_member(look: Result, seal: Under, stretch: Stretch) -> bool:
    """Whether a look of the series is one of the stretch; of several days together no look is known."""
    return isinstance(seal, Seal) and look.recorded_at <= seal.as_of and is_of(look, stretch)


def _made(seal: Under, at: int, hold_ms: int) -> Result:
    return Result(seal.recorded_at, seal.check, seal.vantage, at, "pass", hold_ms=hold_ms)


def _at(look: Result) -> int:
    return look.at


# -- letting results go


def may_go(results: Sequence[Result], seals: Mapping[int, Seal], start: int, pins: Sequence[Pin]) -> list[Result]:
    """Which results of the sealed day that begins at `start` may go.

    `results` are those of one series from AROUND before the day to AROUND after it, in order of recording; `seals` its
    seals by the start of their days. None may go where they are not what was sealed, where a closing consulted some of
    them before it could know of the seal, or where some are late for a month that is closed.
    """
    seal = seals[start]
    under = [result for result in results if seal.covers(result)]
    if len(under) != seal.size or _is_pinned(seal, under, pins) or digest_of(under) != seal.digest:
        return []
    near = _near(results, [seals[day] for day in (start - DAY, start, start + DAY) if day in seals])
    instants = sorted(result.at for result in results)
    stay = _after_months(under, start, pins)
    gone: list[Result] = []
    for stretch in seal.stretches:
        members = [result for result in under if is_member(result, seal, stretch)]
        inside = bisect_right(instants, stretch.last) - bisect_left(instants, stretch.first)
        if inside != stretch.passes or len(members) != stretch.passes:
            continue  # one that is no member stands, or stood, among them
        gone += [
            member
            for member in members
            if (member.source is None or member.at != stretch.first)
            and member.at not in stay
            and not _touches(near, member.at)
        ]
    return gone


def _is_pinned(seal: Seal, under: Sequence[Result], pins: Sequence[Pin]) -> bool:
    if min(result.recorded_at for result in under) < seal.start:
        return True  # recorded ahead of its instant: nobody could tell as of when it counts
    return any(
        seal.start <= as_of < seal.recorded_at or any(look.recorded_at > as_of and look.at < end for look in under)
        for as_of, end in pins
    )


def _after_months(under: Sequence[Result], start: int, pins: Sequence[Pin]) -> set[int]:
    """The instants of the first results after the end of each closed month that ends on the day."""
    instants = sorted({look.at for look in under if not look.confirm and look.outcome != "void"})
    stay: set[int] = set()
    for end in {pin.end for pin in pins if start <= pin.end < start + DAY}:
        first = bisect_left(instants, end)
        stay.update(instants[first : first + AFTER_A_MONTH])
    return stay


def _near(results: Sequence[Result], seals: Sequence[Seal]) -> Spans:
    """Where results stay: around fails, voids, and time that nothing covers."""
    spans: list[Span] = []
    covered = -FOREVER
    for look in looks(standing(results), seals):
        if isinstance(look, Unseen):
            continue
        if look.outcome != "pass":
            spans.append((look.at, look.at))
        if look.confirm:
            continue
        if look.at > covered:
            spans.append((covered, look.at))
        covered = look.at + (look.hold_ms or 0)
        if look.outcome == "void":
            spans.append((look.at, covered))
    spans.append((covered, FOREVER))
    return normalise((start - NEAR, end + NEAR + 1) for start, end in spans)


def _touches(spans: Spans, at: int) -> bool:
    place = bisect_right(spans, (at, FOREVER)) - 1
    return place >= 0 and at < spans[place][1]
