"""Payloads of our own in Instatus's two dialects: the shapes that were seen, and odder ones."""

from __future__ import annotations

import json
from typing import Any

from monitor.ledger.period import MINUTE, Period, parse_instant
from monitor.settings import Secret
from monitor.sources import instatus
from monitor.sources.kind import Asked, Page, Reply

NOW = parse_instant("2026-06-10T12:00:00Z")
PUBLIC = instatus.InstatusSettings(url="https://own.example/")
KEYED = instatus.InstatusSettings(url="https://own.example/", page_id="ckpage", api_key=Secret("key"))
ALL = frozenset({"*"})

Object = dict[str, Any]
"""JSON of a vendor's: any shape, on purpose."""


def asked(*, own: bool = True, wanted: frozenset[str] = ALL) -> Asked:
    """Of our own page, which announces maintenance, or of a provider's."""
    return Asked("own", Period(NOW - MINUTE, NOW), wanted, is_provider=not own, announces_maintenance=own)


def read(settings: instatus.InstatusSettings, purpose: str, payload: object, about: Asked | None = None) -> Page:
    """What a reply to a request of that purpose says."""
    about = about or asked()
    [request] = [each for each in instatus.first(settings, about) if each.purpose == purpose]
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return instatus.parse(settings, about, Reply(request, body, NOW))


def component(item: str = "app1", status: str = "MAJOROUTAGE", **more: Any) -> Object:
    return {"id": item, "name": item.upper(), "status": status, **more}


def incident(**more: Any) -> Object:
    """As the API tells one that goes on."""
    return {
        "id": "i1",
        "name": "Trouble",
        "status": "INVESTIGATING",
        "started": "2026-06-10T11:00:00.000Z",
        "components": [component()],
        "updates": [{"id": "u1", "status": "INVESTIGATING", "createdAt": "2026-06-10T11:01:00.000Z"}],
        **more,
    }


def maintenance(**more: Any) -> Object:
    """As the API tells one that is announced."""
    return {
        "id": "m1",
        "name": "Work",
        "status": "NOTSTARTEDYET",
        "start": "2026-06-15T02:00:00.000Z",
        "duration": 120,
        "components": [component(status="OPERATIONAL")],
        "updates": [update("NOTSTARTEDYET", "2026-06-10T10:00:00.000Z")],
        **more,
    }


def update(status: str, at: str) -> Object:
    return {"id": f"u-{at}", "status": status, "started": at, "createdAt": at}


def summary(**more: Any) -> Object:
    return {"page": {"name": "Own", "url": "https://own.example", "status": "UP"}, **more}
