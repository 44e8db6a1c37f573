"""One version of the promise, as the file writes it (contracts/accounting.md and commitments.md)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from monitor.config.values import Day, Months, Name, Objective, Positive, ScoreLimit, Share, TimeLimit, Zone
from monitor.config.weekly import WEEKDAYS, Days, HoursTable, Opening, TargetText
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND
from monitor.ledger.terms import VitalLimit
from monitor.settings import Duration, Mistake, PositiveDuration, Settings, format_duration

LATEST_FINAL = 15 * DAY  # accounting.md section 9

Severity = Literal["maintenance", "degraded", "partial_outage", "major_outage"]


class Availability(Settings):
    """How much of a month an app is promised to be up."""

    objective: Objective = Field(Fraction(999, 1000), description="The promised part of the month, under 100%.")
    downtime_cap: PositiveDuration | None = Field(None, description="The most downtime a month, where it is stricter.")
    finalise_after: Duration = Field(5 * DAY, description="How long into the next month a statement stays a draft.")

    def mistakes(self) -> Iterator[Mistake]:
        if self.finalise_after > LATEST_FINAL:
            given = format_duration(self.finalise_after)
            yield Mistake(("finalise_after",), f"expected at most {format_duration(LATEST_FINAL)}; found {given}")


class MaintenanceTerms(Settings):
    """Which announced maintenance is excused (accounting.md section 5.1)."""

    notice: Duration = Field(48 * HOUR, description="Elapsed time between announcement and start.")
    witness_within: Duration = Field(15 * MINUTE, description="How soon an announcement must have been recorded.")
    longest: PositiveDuration | None = Field(None, description="A longer window is refused.")


class ThirdPartyTerms(Settings):
    """Which outages of providers excuse (accounting.md section 5.2)."""

    providers: tuple[Name, ...] | None = Field(None, description="Those that can excuse; default: all.")
    min_severity: Severity = Field("partial_outage", description="The mildest severity that excuses.")
    evidence: Literal["corroborated", "declared"] = Field("corroborated", description="What proves it.")
    corroborated_by: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(
        {}, description="Provider to the checks, of `role: corroboration`, that must see it too."
    )
    lead: Duration = Field(0, description="How far before its declared start an incident reaches.")
    lag: Duration = Field(0, description="How far after its declared end an incident reaches.")


class DeclaredByPerson(Settings):
    """What a person may declare (accounting.md section 5.3)."""

    approval: Literal["required"] | None = Field(None, description="Whether another person must approve.")


class VitalsTerms(Settings):
    """What is promised of Web Vitals (commitments.md section 1); without a sign a limit is `<=`."""

    LCP: TimeLimit = Field(VitalLimit("<=", Fraction(2500)), description="Largest Contentful Paint.")
    CLS: ScoreLimit = Field(VitalLimit("<=", Fraction(1, 10)), description="Cumulative Layout Shift.")
    INP: TimeLimit = Field(VitalLimit("<=", Fraction(200)), description="Interaction to Next Paint.")
    percentile: int = Field(75, ge=1, le=99, description="The percentile that must be within the limit.")
    min_samples: Positive = Field(100, description="Fewer samples give no verdict.")


class ResponseTargets(Settings):
    """How soon a first reply is due, by whether the ticket came in support hours."""

    in_hours: TargetText
    after_hours: TargetText


class Support(Settings):
    """Response times (commitments.md section 2): `30m` on the wall clock, `12bh`, `3bd`, `next_business_day`."""

    timezone: Zone | None = Field(None, description="The calendar's zone; default: the file's.")
    hours: HoursTable = Field(description="Opening hours by weekdays.")
    business_days: Days = Field((0, 1, 2, 3, 4), description="Weekdays that are business days.")
    holidays: tuple[Day, ...] = Field((), description="No business days; closed, unless the hours are round the clock.")
    respond_within: dict[Name, ResponseTargets] = Field(min_length=1, description="Priority to its targets.")
    count: Literal["per_ticket", "per_class"] = Field("per_ticket", description="What a breach is.")

    def mistakes(self) -> Iterator[Mistake]:
        for place, day in enumerate(self.holidays):
            if day in self.holidays[:place]:
                yield Mistake(("holidays", place), f"{day} stands twice; keep one of them")
        yield from self._mistakes_of_business_days()

    def _mistakes_of_business_days(self) -> Iterator[Mistake]:
        """`Nbd` is N times the opening time of one business day: each has some, and all the same."""
        targets = [
            (("respond_within", priority, word), target.unit)
            for priority, due in self.respond_within.items()
            for word, target in (("in_hours", due.in_hours), ("after_hours", due.after_hours))
        ]
        closed = [WEEKDAYS[day] for day in self.business_days if day not in self.hours]
        lengths = sorted({_open_minutes(self.hours.get(day, ())) for day in self.business_days})
        shown = " and ".join(format_duration(length * MINUTE) for length in lengths)
        for keys, unit in targets:
            if closed and unit in ("bd", "next_business_day"):
                yield Mistake(keys, f"counts business days, but {closed[0]} is one without hours; give it hours")
            elif len(lengths) > 1 and unit == "bd":
                yield Mistake(
                    keys, f"counts business days, but theirs are open {shown}; count hours instead, as in 8bh"
                )


def _open_minutes(openings: tuple[Opening, ...]) -> int:
    return sum(opening.end - opening.start for opening in openings)


class Credits(Settings):
    """What a breach is worth (commitments.md section 3)."""

    plans: tuple[Name, ...] | None = Field(None, description="Plans that have credits; default: all.")
    per_breach: Share = Field(description="Part of the monthly fee for each breach.")
    cap: Share = Field(Fraction(1), description="The most for a month.")
    claim_within: Months = Field(3, description="How long after the month a claim is in time.")


class Termination(Settings):
    """When the right to terminate arises (commitments.md section 3)."""

    consecutive_months: Positive = Field(3, description="So many months with a breach in a row.")
    breaches: Positive = Field(4, description="Or so many breaches ...")
    within_months: Positive = Field(6, description="... within so many consecutive months.")


class TrafficEvents(Settings):
    """Announced peaks (commitments.md section 4)."""

    notice: Duration = Field(7 * DAY, description="Later announcements are marked late.")
    factor: Positive = Field(5, description="From which expected factor on it is an event.")
    event_interval: PositiveDuration = Field(15 * SECOND, description="How often checks look meanwhile.")


class Promise(Settings):
    """All that one version promises; every section has its default."""

    change_notice: Duration = Field(30 * DAY, description="How long before it takes effect a version is announced.")
    availability: Availability = Availability()
    maintenance: MaintenanceTerms = MaintenanceTerms()
    third_party: ThirdPartyTerms = ThirdPartyTerms()
    declared_by_person: DeclaredByPerson = DeclaredByPerson()
    web_vitals: VitalsTerms | None = Field(None, description="Default: nothing is promised of them.")
    support: Support | None = Field(None, description="Default: no response times are promised.")
    credits: Credits | None = None
    termination: Termination | None = None
    traffic_events: TrafficEvents | None = None


class Policy(Promise):
    """A version and since when it is in effect; the one in force when a month begins decides that month."""

    effective_from: Day = Field(description="Its first day; a month is decided by the version in force when it begins.")
    announced_on: Day | None = Field(None, description="When customers were told; default: in time.")


NO_POLICIES = Promise(third_party=ThirdPartyTerms(providers=()))
"""What a configuration without `policies` promises (accounting.md section 8): every default, and no provider."""
