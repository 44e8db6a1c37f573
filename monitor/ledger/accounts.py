"""Booking every instant to one account, and the figures of a month (accounting.md sections 5.4 and 6).

`cover` says which exclusions are granted at each instant, `book` lays it over a service's timeline, `figures` counts.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from monitor.facts import EXCLUSION_CLASSES
from monitor.ledger.decimals import Ratio
from monitor.ledger.exclusion import Exclusion
from monitor.ledger.interval import Spans, intersect, normalise, subtract, total
from monitor.ledger.period import Month, Period
from monitor.ledger.quorum import clip_segments
from monitor.ledger.readings import Reading
from monitor.ledger.snapshot import Accounts, Figures, Verdict
from monitor.ledger.terms import Policy
from monitor.ledger.timeline import DOWN, UP, Segments


class Slice(NamedTuple):
    """A piece of time and the exclusions granted there, in the order that books it; none: nothing excuses."""

    start: int
    end: int
    exclusions: tuple[Exclusion, ...]


class Booked(NamedTuple):
    """A service's time in `[period.start, period.end)`, clipped at `as_of` by whoever made the period.

    `segments` are its timeline there, `cover` is where any exclusion is granted, DOWN or not. What they come to, in ms:
    `up`, `down` (not excused), `excused` by class.
    """

    period: Period
    segments: Segments
    cover: list[Slice]
    unknown: Spans
    up: int
    down: int
    excused: Mapping[str, int]

    @property
    def excused_ms(self) -> int:
        return sum(self.excused.values())

    def pieces(self) -> list[Slice]:
        """The DOWN time cut at the edges of what excuses it."""
        return [piece for start, end, state in self.segments if state == DOWN for piece in cut(start, end, self.cover)]

    def unexcused(self) -> Spans:
        """The time of account `down`."""
        return [(start, end) for start, end, exclusions in self.pieces() if not exclusions]


def cover(exclusions: Sequence[Exclusion], period: Period) -> list[Slice]:
    """Where at least one exclusion is granted in the period: pieces with one set of exclusions each."""
    if not exclusions:
        return []
    ranked = sorted(exclusions, key=lambda exclusion: exclusion.order)
    changes: list[tuple[int, int, int]] = []
    for rank, exclusion in enumerate(ranked):
        for granted in exclusion.granted:
            start, end = max(granted[0], period.start), min(granted[1], period.end)
            if start < end:
                changes += [(start, 1, rank), (end, 0, rank)]
    changes.sort()
    pieces: list[Slice] = []
    active: list[int] = []
    since = period.start
    for instant, is_start, rank in changes:
        if active and since < instant:
            pieces.append(Slice(since, instant, tuple(ranked[place] for place in active)))
        since = instant
        if is_start:
            insort(active, rank)
        else:
            active.remove(rank)
    return pieces


def book(segments: Segments, covered: list[Slice], period: Period) -> Booked:
    """Lays what is granted over a service's timeline within the period."""
    excused = dict.fromkeys(EXCLUSION_CLASSES, 0)
    if period.start >= period.end:
        return Booked(period, [], covered, [], 0, 0, excused)
    up = down = 0
    unknown: Spans = []
    known_until = period.start
    within = segments_within(segments, period)
    place = _first_after(covered, period.start)
    for start, end, state in within:
        if known_until < start:
            unknown.append((known_until, start))
        known_until = end
        if state == UP:
            up += end - start
            continue
        down += end - start
        while place < len(covered) and covered[place].start < end:
            piece_start, piece_end, exclusions = covered[place]
            ms = min(end, piece_end) - max(start, piece_start)
            if ms > 0:
                down -= ms
                excused[exclusions[0].klass] += ms
            if piece_end > end:
                break  # it reaches into the next DOWN time too
            place += 1
    if known_until < period.end:
        unknown.append((known_until, period.end))
    return Booked(period, within, covered, unknown, up, down, excused)


def _first_after(covered: list[Slice], instant: int) -> int:
    """The place of the first piece that ends after the instant."""
    return bisect_right(covered, instant, key=lambda piece: piece.end)


def segments_within(segments: Segments, period: Period) -> Segments:
    """What of a timeline lies in the period."""
    return clip_segments(segments_touching(segments, period), period.start, period.end)


def segments_touching(segments: Segments, period: Period) -> Segments:
    """The whole segments that share an instant with the period, found by bisection."""
    if not segments or segments[-1][1] <= period.start:
        return []
    first = bisect_right(segments, period.start, key=lambda segment: segment[1])
    last = bisect_right(segments, period.end - 1, key=lambda segment: segment[0])
    return segments[first:last]


def cut(start: int, end: int, covered: list[Slice]) -> list[Slice]:
    """The DOWN time `[start, end)` cut at the edges of what covers it."""
    pieces: list[Slice] = []
    place = _first_after(covered, start)
    while place < len(covered) and covered[place].start < end:
        piece = covered[place]
        if start < piece.start:
            pieces.append(Slice(start, piece.start, ()))
            start = piece.start
        until = min(end, piece.end)
        pieces.append(Slice(start, until, piece.exclusions))
        start = until
        place += 1
    if start < end:
        pieces.append(Slice(start, end, ()))
    return pieces


def refused_parts(exclusion: Exclusion, period: Period) -> list[tuple[str, Spans]]:
    """What was claimed in the period and not granted: why, and where."""
    if period.start >= period.end:
        return []
    parts = [
        (why, intersect(normalise(spans), [(period.start, period.end)])) for why, spans in exclusion.refused.items()
    ]
    return [(why, claimed) for why, claimed in parts if claimed]


def corroborated_ms(booked: Booked, reading: Reading, policy: Policy) -> int:
    """Third-party ms at which a corroborating check of an incident granted there is DOWN (section 5.4)."""
    counted = 0
    for piece in booked.pieces() if booked.excused["third_party"] else ():
        if piece.exclusions and piece.exclusions[0].klass == "third_party":
            providers = {exclusion.provider for exclusion in piece.exclusions if exclusion.provider is not None}
            spans = normalise(span for name in providers for span in reading.corroborated(policy, name))
            counted += total(intersect([(piece.start, piece.end)], spans))
    return counted


class Books(NamedTuple):
    """One month of one service, booked under the three readings."""

    measured: Booked
    shortest: Booked
    longest: Booked


class Frame(NamedTuple):
    """What a month's figures are about."""

    service: str
    month: Month
    period: Period
    as_of: int
    policy: Policy


def figures(frame: Frame, books: Books, corroborated: int, *, final: bool = False) -> Figures:
    """Every figure of section 6, exact. `corroborated` is that part of the third-party ms."""
    start, end = frame.period
    measured, policy = books.measured, frame.policy
    month = end - start
    pending = max(0, end - max(start, frame.as_of))
    down, excused, unknown = measured.down, measured.excused, total(measured.unknown)
    accounts = Accounts(month, measured.up, down, unknown, pending, excused)
    if accounts.up + down + unknown + pending + accounts.excused_total != month:
        raise AssertionError(f"{frame.service} {frame.month}: the accounts do not add up to the month: {accounts}")
    all_excused = accounts.excused_total
    elapsed = month - pending
    base = month - all_excused - unknown
    budget, bound_by = budget_of(policy, base)
    down_longest, excused_longest = books.longest.down, books.longest.excused_ms
    down_shortest, excused_shortest = books.shortest.down, books.shortest.excused_ms
    windows = normalise((piece.start, piece.end) for piece in measured.cover)
    bare_unknown = total(subtract(measured.unknown, windows)) if windows else unknown
    return Figures(
        service=frame.service,
        month=frame.month,
        period=frame.period,
        as_of=frame.as_of,
        accounts=accounts,
        third_party_corroborated=corroborated,
        third_party_declared=excused["third_party"] - corroborated,
        down_shortest=down_shortest,
        down_longest=down_longest,
        excused_shortest=excused_shortest,
        excused_longest=excused_longest,
        objective=policy.objective,
        base=base,
        budget=budget,
        budget_bound_by=bound_by,
        remaining=budget - down,
        burned=ratio(down, budget),
        published=one_less(down, elapsed - all_excused - unknown),
        gross=one_less(down + all_excused, elapsed - unknown),
        windows_removed=one_less(down, elapsed - bare_unknown - total(windows)),
        worst=one_less(down_longest + unknown, elapsed - excused_longest),
        best=one_less(down_shortest, elapsed - excused_shortest),
        coverage=one_less(unknown, elapsed),
        verdict=verdict(down, down_longest + unknown, budget, is_over=frame.as_of >= end),
        final=final,
    )


def budget_of(policy: Policy, base: int) -> tuple[int, Literal["objective", "downtime_cap"]]:
    """The month's budget in ms, and what bounds it (section 6)."""
    promised = policy.objective
    budget = (promised.denominator - promised.numerator) * base // promised.denominator
    if policy.downtime_cap_ms is not None and policy.downtime_cap_ms < budget:
        return policy.downtime_cap_ms, "downtime_cap"
    return budget, "objective"


def verdict(down: int, at_worst: int, budget: int, *, is_over: bool) -> Verdict:
    """Section 6: proved only when even the longest reading and all unknown time fit the budget."""
    if down > budget:
        return "breached"
    if not is_over:
        return "on_track"
    return "met" if at_worst <= budget else "met_unproven"


def ratio(part: int, whole: int) -> Ratio | None:
    """None when the denominator is 0."""
    return None if whole == 0 else Ratio(part, whole)


def one_less(part: int, whole: int) -> Ratio | None:
    """1 - part / whole; None when that is not defined."""
    return None if whole == 0 else Ratio(whole - part, whole)
