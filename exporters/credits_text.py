"""Credits and the right to terminate for a person and for a spreadsheet, from their JSON (monitor.credits_told)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import cast

from exporters.numbers import promised
from exporters.stated import Statement, plain, rows
from exporters.statement_csv import Lines, safe
from monitor.facts import Json

_COLUMNS = ("month", "status", "customer", "breaches", "ratio", "fee", "currency", "credit", "owed", "applies_to")


def credits_text(told: Statement) -> str:
    """One month, as `minutebook credits` prints it."""
    return "\n".join(_credits(told))


def _credits(told: Statement) -> Iterator[str]:
    yield f"{plain(told['month'])} ({plain(told['status'])}), as of {plain(told['as_of'])}: {breaches_words(told)}"
    for each in rows(told, "commitments"):
        if each["breaches"]:
            yield f"  {commitment_words(each)}: {plain(each['breaches'])}"
    for each in rows(told, "credits"):
        yield f"{plain(each['customer'])}: {credit_words(each)}"
        yield from (f"  {claim_words(claim)}" for claim in rows(each, "claims"))
    for claim in rows(told, "unknown_claims"):
        yield f"{plain(claim['claim'])}: {plain(claim['customer'])} is no customer here; it counts for nothing"
    if rows(told, "credits"):
        sums = cast("dict[str, list[str]]", told["totals"])
        yield f"credits {_and(sums['credit'])}; owed, as claimed and granted: {_and(sums['owed'])}"
    else:
        yield "nobody has credits for this month"


def breaches_words(told: Statement) -> str:
    """`no breach`, `1 breach`, `2 breaches`."""
    count = cast(int, told["breaches"])
    return f"{count or 'no'} breach{'es' if count > 1 else ''}"


def commitment_words(each: Statement) -> str:
    """`availability of app`, `response:high`."""
    of = f" of {plain(each['service'])}" if each["service"] is not None else ""
    return f"{plain(each['commitment'])}{of}"


def credit_words(each: Statement) -> str:
    """The credit, how it comes about, and what of it is owed."""
    part = promised(cast(str, each["ratio"]))
    return f"{part} of {plain(each['fee'])} = {plain(each['credit'])}; owed {plain(each['owed'])}"


def claim_words(claim: Statement) -> str:
    """A claim judged, and decided by whom."""
    judged = "in time" if claim["in_time"] else "late"
    said = f"{plain(claim['claim'])}, {plain(claim['commitment'])}: requested {plain(claim['requested_at'])}, {judged}"
    return f"{said} (last day {plain(claim['last_day'])}); {_decision(claim)}"


def _decision(claim: Statement) -> str:
    if claim["decision"] is None:
        return "not decided"
    by = f" by {plain(claim['author'])}" if claim["author"] is not None else ""
    typed = "" if claim["author_authenticated"] is True or not by else " (not authenticated)"
    why = f": {plain(claim['reason'])}" if claim["reason"] is not None else ""
    return f"{plain(claim['decision'])}{by}{typed}{why}"


def _and(amounts: Sequence[str]) -> str:
    return " and ".join(map(plain, amounts)) or "nothing"


def credits_csv(told: Statement) -> str:
    """A header, and a row for each customer; amounts as decimal text beside their currency."""
    lines = Lines()
    writer = csv.writer(lines)
    writer.writerow(_COLUMNS)
    for each in rows(told, "credits"):
        fee, currency = cast(str, each["fee"]).split()
        writer.writerow(
            (
                told["month"],
                told["status"],
                safe(cast(str, each["customer"])),
                each["breaches"],
                each["ratio"],
                fee,
                currency,
                *(cast(str, each[name]).split()[0] for name in ("credit", "owed")),
                told["applies_to"],
            )
        )
    return "".join(lines)


def termination_text(told: Sequence[Json]) -> str:
    """A line for each customer, and below it what a restatement took away."""
    return "\n".join(line for each in cast("Sequence[Statement]", told) for line in _rights(each))


def _rights(told: Statement) -> Iterator[str]:
    right, name = told["right"], plain(told["customer"])
    yield f"{name}: {right_words(cast(Statement, right))}" if isinstance(right, dict) else f"{name}: no right"
    for each in rows(told, "taken_away"):
        arose, gone = plain(each["arises"]), plain(each["taken_away"])
        yield f"  a right that arose {arose} was taken away {gone} by a restatement"


def right_words(right: Statement) -> str:
    """Since when, by which month and rule, resting on which months."""
    months = [plain(month) for month in cast("list[Json]", right["rests_on"])]
    rule = (
        f"{len(months)} months with a breach in a row" if right["rule"] == "consecutive_months" else "enough breaches"
    )
    return (
        f"may terminate since {plain(right['arises'])}, when {plain(right['month'])} became final:"
        f" {rule} ({', '.join(months)})"
    )
