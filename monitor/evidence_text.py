"""The README of an evidence pack: what it holds, and how anybody proves it, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from monitor import __version__
from monitor.facts import Json
from monitor.ledger.credits import Customer
from monitor.ledger.period import Month


class Shown(NamedTuple):
    """What the pack holds; `as_of` is when the newest fact in it was recorded."""

    customer: Customer
    statements: Sequence[Mapping[str, Json]]
    policies: Mapping[str, str]
    as_of: str


def readme(shown: Shown, right: Sequence[Json], months: Sequence[Month]) -> str:
    """The whole text, with a last line end."""
    return "\n".join([*_what(shown, months), "", *_how(shown), "", *_rests(right, months)]) + "\n"


def _what(shown: Shown, months: Sequence[Month]) -> Iterator[str]:
    span = str(months[0]) if len(months) == 1 else f"{months[0]} to {months[-1]}"
    yield f"Evidence for {shown.customer.name}, {span}"
    yield ""
    yield f"As of {shown.as_of}, when the newest fact in here was recorded."
    yield ""
    yield "statements.json   the final statements: for each service and month what was promised and what was measured"
    for stated in shown.statements:
        verdict = str(stated["verdict"]).replace("_", " ")
        yield f"                  {stated['service']} {stated['month']}, revision {stated['revision']}: {verdict}"
        yield f"                  {stated['digest']}"
    yield "facts.jsonl       the facts that they are computed from, one a line, in the order of recording"
    yield "credits.txt       what the breaches of each month are worth, what was claimed, and what is owed (.json too)"
    yield "termination.txt   whether the right to terminate has arisen, and by which months (.json too)"
    for name in shown.policies:
        yield f"policies/{name}.txt   the policy in words, and its lines in the file with their numbers"
    yield "SHA256SUMS        the digests of all these files: sha256sum -c SHA256SUMS"


def _how(shown: Shown) -> Iterator[str]:
    zones = sorted({str(stated["tzdata"]) for stated in shown.statements})
    yield "How to prove it"
    yield ""
    yield "Take an empty folder, unpack this archive there, and on a machine without a network say"
    yield ""
    yield "    minutebook verify statements.json --facts facts.jsonl"
    yield ""
    yield "It computes every statement again from the facts alone and compares it to the last digit. Whoever changes a"
    yield "fact, leaves one out or adds one gets other digests. The digests stand in the `closing` facts, and with them"
    yield "in the chain whose head was published when the months were closed."
    yield f"Made by minutebook {__version__}; the time zones are those of tzdata {', '.join(zones)}."
    yield "Tickets of other customers are among the facts, where the promise counts answers to all tickets together:"
    yield "without them no digest could be computed again. Of other customers' claims and fees nothing is in here."


def _rests(right: Sequence[Json], months: Sequence[Month]) -> Iterator[str]:
    stands = cast("Mapping[str, Json]", right[0])["right"]
    if not isinstance(stands, dict):
        yield "No right to terminate has arisen."
        return
    rests_on = [str(month) for month in cast("list[Json]", stands["rests_on"])]
    missing = sorted(set(rests_on) - {str(month) for month in months})
    yield f"The right to terminate arose at {stands['arises']}. It rests on {', '.join(rests_on)}."
    if missing:
        yield f"Not in this pack: {', '.join(missing)}. Make one that spans them for a notice of termination."
