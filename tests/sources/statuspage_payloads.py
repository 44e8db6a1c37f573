"""Payloads of our own in Statuspage's dialect: the shapes that were seen on real pages, and odder ones."""

from __future__ import annotations

import json
from typing import Any

from monitor.ledger.period import Period, parse_instant
from monitor.sources import statuspage
from monitor.sources.kind import Asked, Incident, Listing, Maintenance, Page, Reply, Request

NOW = parse_instant("2026-06-10T12:00:00Z")
SETTINGS = statuspage.StatuspageSettings(url="https://status.example.com/")
ALL = frozenset({"*"})

Object = dict[str, Any]
"""JSON of a vendor's: any shape, on purpose."""


def update(status: str, at: str, *affected: tuple[str, str] | Object, **more: Any) -> Object:
    """An update shown for `at`; `affected` are (component, new status), or entries as they are. Newest first in a
    list is only a convention, so no test relies on it."""
    entries = [
        each if isinstance(each, dict) else {"code": each[0].lower(), "name": each[0], "new_status": each[1]}
        for each in affected
    ]
    return {
        "id": f"u-{at}",
        "status": status,
        "body": "We are looking into it.",
        "created_at": at,
        "updated_at": at,
        "display_at": at,
        "affected_components": entries or None,
        **more,
    }


def incident(item: str, *updates: Object, **more: Any) -> Object:
    """An incident of these updates; resolved when the last one is."""
    shown = sorted((one["display_at"], one["status"]) for one in updates if one.get("display_at"))
    first, last = (shown[0], shown[-1]) if shown else (("2026-06-10T00:00:00Z", ""), ("", ""))
    return {
        "id": item,
        "name": f"Incident {item}",
        "status": last[1],
        "impact": "major",
        "created_at": first[0],
        "started_at": first[0],
        "resolved_at": last[0] if last[1] in ("resolved", "postmortem", "completed") else None,
        "updated_at": last[0],
        "shortlink": "https://stspg.example/x",
        "components": [],
        "incident_updates": list(reversed(updates)),
        **more,
    }


def planned(item: str, start: str, end: str, *updates: Object, **more: Any) -> Object:
    """A scheduled maintenance."""
    return incident(item, *updates, scheduled_for=start, scheduled_until=end, impact="maintenance", **more)


def page_of(
    key: str, items: object, purpose: str, wanted: frozenset[str] = ALL, *, announces: bool = False, now: int = NOW
) -> Page:
    """What is read of a list with these items."""
    asked = Asked("page", Period(now - 60_000, now), wanted, is_provider=not announces, announces_maintenance=announces)
    body = json.dumps({"page": {"id": "p"}, key: items}).encode()
    return statuspage.parse(SETTINGS, asked, Reply(Request(purpose, ""), body, now))


def incidents(*items: Object, wanted: frozenset[str] = ALL, now: int = NOW) -> Page:
    """What is read of /api/v2/incidents.json."""
    return page_of("incidents", list(items), statuspage.INCIDENTS, wanted, now=now)


def maintenances(*items: Object, announces: bool = True) -> Page:
    """What is read of /api/v2/scheduled-maintenances.json."""
    return page_of("scheduled_maintenances", list(items), statuspage.PLANNED, announces=announces)


def listing(page: Page) -> Listing:
    """The one list of a page."""
    assert page.failed is None
    [found] = page.listings
    return found


def one_incident(page: Page) -> Incident:
    """The one incident of a page."""
    [found] = listing(page).items
    assert isinstance(found, Incident)
    return found


def one_maintenance(page: Page) -> Maintenance:
    """The one maintenance of a page."""
    [found] = listing(page).items
    assert isinstance(found, Maintenance)
    return found


def at(text: str) -> int:
    """An instant of 10 June 2026, UTC ms."""
    return parse_instant(f"2026-06-10T{text}Z")
