"""Statements of a fleet that are made together, from one reading, are those that are made each alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.closing import former_terms
from monitor.config import Config, parse, terms_json, to_terms
from monitor.facts import AnyFact, Fact, Json, Result, decode_fact
from monitor.ledger.closings import Reading, Recorded
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, format_instant, parse_instant
from monitor.ledger.statement import Asked, close, own_digest
from monitor.ledger.terms import Terms

FEW = settings(settings.get_profile("minutebook"), max_examples=20)
START = parse_instant("2026-03-01T00:00:00Z")
MONTHS = (Month(2026, 2), Month(2026, 3), Month(2026, 4))
READ = (START + 10 * DAY, START + 31 * DAY, START + 33 * DAY, START + 70 * DAY)
TZDATA = ("2026.1", "2026.2")


class Fleet(NamedTuple):
    """Two configurations of the same services, the facts of all, and what is asked for, in what order."""

    terms: Sequence[Terms]
    facts: Sequence[AnyFact]
    asked: Sequence[tuple[int, str, Month, Reading]]


@st.composite
def written(draw: st.DrawFn, services: int, zone: str) -> Config:
    """Services of one check each, alike but for some that have two, begin or end within March, or corroborate."""
    found: list[dict[str, Any]] = []
    for place in range(services):
        check: dict[str, Any] = {"name": f"c{place}", "http": {"url": f"https://s{place}.example.com/"}}
        check |= draw(st.sampled_from(({}, {}, {}, {"fall": 1}, {"since": "2026-03-09"}, {"until": "2026-03-20"})))
        checks = [check, {**check, "name": f"d{place}"}] if draw(st.integers(0, 3)) == 3 else [check]
        service: dict[str, Any] = {"name": f"s{place}", "checks": checks}
        if draw(st.integers(0, 5)) == 5:
            checks.append({**check, "name": f"edge{place}", "role": "corroboration"})
            service["depends_on"] = ["cloudflare/*"]
        found.append(service)
    edges = [check["name"] for service in found for check in service["checks"] if "role" in check]
    policies = [
        {"effective_from": day, **draw(promises()), **({"third_party": evidence(edges)} if edges else {})}
        for day in (date(2020, 1, 1), date(2026, 4, 1))
    ]
    text = yaml.safe_dump({"timezone": zone, "services": found, "policies": policies})
    return parse(text, "minutebook.yaml", Path(), {})


def evidence(edges: list[str]) -> dict[str, Any]:
    return {"corroborated_by": {"cloudflare": edges}}


@st.composite
def promises(draw: st.DrawFn) -> dict[str, Any]:
    promised: dict[str, Any] = {"availability": {"objective": draw(st.sampled_from(("99.9%", "99%")))}}
    promised["maintenance"] = {"notice": draw(st.sampled_from(("48h", "1h")))}
    if draw(st.booleans()):
        promised["web_vitals"] = {"LCP": "<= 2.5s", "percentile": 75, "min_samples": 1}
    if draw(st.booleans()):
        target = {"in_hours": "2h", "after_hours": "12h"}
        hours = {"mon-fri": draw(st.sampled_from(("09:00-21:00", "08:00-16:00")))}
        promised["support"] = {"hours": hours, "business_days": "mon-fri", "respond_within": {"high": target}}
    return promised


@st.composite
def looks(draw: st.DrawFn, check: str) -> list[AnyFact]:
    """Mostly one pass that covers everything; else one that begins late or ends early, a blip, or an outage."""
    first = START - 40 * DAY + draw(st.sampled_from((0, 0, 0, DAY, 44 * DAY)))
    found = [result(check, first, "pass", draw(st.sampled_from((200, 200, 200, 45))) * DAY)]
    at = START + draw(st.sampled_from((3 * DAY, 30 * DAY + 22 * HOUR, 31 * DAY + HOUR)))
    fails = draw(st.sampled_from((0, 0, 0, 1, 2)))
    found += [result(check, at + number * MINUTE, "fail", HOUR) for number in range(fails)]
    if len(found) > 1:
        found.append(result(check, at + HOUR, "pass", 200 * DAY))
    return list(found)


def result(check: str, at: int, outcome: str, hold_ms: int) -> Result:
    return Result(at + 1000, check, "london", at, outcome, hold_ms=hold_ms)  # type: ignore[arg-type]


def fact(kind: str, recorded_at: int, **fields: Json) -> AnyFact:
    return decode_fact({"kind": kind, "recorded_at": format_instant(recorded_at), **fields})


@st.composite
def others(draw: st.DrawFn, services: int) -> list[AnyFact]:
    """Maintenances for all or for some, tickets, a day of Web Vitals; now and then what only some of them heed."""
    audiences = st.sampled_from(([], [], ["s0"], ["s1", "s2"]))
    found: list[AnyFact] = []
    for number in range(draw(st.integers(0, 3))):
        start = START + draw(st.sampled_from((3 * DAY, 30 * DAY + 22 * HOUR, 40 * DAY)))
        announced = start - draw(st.sampled_from((HOUR, 30 * DAY)))
        window: dict[str, Json] = {"start": format_instant(start), "end": format_instant(start + 3 * HOUR)}
        found.append(
            fact(
                "maintenance",
                announced,
                maintenance=f"m{number}",
                announced_at=format_instant(announced),
                services=list(draw(audiences)),
                **window,
            )
        )
    for number in range(draw(st.integers(0, 2))):
        at = START + draw(st.sampled_from((DAY, 35 * DAY)))
        told: dict[str, Json] = {"received_at": format_instant(at), "first_reply_at": None}
        found.append(fact("ticket", at, ticket=f"t{number}", customer="acme", priority="high", **told))
    if draw(st.booleans()):
        counts: dict[str, Json] = {"good": 5, "needs_improvement": 0, "poor": 2, "buckets": {"700": 7}, "zero": 0}
        day = date(2026, 3, 1) + timedelta(draw(st.integers(0, 60)))
        found.append(fact("vitals_day", START + 63 * DAY, metric="LCP", day=day.isoformat(), country="GB", **counts))
    if draw(st.integers(0, 3)) == 3:
        at = START + 3 * DAY
        window = {"start": format_instant(at), "end": format_instant(at + HOUR)}
        person: dict[str, Json] = {"author": "ann", "reason": "theirs", "evidence": "a letter"}
        audience: list[Json] = list(draw(audiences))
        found.append(
            fact("exclusion", at + DAY, exclusion="x1", services=audience, **{"class": "customer"}, **window, **person)
        )
    if draw(st.integers(0, 3)) == 3:
        steps: list[Json] = [[format_instant(START + 3 * DAY), "major_outage"]]
        found.append(fact("incident", START + 4 * DAY, provider="cloudflare", incident="i1", components={"CDN": steps}))
    return found


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    services = draw(st.integers(2, 5))
    before = draw(st.integers(1, services))  # the services that the first terms know
    zone = st.sampled_from(("UTC", "Europe/London"))
    first, second = (draw(written(count, draw(zone))) for count in (before, services))
    found = [look for place in range(services) for name in "cd" for look in draw(looks(f"{name}{place}"))]
    found += [look for place in range(services) for look in draw(looks(f"edge{place}"))]
    found += draw(others(services))
    for config, at in ((first, START - 50 * DAY), (second, START + draw(st.sampled_from((DAY, 100 * DAY))))):
        fields: dict[str, Json] = {"terms": terms_json(config), "digest": to_terms(config).digest}
        found.append(Fact("terms", at, fields))
    wanted = [
        (of, f"s{place}", month, Reading(as_of, tzdata))
        for of, count in enumerate((before, services))
        for place in range(count)
        for month in MONTHS
        for as_of in draw(st.lists(st.sampled_from(READ), min_size=1, max_size=2, unique=True))
        for tzdata in TZDATA[: draw(st.sampled_from((1, 1, 2)))]
    ]
    return Fleet([to_terms(first), to_terms(second)], found, draw(st.permutations(wanted)))


@given(fleets())
@FEW
def test_statements_made_together_are_those_made_each_alone(fleet: Fleet) -> None:
    recorded = Recorded(fleet.facts, former_terms(fleet.facts))
    for place, service, month, reading in fleet.asked:
        terms = fleet.terms[place]
        asked = Asked(month, reading.as_of, reading.tzdata, recorded.former(reading.as_of))
        together = recorded.draft(terms, service, month, reading)
        [alone] = close(fleet.facts, terms, [service], asked)
        assert json.dumps(together) == json.dumps(alone)
        assert together["digest"] == own_digest(together)
