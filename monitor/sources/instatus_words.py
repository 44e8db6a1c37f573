"""How Instatus spells things: the same word in capitals or as a label for people, and times as JavaScript writes them.

Pure; what cannot be read is counted on the `Reading` and is None (design/upstreams.md, B).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.ledger.period import DAY, MINUTE, Period
from monitor.sources.kind import Severity
from monitor.sources.reading import AHEAD, EARLIEST, LONGEST_NAME, Object, Reading, cleaned, parse_iso

STATUSES: Mapping[str, Severity] = {
    "operational": "operational",
    "undermaintenance": "maintenance",
    "degradedperformance": "degraded",
    "partialoutage": "partial_outage",
    "minoroutage": "partial_outage",  # the old name
    "majoroutage": "major_outage",
}
"""Of a component, and the impact of an incident."""

OVER = frozenset({"resolved", "completed"})
NOT_BEGUN = frozenset({"notstartedyet", "planned", "scheduled"})
UNDER_WAY = frozenset({"inprogress", "verifying"})
INCIDENT_STATUSES = frozenset({"investigating", "identified", "monitoring", "resolved"})
MAINTENANCE_STATUSES = NOT_BEGUN | UNDER_WAY | {"completed"}

LONGEST_MINUTES = 366 * DAY // MINUTE

_JS_DATE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2} \d{2} \d{4} \d{2}:\d{2}:\d{2}) GMT([+-]\d{4})(?: \([^()]{0,60}\))?"
)
"""ECMA-262, 21.4.4.41.4 (Date.prototype.toString)."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def plain(given: str) -> str:
    """`In progress`, `INPROGRESS` and `in_progress` as one word."""
    return "".join(character for character in given.casefold() if character.isalpha())


def word(reading: Reading, given: Object, key: str, known: frozenset[str] | Mapping[str, Severity]) -> str | None:
    """A word of an enumeration, plain; one that nobody knows is counted, and None."""
    text = reading.text(given, key)
    if text is None:
        return None
    found = plain(text)
    if found not in known:
        reading.count("unknown_enum")
        return None
    return found


def severity(reading: Reading, given: Object, key: str = "status") -> Severity | None:
    """How bad a component or an incident is; absent is counted too."""
    if given.get(key) is None:
        reading.count("missing_field")
        return None
    found = word(reading, given, key, STATUSES)
    return None if found is None else STATUSES[found]


def title(reading: Reading, given: Object, key: str = "name") -> str | None:
    """A text, or that of the page's own language."""
    value = given.get(key)
    if isinstance(value, dict):
        return reading.text(value, "default", LONGEST_NAME)
    return reading.text(given, key, LONGEST_NAME)


def scheduled(reading: Reading, given: Object, key: str) -> int | None:
    """An instant that may be to come: ISO 8601, or as JavaScript writes a date."""
    value = given.get(key)
    if value is None:
        return None
    instant = (parse_iso(value) or parse_js_date(value)) if isinstance(value, str) else None
    if instant is None or instant < EARLIEST:
        reading.count("bad_time" if isinstance(value, str) else "wrong_type")
        return None
    return instant


def past(reading: Reading, given: Object, key: str) -> int | None:
    """The instant of something that has been."""
    instant = scheduled(reading, given, key)
    if instant is not None and instant > reading.now + AHEAD:
        reading.count("bad_time")
        return None
    return instant


def parse_js_date(text: str) -> int | None:
    """`Sat Jun 11 2022 18:55:50 GMT+0000 (Coordinated Universal Time)` as UTC ms; None for anything else."""
    found = _JS_DATE.fullmatch(text)
    if found is None or not text.isascii() or found[1][:3] not in _MONTHS:
        return None
    month = _MONTHS.index(found[1][:3]) + 1
    try:  # not %b: the names of months are those of a locale
        parsed = datetime.strptime(f"{month:02}{found[1][3:]} {found[2]}", "%m %d %Y %H:%M:%S %z")
        return int(parsed.astimezone(UTC).timestamp()) * 1000
    except (ValueError, OverflowError):
        return None


def planned(reading: Reading, given: Object) -> Period | None:
    """From `start` on, so many minutes as `duration` says, a number or a text; None: no valid window, which is counted
    (upstreams.md H(2))."""
    start, minutes = scheduled(reading, given, "start"), _minutes(reading, given)
    if start is None or minutes is None:
        return None
    if minutes <= 0:
        reading.count("empty_span")
        return None
    return Period(start, start + minutes * MINUTE)


def _minutes(reading: Reading, given: Object) -> int | None:
    value = given.get("duration")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 6:
        value = int(value)
    if value is None:
        reading.count("missing_field")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        reading.count("wrong_type")
    elif abs(value) > LONGEST_MINUTES:
        reading.count("too_long")
    elif value != int(value):
        reading.count("wrong_type")
    else:
        return int(value)
    return None


def id_of(reading: Reading, given: Object) -> str | None:
    """What names an item; of one without an id the end of its address, which is its id there."""
    if given.get("id") is not None:
        return reading.id(given)
    address = reading.text(given, "url", 500)
    tail = "" if address is None else address.partition("?")[0].rstrip("/").rpartition("/")[2]
    return reading.id({"id": cleaned(tail, 100)})
