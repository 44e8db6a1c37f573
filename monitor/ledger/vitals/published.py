"""What others publish of the same metrics, shown beside ours and deciding nothing (commitments.md section 1).

A `vitals_reading` fact is a figure of Shopify's dashboard that a person entered, or one that a source read from CrUX.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from zoneinfo import ZoneInfo

from monitor.facts import Fact, Json
from monitor.ledger.period import local_date, parse_instant
from monitor.ledger.vitals.windows import Window

SHOWN = ("p75", "samples", "author", "evidence", "source")
READ_BY_A_SOURCE = ("verdict", "good_ratio", "subject")
READER = "crux"
"""The `source` of what was read from CrUX; what a person enters has the person's own."""


def published(readings: Iterable[Fact], metric: str, window: Window, zone: ZoneInfo) -> list[Json]:
    """Those of the metric whose days reach into the window, in order of their last day, then of recording.

    Of those that a source read only the newest of each subject: it reads one every day, each of 28.
    """
    shown: list[dict[str, Json]] = []
    newest: dict[Json, dict[str, Json]] = {}
    for fact in readings:
        first, last = reading_days(fact, zone)
        if fact.fields["metric"] != metric or first > window.last or last < window.first:
            continue
        told: dict[str, Json] = {"from": first, "to": last, **{name: fact.fields.get(name) for name in SHOWN}}
        told["author_authenticated"] = fact.fields.get("authenticated_by") is not None
        if fact.source != READER:
            shown.append(told)
            continue
        told |= {name: fact.fields.get(name) for name in READ_BY_A_SOURCE}
        if (subject := told["subject"]) not in newest or str(newest[subject]["to"]) <= last:
            newest[subject] = told
    return [*sorted([*shown, *newest.values()], key=lambda each: str(each["to"]))]


def reading_days(fact: Fact, zone: ZoneInfo) -> tuple[str, str]:
    """The first and the last date that a `vitals_reading` is of."""
    return _date(cast("str", fact.fields["from"]), zone), _date(cast("str", fact.fields["to"]), zone)


def _date(written: str, zone: ZoneInfo) -> str:
    """A reading says dates or instants."""
    return local_date(parse_instant(written), zone).isoformat() if "T" in written else written
