"""Publishing a maintenance on an Instatus page of ours: the request, and what the answer says (design/upstreams.md, B).

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from monitor.facts import Json
from monitor.ledger.period import Period, format_instant
from monitor.sources.instatus import MAINTENANCES, InstatusSettings, api_request
from monitor.sources.kind import Component, Page, Problem, Reply, Request
from monitor.sources.reading import Reading, body_of


class Answered(NamedTuple):
    """The page's id of what it took, and its words of it, cut."""

    id: str
    words: Mapping[str, Json]


def ids_of(spelled: Iterable[str], offered: Iterable[Component]) -> tuple[list[str], list[str]]:
    """The ids of components that are spelled by id or name; and the spellings that the page does not have."""
    known = list(offered)
    found = {spelling: [each.id for each in known if spelling in (each.id, each.name)] for spelling in spelled}
    ids = dict.fromkeys(item for items in found.values() for item in items)
    return list(ids), [spelling for spelling, items in found.items() if not items]


def announcement(settings: InstatusSettings, title: str, window: Period, components: list[str]) -> Request:
    """The request that publishes it, and has the page's subscribers told."""
    body: dict[str, Json] = {
        "name": title,
        "message": title,
        "components": list(components),
        "start": format_instant(window.start),
        "end": format_instant(window.end),
        "status": "NOTSTARTEDYET",
        "autoStart": True,
        "autoEnd": True,
        "notify": True,
        "notifyStart": True,
        "notifyEnd": True,
        "notifyEarly": False,
        "notifyMinutes": 60,
        "statuses": [{"id": item, "status": "UNDERMAINTENANCE"} for item in components],
    }
    return api_request(settings, MAINTENANCES, body=body)


def answered(reply: Reply) -> Answered | Problem:
    """What the page made of it."""
    body = body_of(reply)
    if isinstance(body, Page):
        return body.failed or "not_json"
    if not isinstance(body, dict):
        return "wrong_type"
    reading = Reading(reply.received_at)
    item = reading.id(body)
    if item is None:
        return "missing_field"
    words = {key: reading.text(body, key) for key in ("name", "status", "start", "end")}
    return Answered(item, {"id": item, **{key: word for key, word in words.items() if word is not None}})
