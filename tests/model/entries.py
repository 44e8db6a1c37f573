"""The lists of a statement: blips, outages with their slices, exclusions, refusals, corroborating checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.model.book import Book
from tests.model.excuses import Refusal
from tests.model.looks import Check, state_of_check
from tests.model.moments import floored, over, written
from tests.model.world import Booking, Slot, World, length, slots_between


def flutter(world: World, book: Book, kind: str) -> dict[str, int]:
    """Blips or lulls of the service's own checks: section 2 rule 4."""
    amounts = []
    for check in world.checks:
        if check.corroborates:
            continue
        for vantage, runs in check.runs.items():
            for number, run in enumerate(runs):
                if run.kind == kind:
                    amounts.append(length(book.seen, in_run(check, vantage, number)))
    return {"count": sum(1 for ms in amounts if ms > 0), "ms": sum(amounts)}


def in_run(check: Check, vantage: str, number: int) -> Callable[[int], bool]:
    """Whether an instant of the check's life is covered by a scheduled result of one run."""

    def holds(t: int) -> bool:
        result = check.cover(vantage, t)
        known = result is not None and result.outcome != "void" and check.exists(t)
        return known and result is not None and check.run_of(vantage, result) == number

    return holds


def outages(world: World, book: Book, cuts: list[int]) -> list[dict[str, Any]]:
    """Maximal DOWN intervals of the service, clipped to the month: statement.md."""
    found: list[dict[str, Any]] = []
    for start, end in down_intervals(world, cuts):
        first, last = max(start, book.month.start), min(end, book.month.end)
        if first < last:
            found.append(
                {
                    "id": f"{world.name}/{written(start)}",
                    "start": written(first),
                    "end": written(last),
                    "ms": last - first,
                    "ongoing": last == world.as_of and world.state(world.as_of, "measured") == "DOWN",
                    "slices": slices(world, slots_between(cuts, first, last)),
                }
            )
    return found


def down_intervals(world: World, cuts: list[int]) -> list[Slot]:
    """The service's maximal DOWN intervals before `as_of`, unclipped at their start."""
    intervals: list[Slot] = []
    for start, end in slots_between(cuts, cuts[0], world.as_of):
        if world.state(start, "measured") == "DOWN":
            begun = intervals.pop()[0] if intervals and intervals[-1][1] == start else start
            intervals.append((begun, end))
    return intervals


def slices(world: World, slots: list[Slot]) -> list[dict[str, Any]]:
    """Maximal pieces of one booking."""
    pieces: list[tuple[int, int, Booking]] = []
    for start, end in slots:
        booked = world.booking(start)
        begun = pieces.pop()[0] if pieces and pieces[-1][2] == booked else start
        pieces.append((begun, end, booked))
    return [
        {
            "start": written(start),
            "end": written(end),
            "account": booked.account,
            "class": booked.grant.kind if booked.grant else None,
            "exclusion": booked.grant.id if booked.grant else None,
            "also": list(booked.also),
        }
        for start, end, booked in pieces
    ]


def unknown_inside_outage(world: World, book: Book, cuts: list[int]) -> int:
    """UNKNOWN ms of the month between two DOWN pieces, wherever they lie before `as_of`, with no UP between."""
    inside, waiting, was_down = 0, 0, False
    for start, end in slots_between(cuts, cuts[0], world.as_of):
        state = world.state(start, "measured")
        if state == "UNKNOWN":
            waiting += end - start if book.month.start <= start < book.month.end else 0
            continue
        if state == "DOWN" and was_down:
            inside += waiting
        waiting, was_down = 0, state == "DOWN"
    return inside


def exclusions(world: World, book: Book) -> list[dict[str, Any]]:
    """What is granted at some instant of the month before `as_of`, with the ms booked to it."""
    found = sorted({grant for start, _ in book.seen for grant in world.granted(start, "measured")})
    booked = dict.fromkeys(found, 0)
    for start, end in book.seen:
        grant = world.booking(start).grant
        if grant is not None:
            booked[grant] += end - start
    return [{"id": grant.id, "class": grant.kind, "granted_ms": booked[grant]} for grant in found]


def refused(world: World, book: Book) -> list[dict[str, Any]]:
    """What was claimed in the month before `as_of` and not granted: section 5.4."""
    found: dict[Refusal, int] = {}
    for start, end in book.seen:
        for refusal in world.refused(start):
            lost = end - start if world.booking(start).account == "down" else 0
            found[refusal] = found.get(refusal, 0) + lost
    return [
        {"id": refusal.id, "class": refusal.kind, "why": refusal.why, "would_have_excused_ms": found[refusal]}
        for refusal in sorted(found)
    ]


def corroborators(world: World, book: Book) -> list[dict[str, Any]]:
    """The corroborating checks of the providers that the service depends on, each with its own availability."""
    providers = {name.split("/", 1)[0] for name in world.depends_on}
    names = {name for provider in providers for name in book.month.terms.corroborated_by.get(provider, ())}
    found = []
    for name in sorted(names):
        up, down = (check_ms(world.every_check[name], book, state) for state in ("UP", "DOWN"))
        found.append({"check": name, "availability": floored(over(down, up + down))})
    return found


def check_ms(check: Check, book: Book, state: str) -> int:
    """The ms of the month, before `as_of` and within its life, for which a check is in a state."""
    return length(book.seen, lambda t: check.exists(t) and state_of_check(check, t, "measured") == state)
