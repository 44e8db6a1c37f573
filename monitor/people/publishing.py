"""A maintenance that is published on our own page and then recorded, in one step: pure parts of it.

What is recorded carries the page's own id and address, so a poll that finds it there makes a further revision of it and
no second maintenance. Nothing is recorded that the page did not take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from monitor.errors import InputError, MinutebookError
from monitor.facts import Fact, Json
from monitor.ledger.period import Period, format_instant
from monitor.people.known import Author, Known, Said, effects, instant_of
from monitor.people.maintenance import announce

PUBLISHED_AND_NOT_KEPT = (
    "published, and it could not be kept here: the next poll of the page records it; do not publish it again"
)


@dataclass(frozen=True, slots=True)
class OurPage:
    """A page of ours that can be published on: the source's name, its address, and its components as services."""

    name: str
    url: str
    components: Mapping[str, tuple[str, ...]]


class Notice(NamedTuple):
    """What is to be published: `components` are spelled as the configuration does."""

    title: str
    window: Period
    components: tuple[str, ...]


class Published(NamedTuple):
    """What the page answered: its id of the maintenance, where it is to be read, and the rest of its words."""

    id: str
    url: str
    answered: Mapping[str, Json]


class NotPublishedError(MinutebookError):
    """The page did not take it, or nobody knows whether it did; nothing is recorded. The message has the mend."""


def to_publish(said: Mapping[str, Json], author: Author, known: Known, page: OurPage) -> Notice | Said:
    """What to publish, once everything that a person said of it is found to be right; or what stands recorded already,
    where the same was published before. Raises as `announce` does."""
    for field, why in (("maintenance", "the page gives it its id"), ("url", "the page gives it its address")):
        if field in said:
            raise InputError(f"{field}: {why}; leave it out")
    if "announced_at" in said:
        raise InputError("announced_at: what is published now is announced now; leave it out")
    checked = announce({**said, "maintenance": "to be published", "url": page.url}, author, known).fact
    if checked is None:
        raise InputError("maintenance: this name is taken by another one")
    title = checked.fields.get("title")
    if not isinstance(title, str) or not title.strip():
        raise InputError("title: is missing; the page shows it to customers")
    components = _components(cast("list[str]", checked.fields.get("services") or []), page)
    before = _published_before(checked, known, page)
    if before is not None:
        return before
    return Notice(title, Period(instant_of(checked, "start"), instant_of(checked, "end")), components)


def published(said: Mapping[str, Json], author: Author, known: Known, by: tuple[OurPage, Published]) -> Said:
    """The fact of what was published, announced now."""
    page, answer = by
    fields: dict[str, Json] = {
        **said,
        "maintenance": answer.id,
        "url": answer.url,
        "published_on": page.name,
        "answered": dict(answer.answered),
        "announced_at": format_instant(known.now),
    }
    return announce(fields, author, known)


def _components(services: list[str], page: OurPage) -> tuple[str, ...]:
    if not page.components:
        if services:
            raise InputError(
                f"services: {page.name} names no `components`, so all it announces is everybody's; leave services out"
            )
        return ()
    unknown = [each for each in services if not any(each in mapped for mapped in page.components.values())]
    if unknown:
        raise InputError(f"services: no component of {page.name} is the service {unknown[0]}; name it in `components`")
    return tuple(key for key, mapped in page.components.items() if not services or set(mapped) & set(services))


def _published_before(checked: Fact, known: Known, page: OurPage) -> Said | None:
    told = ("start", "end", "title", "services")
    newest = {fact.fields["maintenance"]: fact for fact in known.facts if fact.kind == "maintenance"}
    published_here = {
        fact.fields["maintenance"]
        for fact in known.facts
        if fact.kind == "maintenance" and fact.fields.get("published_on") == page.name
    }
    for subject in published_here:
        if all(newest[subject].fields.get(field) == checked.fields.get(field) for field in told):
            return Said(str(subject), None, effects(known, None, str(subject), instant_of(checked, "start")))
    return None
