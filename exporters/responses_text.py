"""Response times for a terminal: each priority's verdict, and the tickets that are late or wait."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.stated import Statement, Wall, labelled, plain, rows


def response_lines(stated: Statement, wall: Wall) -> Iterator[str]:
    """Nothing where no response times were promised."""
    promised = [each for each in rows(stated, "commitments") if plain(each["commitment"]).startswith("response:")]
    if not promised:
        return
    yield from labelled("response", [_commitment(each) for each in promised])
    for ticket in rows(stated, "tickets"):
        if ticket["state"] != "met":
            due = f"due {wall.shown(ticket['due'])}, " if ticket["due"] is not None else ""
            klass, state = (plain(ticket[name]).replace("_", " ") for name in ("class", "state"))
            yield f"  ticket {plain(ticket['ticket'])}, {plain(ticket['priority'])}, {klass}: {due}{state}"
    yield ""


def _commitment(each: Statement) -> str:
    priority = plain(each["commitment"]).removeprefix("response:")
    return f"{priority}, {plain(each['target'])}: {plain(each['verdict'])}, {plain(each['result'])}"
