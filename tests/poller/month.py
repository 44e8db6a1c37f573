"""June 2026 as a provider and we ourselves told of it on our pages: what was done when, and what it is worth.

Each part of the script says beside it how many minutes of downtime it excuses by contracts/accounting.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from monitor.facts import Result
from monitor.ledger.period import HOUR, MINUTE, parse_instant
from tests.vendors.statuspage import StatusPage

JUNE, JULY = parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-07-01T00:00:00Z")

CONFIG = """\
services:
  - name: app
    depends_on: [cloudflare/CDN]
    checks:
      - {{name: web, http: {{url: "http://127.0.0.1:1/"}}, fall: 1}}
      - {{name: edge, http: {{url: "http://127.0.0.1:1/"}}, fall: 1, role: corroboration}}
policies:
  - effective_from: 2026-01-01
    availability: {{objective: 99%}}
    third_party: {{providers: [cloudflare], corroborated_by: {{cloudflare: [edge]}}}}
sources:
  - {{name: theirs, statuspage: {{url: "{theirs}"}}, provider: cloudflare}}
  - {{name: own, statuspage: {{url: "{own}"}}, announces_maintenance: true, components: {{App: [app]}}}}
"""

THIRD_PARTY_DAYS, MAINTENANCE_DAYS = (3, 5, 7, 9, 11, 12, 14, 15, 17, 19), (8, 13, 16, 18, 21, 26)


def at(day: int, clock: str = "00:00") -> int:
    """An instant of the month, UTC ms."""
    return parse_instant(f"2026-06-{day:02}T{clock}:00Z")


@dataclass(frozen=True)
class Deed:
    """Something that somebody does on a page, and when."""

    at: int
    do: Callable[[int], None]


def their_deeds(page: StatusPage) -> Iterator[Deed]:
    """The provider's month."""
    cdn, kv = "cdn1", "kv1"
    # resolved later than the component was well again: 10 minutes
    yield Deed(at(3, "08:00"), lambda now: page.open("a", now, {cdn: "major_outage"}))
    yield Deed(at(3, "08:10"), lambda now: page.update("a", now, "monitoring", {cdn: "operational"}))
    yield Deed(at(3, "09:00"), lambda now: page.update("a", now, "resolved", {cdn: "operational"}))
    # partial, then worse, then only degraded, which is too mild: 75 minutes
    yield Deed(at(5, "08:00"), lambda now: page.open("b", now, {cdn: "partial_outage", kv: "major_outage"}))
    yield Deed(at(5, "08:30"), lambda now: page.update("b", now, "identified", {cdn: "major_outage"}))
    yield Deed(at(5, "09:15"), lambda now: page.update("b", now, "monitoring", {cdn: "degraded_performance"}))
    yield Deed(at(5, "10:00"), lambda now: page.update("b", now, "resolved"))
    # too mild all along; renamed and its text edited when it was over: nothing
    yield Deed(at(7, "08:05"), lambda now: page.open("c", now, {cdn: "degraded_performance"}, "minor"))
    yield Deed(at(7, "09:00"), lambda now: page.update("c", now, "resolved"))
    yield Deed(at(9, "06:30"), lambda now: page.set("c", now, name="It was the database"))
    yield Deed(at(9, "06:40"), lambda now: page.edit("c", now, 0, body="It was the database all along."))
    # backdated while it goes on, from 07:45: 105 minutes
    yield Deed(at(9, "08:30"), lambda now: page.open("d", now, {cdn: "partial_outage"}))
    yield Deed(
        at(9, "08:40"), lambda now: page.update("d", now, "identified", {cdn: "partial_outage"}, shown=at(9, "07:45"))
    )
    yield Deed(at(9, "09:30"), lambda now: page.update("d", now, "resolved", {cdn: "operational"}))
    # posted in error, and deleted two days later: nothing in the end
    yield Deed(at(11, "08:00"), lambda now: page.open("e", now, {cdn: "major_outage"}, "critical"))
    yield Deed(at(11, "08:40"), lambda now: page.update("e", now, "resolved"))
    yield Deed(at(13, "08:00"), lambda _: page.delete("e"))
    # of a component that nobody here depends on: nothing
    yield Deed(at(12, "08:00"), lambda now: page.open("f", now, {kv: "major_outage"}))
    yield Deed(at(12, "09:00"), lambda now: page.update("f", now, "resolved", {kv: "operational"}))
    # entered afterwards: nobody says how long it was, so nothing
    yield Deed(at(14, "10:00"), lambda now: page.backfill("g", now, "Between 08:49 and 08:54 UTC requests failed."))
    # no component named, but a check of ours saw it too: 20 minutes
    yield Deed(at(15, "08:00"), lambda now: page.open("h", now, {}, "critical"))
    yield Deed(at(15, "08:20"), lambda now: page.update("h", now, "resolved"))
    # the page cannot be reached from 08:30 to 14:00, see `TROUBLE`: 90 minutes in the end
    yield Deed(at(17, "08:00"), lambda now: page.open("i", now, {cdn: "major_outage"}))
    yield Deed(at(17, "09:30"), lambda now: page.update("i", now, "resolved", {cdn: "operational"}))
    # its end is moved to ten minutes earlier on the next day: 50 minutes
    yield Deed(at(19, "08:00"), lambda now: page.open("j", now, {cdn: "major_outage"}))
    yield Deed(at(19, "09:00"), lambda now: page.update("j", now, "resolved", {cdn: "operational"}))
    yield Deed(at(20, "12:00"), lambda now: page.edit("j", now, 0, display_at=at(19, "08:50")))
    yield Deed(at(20, "12:00"), lambda now: page.set("j", now, resolved_at=at(19, "08:50")))
    # so much goes on elsewhere that everything before is beyond the 50
    yield Deed(at(25, "08:00"), lambda now: _elsewhere(page, now))


def _elsewhere(page: StatusPage, now: int) -> None:
    for number in range(60):
        page.open(f"pop-{number}", now + number, {"pop1": "degraded_performance"}, "minor")
        page.update(f"pop-{number}", now + number, "resolved")


THIRD_PARTY = {"a": 10, "b": 75, "d": 105, "h": 20, "i": 90, "j": 50}
"""Minutes that each incident excuses in the end."""


def our_deeds(page: StatusPage) -> Iterator[Deed]:
    """Our own month: windows from 02:00 to 04:00."""
    app = {"app1": "under_maintenance"}

    def night(day: int) -> tuple[int, int]:
        return at(day, "02:00"), at(day, "04:00")

    # announced 72 hours ahead, and done: 120 minutes
    yield Deed(at(5, "02:00"), lambda now: page.plan("m1", now, night(8), app))
    yield Deed(at(8, "02:00"), lambda now: page.update("m1", now, "in_progress"))
    yield Deed(at(8, "04:00"), lambda now: page.update("m1", now, "completed"))
    # extended while it was done, to 06:00: 120 minutes, what the extension adds is none
    yield Deed(at(9, "02:00"), lambda now: page.plan("m2", now, night(13), app))
    yield Deed(at(13, "02:00"), lambda now: page.update("m2", now, "in_progress"))
    yield Deed(at(13, "03:30"), lambda now: page.set("m2", now, scheduled_until=at(13, "06:00")))
    yield Deed(at(13, "06:00"), lambda now: page.update("m2", now, "completed"))
    # completed early, at 03:00: 60 minutes
    yield Deed(at(12, "02:00"), lambda now: page.plan("m3", now, night(16), app))
    yield Deed(at(16, "02:00"), lambda now: page.update("m3", now, "in_progress"))
    yield Deed(at(16, "03:00"), lambda now: page.update("m3", now, "completed"))
    # taken off the page a day before: nothing
    yield Deed(at(13, "12:00"), lambda now: page.plan("m4", now, night(18), app))
    yield Deed(at(17, "02:00"), lambda _: page.delete("m4"))
    # announced only 24 hours ahead: nothing
    yield Deed(at(20, "02:00"), lambda now: page.plan("m5", now, night(21), app))
    yield Deed(at(21, "02:00"), lambda now: page.update("m5", now, "in_progress"))
    yield Deed(at(21, "04:00"), lambda now: page.update("m5", now, "completed"))
    # moved by an hour with ten hours to go: the hour that both windows share, 60 minutes
    yield Deed(at(22, "02:00"), lambda now: page.plan("m6", now, night(26), app))
    yield Deed(
        at(25, "16:00"),
        lambda now: page.set("m6", now, scheduled_for=at(26, "03:00"), scheduled_until=at(26, "05:00")),
    )
    yield Deed(at(26, "03:00"), lambda now: page.update("m6", now, "in_progress"))
    yield Deed(at(26, "05:00"), lambda now: page.update("m6", now, "completed"))


MAINTENANCE = {"m1": 120, "m2": 120, "m3": 60, "m6": 60}
"""Minutes that each maintenance excuses in the end."""

TROUBLE = (at(17, "08:30"), at(17, "14:00"))
"""When the provider's page cannot be reached."""


def looks() -> Iterator[Result]:
    """What our checks saw: the service and the corroborating one down from 01:00 to 18:00 on each day of the script."""
    days = sorted((*THIRD_PARTY_DAYS, *MAINTENANCE_DAYS))
    for check in ("web", "edge"):
        up = JUNE
        for day in days:
            begin, end = at(day, "01:00"), at(day, "18:00")
            yield _look(check, up, begin, passes=True)
            yield _look(check, begin, end, passes=False)
            up = end
        yield _look(check, up, JULY, passes=True)


def _look(check: str, begin: int, end: int, *, passes: bool) -> Result:
    return Result(begin, check, "local", begin, "pass" if passes else "fail", hold_ms=end - begin)


def bells(deeds: list[Deed], every: int = 6 * HOUR) -> list[int]:
    """When sources are asked: so often, and in the four minutes after each deed."""
    regular = range(JUNE, JULY + 1, every)
    return sorted({*regular, *(deed.at + minutes * MINUTE for deed in deeds for minutes in (1, 2, 3, 4))})
