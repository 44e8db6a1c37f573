"""What an Instatus page posts (design/upstreams.md, B, "Webhooks out").

A maintenance of a page that announces ours is recorded as it came, since the page itself keeps no history of its
windows: the delivery is the first sighting, and its own words stand in the fact. Everything else, incidents and
components, is a hint to ask the page now.
"""

from __future__ import annotations

from typing import cast

from monitor.facts import Json, canonical_json
from monitor.ledger.period import Period, format_instant
from monitor.sources import instatus_words as words
from monitor.sources.hooks.kind import Delivery, Ignored, News, Refusal, digest_of, json_of
from monitor.sources.instatus import MAINTENANCES, InstatusSettings
from monitor.sources.kind import Asked, Listing, Maintenance, Page
from monitor.sources.reading import Object, Reading
from monitor.sources.timeline import used_of

HEADER = "x-instatus-webhook-signature"

LONGEST_WORDS = 4_096
"""Bytes of a maintenance, as it was sent, that stand in its fact; of a longer one only the digest does."""


def parse(settings: InstatusSettings, asked: Asked, delivery: Delivery) -> News | Refusal | Ignored:
    """What a signed delivery says. The key of an incident or a maintenance is its id, its newest update and
    `updated_at`."""
    body = json_of(delivery)
    if body is None:
        return "unreadable"
    [*named] = [name for name in ("maintenance", "incident", "component_update") if name in body]
    if not named:
        return Ignored.called(*sorted(body.keys() - {"meta", "page"})[:1])
    given = body[named[0]]
    if not isinstance(given, dict):
        return "unreadable"
    if named[0] != "maintenance":
        return News(digest_of(delivery), poll=True)
    reading = Reading(delivery.received_at)
    found = _maintenance(settings, reading, given, digest_of(delivery))
    if found is None:
        return "unreadable"
    items = (found,) if asked.announces_maintenance else ()
    listing = Listing(MAINTENANCES, items, {found.id: found.began}, holds="some")
    return News(digest_of(delivery), Page((listing,), problems=reading.problems), poll=True)


def _maintenance(settings: InstatusSettings, reading: Reading, given: Object, digest: str) -> Maintenance | None:
    item = reading.id(given)
    status = words.word(reading, given, "status", words.MAINTENANCE_STATUSES)
    revised = words.past(reading, given, "updated_at")
    start, end = (words.scheduled(reading, given, f"maintenance_{edge}_date") for edge in ("start", "end"))
    if item is None or status is None or revised is None or start is None or end is None or end <= start:
        return None  # nothing that could be ordered, or counted
    updates = sorted(_updates(reading, given))
    begun = next((at for at, each in updates if each in words.UNDER_WAY), None)
    completed = min((at for at, each in updates if each == "completed"), default=revised)
    posted = [at for at, _ in updates]
    created = words.past(reading, given, "created_at")
    spelled = [
        tuple(text for text in (words.title(reading, each), each.get("id")) if isinstance(text, str))
        for each in reading.objects(given, "affected_components")
    ]
    return Maintenance(
        id=item,
        began=start,
        window=used_of(Period(start, end), begun, completed if status in words.OVER else None),
        announced_at=min([*posted, *([created] if created is not None else [])], default=None),
        revised_at=revised,
        components=tuple(each for each in spelled if each),
        title=words.title(reading, given),
        url=settings.item_url("maintenance", item),
        more={"as_of": format_instant(revised), "delivery_sha256": digest, **_as_sent(given)},
    )


def _updates(reading: Reading, given: Object) -> list[tuple[int, str]]:
    found = []
    for update in reading.objects(given, "maintenance_updates"):
        at = words.past(reading, update, "created_at")
        if at is not None:
            found.append((at, words.word(reading, update, "status", words.MAINTENANCE_STATUSES) or ""))
    return found


def _as_sent(given: Object) -> dict[str, Json]:
    """The maintenance in its own words, without what is about the subscriber."""
    return {"delivery": cast(Json, dict(given))} if len(canonical_json(dict(given))) <= LONGEST_WORDS else {}
