"""Random facts: results, maintenance, incidents, exclusions with decisions, and what counts for nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.model.moments import DAY, instant, written
from tests.strategies.places import HOUR, MINUTE, Place, in_kathmandu, moments, spelled

Fact = dict[str, Any]
SECOND = 1000
LATENESS = (SECOND,) * 9 + (-SECOND, -HOUR, 20 * MINUTE, 3 * HOUR, 5 * DAY, 40 * DAY)
OUTCOMES = ("fail",) * 6 + ("pass",) * 4 + ("void",)
HOLDS = (40 * DAY,) * 6 + (None, 1, 5 * MINUTE, HOUR, 10 * MINUTE + 1)
NOTICES: tuple[int, ...] = (30 * DAY,) * 6 + (
    48 * HOUR,
    48 * HOUR,
    48 * HOUR - 1,
    48 * HOUR + 1,
    47 * HOUR,
    72 * HOUR,
    HOUR,
    -HOUR,
)
WITNESSED = (MINUTE, MINUTE, 15 * MINUTE, 15 * MINUTE + 1, 0, 5 * HOUR)


@st.composite
def results(draw: st.DrawFn, place: Place, check: str) -> list[Fact]:
    """Looks at one check from one to three vantages, the first of each perhaps long before."""
    found = []
    for vantage in ("london", "paris", "oslo")[: draw(st.sampled_from((1, 1, 1, 1, 2, 3)))]:
        if draw(st.integers(0, 4)) > 0:
            at = place.edges[0] - draw(st.sampled_from((DAY, 35 * DAY)))
            found.append(look(check, vantage, at, {"outcome": "pass", "hold_ms": 80 * DAY}))
        found += draw(st.lists(looks(place, check, vantage), max_size=6))
        for burst in draw(st.lists(bursts(place, check, vantage), max_size=2)):
            found += burst
    return found


@st.composite
def bursts(draw: st.DrawFn, place: Place, check: str, vantage: str) -> list[Fact]:
    """Fails in a row, on the grid, and perhaps the pass that ends them."""
    at = draw(moments(place))
    outcomes = ["fail"] * draw(st.integers(1, 4)) + ["pass"] * draw(st.integers(0, 3))
    every = draw(st.integers(1, 3)) * place.step
    return [
        look(check, vantage, at + number * every, {"outcome": outcome, "hold_ms": 40 * DAY})
        for number, outcome in enumerate(outcomes)
    ]


def look(check: str, vantage: str, at: int, more: Fact) -> Fact:
    """A result fact, recorded a second after."""
    return {
        "kind": "result",
        "recorded_at": at + SECOND,
        "check": check,
        "vantage": vantage,
        "at": written(at),
        **more,
    }


@st.composite
def looks(draw: st.DrawFn, place: Place, check: str, vantage: str) -> Fact:
    """One result, scheduled or confirming."""
    at = draw(moments(place))
    more: Fact = {"outcome": draw(st.sampled_from(OUTCOMES)), "recorded_at": at + draw(st.sampled_from(LATENESS))}
    if draw(st.integers(0, 3)) == 3:
        more["confirm"] = True
        at += draw(st.sampled_from((0, 5 * SECOND, MINUTE)))
    hold = draw(st.sampled_from(HOLDS))
    if hold is not None:
        more["hold_ms"] = hold
    if more["outcome"] != "pass":
        more["reason"] = "timeout" if more["outcome"] == "fail" else "self_fd"
    if draw(st.integers(0, 11)) == 11:
        more["id"] = draw(st.sampled_from(("probe-1", "probe-2")))
    return look(check, vantage, at, more)


@st.composite
def windows(draw: st.DrawFn, place: Place) -> tuple[int, int]:
    """A window on the grid; now and then an empty one."""
    start = draw(moments(place))
    return start, start + draw(st.integers(0, 16)) * place.step


@st.composite
def audiences(draw: st.DrawFn) -> dict[str, list[str]]:
    """The `services` of a fact: absent, empty, or some."""
    wanted = draw(
        st.sampled_from(
            (None, None, None, None, None, None, [], ["app"], ["billing"], ["billing", "app"], ["elsewhere"])
        )
    )
    return {} if wanted is None else {"services": wanted}


@st.composite
def maintenances(draw: st.DrawFn, place: Place) -> list[Fact]:
    """A maintenance with up to three revisions: shrunk, extended, moved, cancelled, for others, as an emergency."""
    name = draw(st.sampled_from(("m1", "m2", "a-routine")))
    start, end = draw(windows(place))
    found, recorded = [], 0
    for number in range(draw(st.integers(1, 3))):
        notices = NOTICES
        if number:
            start, end = draw(revised(place, start, end))
            notices = (HOUR, DAY, *NOTICES[6:])
        announced = start - draw(st.sampled_from(notices))
        recorded = max(recorded, announced + draw(st.sampled_from(WITNESSED)))
        cancelled = number > 0 and draw(st.integers(0, 5)) == 5
        fact: Fact = {
            "kind": "maintenance",
            "recorded_at": recorded,
            "maintenance": name,
            "announced_at": written(announced),
            "start": spelled(None if cancelled else start),
            "end": spelled(None if cancelled else end),
            **draw(audiences()),
        }
        if draw(st.integers(0, 14)) == 14:
            fact["emergency"] = draw(st.booleans())
        found.append(fact)
    return found


@st.composite
def revised(draw: st.DrawFn, place: Place, start: int, end: int) -> tuple[int, int]:
    """Another window for the same maintenance."""
    kind = draw(st.sampled_from(("shrunk", "extended", "extended", "earlier", "moved", "same")))
    by = draw(st.integers(1, 6)) * place.step
    if kind == "shrunk":
        return start, max(start, end - by)
    if kind == "extended":
        return start, end + by
    return {"earlier": (start - by, end), "moved": (start + by, end + by), "same": (start, end)}[kind]


@st.composite
def incidents(draw: st.DrawFn, place: Place) -> list[Fact]:
    """An incident with up to three facts, the last of which may withdraw it."""
    provider = draw(st.sampled_from(("cloudflare",) * 4 + ("shopify",) * 2 + ("fastly",)))
    name = draw(st.sampled_from(("i1", "i2")))
    return [
        {
            "kind": "incident",
            "recorded_at": draw(moments(place)) + draw(st.sampled_from((0, SECOND, HOUR, HOUR, 9 * DAY))),
            "provider": provider,
            "incident": name,
            "components": draw(components(place)),
        }
        for _ in range(draw(st.sampled_from((1, 1, 2, 3))))
    ]


@st.composite
def components(draw: st.DrawFn, place: Place) -> dict[str, list[list[str]]]:
    """Severities by component, in no order."""
    severities = ("major_outage",) * 4 + ("partial_outage", "partial_outage", "operational", "degraded", "maintenance")
    found = {}
    names = st.sampled_from(("CDN", "CDN", "*", "API", "Pages"))
    for name in sorted(draw(st.sets(names, min_size=draw(st.sampled_from((1, 1, 1, 0))), max_size=2))):
        steps = draw(st.dictionaries(moments(place), st.sampled_from(severities), min_size=1, max_size=3))
        found[name] = [[written(at), severity] for at, severity in steps.items()]
    return found


def proofs() -> st.SearchStrategy[dict[str, str | None]]:
    """How a name was proved: mostly nothing is said of it."""
    said: list[dict[str, str | None]] = [{}, {}, {}, *({"authenticated_by": by} for by in ("token 1", "token 2", None))]
    return st.sampled_from(said)


@st.composite
def exclusions(draw: st.DrawFn, place: Place) -> list[Fact]:
    """An exclusion declared by a person, with what was decided about it."""
    name = draw(st.sampled_from(("x1", "x2", "X3", "ä4")))
    start, end = draw(windows(place))
    recorded = end + draw(st.sampled_from((HOUR, HOUR, 4 * DAY, -DAY)))
    found: list[Fact] = [
        {
            "kind": "exclusion",
            "recorded_at": recorded,
            "exclusion": name,
            "class": draw(st.sampled_from(("force_majeure", "customer", "connectivity"))),
            "start": written(start),
            "end": written(end),
            "reason": "declared",
            "evidence": "https://status.example.com/notes",
            "author": draw(st.sampled_from(("ann", "bob"))),
            **draw(proofs()),
            **draw(audiences()),
        }
    ]
    for _ in range(draw(st.integers(0, 2))):
        decision = draw(st.sampled_from(("approved", "approved", "approved", "revoked")))
        found.append(
            {
                "kind": "exclusion_decision",
                "recorded_at": recorded + draw(st.sampled_from((HOUR, DAY, 20 * DAY, -HOUR))),
                "exclusion": name,
                "decision": decision,
                "author": draw(st.sampled_from(("ann", "bob"))),
                **draw(proofs()),
            }
        )
    return found


def others(place: Place) -> list[Fact]:
    """Facts that are none of a ledger's business."""
    at = place.edges[0] + DAY
    return [
        look("nobody-asked", "london", at, {"outcome": "fail", "reason": "timeout"}),
        {"kind": "lifecycle", "recorded_at": at, "event": "started", "at": written(at)},
    ]


@st.composite
def repeated(draw: st.DrawFn, facts: list[Fact]) -> list[Fact]:
    """Some of the facts once more: later, perhaps with another offset, perhaps with another outcome."""
    if not facts:
        return []
    found = []
    for fact in draw(st.lists(st.sampled_from(facts), max_size=4)):
        copy = {**fact, "recorded_at": fact["recorded_at"] + draw(st.sampled_from((SECOND, DAY)))}
        if fact["kind"] == "result":
            change = draw(st.sampled_from(("none", "offset", "outcome")))
            if change == "offset":
                copy["at"] = in_kathmandu(instant(fact["at"]))
            elif change == "outcome":
                copy["outcome"] = "pass" if fact["outcome"] != "pass" else "fail"
                copy.pop("reason", None)
        found.append(copy)
    return found
