"""The status page as an Atom feed (RFC 4287): outages, announced maintenance, what was closed, the chain's newest head.

An entry's id is made of what it is about and of nothing else: an outage that ends is the same entry, changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from exporters.numbers import duration, percent
from exporters.report import VERDICTS
from monitor.facts import Json
from monitor.ledger.period import format_instant, parse_instant

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 100
"""Entries of the feed, the newest first."""


class _Entry(NamedTuple):
    about: str
    updated: str
    title: str
    text: str
    link: str


def feed(status: Mapping[str, Json], site: str, now: int) -> bytes:
    """From `/status.json`. `site` is the address that the page is reached at, with a slash at its end, or only that
    slash; `now` (UTC ms) stands for the first evaluation while there was none."""
    entries = sorted(_entries(status), key=lambda entry: (entry.updated, entry.about), reverse=True)[:ENTRIES]
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    _add(root, "id", _urn(f"feed {site}"))
    _add(root, "title", "Service status")
    _add(root, "updated", entries[0].updated if entries else cast("str | None", status["as_of"]) or format_instant(now))
    _add(_add(root, "author"), "name", "minutebook")
    _add(root, "link", rel="self", type="application/atom+xml", href=f"{site}feed.atom")
    _add(root, "link", rel="alternate", type="text/html", href=site)
    for each in entries:
        entry = _add(root, "entry")
        _add(entry, "id", _urn(each.about))
        _add(entry, "title", each.title)
        _add(entry, "updated", each.updated)
        _add(entry, "link", rel="alternate", type="text/html", href=f"{site}{each.link}")
        _add(entry, "content", each.text, type="text")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode").encode()


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element


def _urn(about: str) -> str:
    """An id that stays (RFC 4122, version 5)."""
    return uuid5(NAMESPACE_URL, f"minutebook {about}").urn


def _entries(status: Mapping[str, Json]) -> Iterator[_Entry]:
    for service in cast("list[Mapping[str, Json]]", status["services"]):
        yield from _outages(service)
        yield from _maintenance(service)
        yield from _closings(service)
    chain = cast("Mapping[str, Json] | None", status["chain"])
    if chain is not None:
        text = f"{chain['head']} after {chain['facts']} facts ({chain['occasion']})"
        yield _Entry(f"chain {chain['head']}", cast(str, chain["published_at"]), "Head of the chain of facts", text, "")


def _outages(service: Mapping[str, Json]) -> Iterator[_Entry]:
    title = service["title"]
    for outage in cast("list[Mapping[str, Json]]", service["outages"]):
        start, end = cast(str, outage["start"]), cast(str, outage["end"])
        about = f"outage {outage['id']}"
        if outage["ongoing"]:
            yield _Entry(about, start, f"{title} is down", f"Down since {start}.", "")
        else:
            said = f"Down from {start} to {end}, as measured and whether excused or not."
            yield _Entry(about, end, f"{title} was down for {duration(cast(int, outage['ms']))}", said, "")


def _maintenance(service: Mapping[str, Json]) -> Iterator[_Entry]:
    for window in cast("list[Mapping[str, Json]]", service["maintenance"]):
        start, notice = cast(str, window["start"]), cast(int, window["notice_ms"])
        text = f"From {start} to {window['end']}, announced {duration(notice)} ahead."
        yield _Entry(
            f"maintenance {service['service']} {window['source']} {window['id']}",
            format_instant(parse_instant(start) - notice),
            f"Maintenance of {service['title']}: {window['title'] or window['id']}",
            text,
            "",
        )


def _closings(service: Mapping[str, Json]) -> Iterator[_Entry]:
    from jinja2.utils import url_quote as quoted  # noqa: PLC0415 - a start has no need of Jinja, which is 3 MiB

    for month in cast("list[Mapping[str, Json]]", service["months"]):
        closed_at = cast("str | None", month["closed_at"])
        if closed_at is None or month["digest"] is None:
            continue
        name, verdict = cast(str, month["month"]), cast(str, month["verdict"])
        again = f" (restated, revision {month['revision']})" if month["status"] == "restated" else ""
        text = (
            f"Down {duration(cast(int, month['down_ms']))} of {duration(cast(int, month['budget_ms']))} allowed,"
            f" published availability {percent(cast('str | None', month['availability']))}. {month['digest']}"
        )
        yield _Entry(
            f"closing {service['service']} {name} {month['revision']} {month['digest']}",
            closed_at,
            f"{service['title']}, {name}: {VERDICTS.get(verdict, verdict)}{again}",
            text,
            f"services/{quoted(cast(str, service['service']))}/{name}",
        )
