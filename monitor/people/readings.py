"""What Shopify publishes of Web Vitals, entered by a person: one figure, or a file of them as CSV.

No API has these figures (contracts/commitments.md, section 1). They stand beside ours and decide nothing. Of a file
everything is taken or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json
from monitor.ledger.period import local_date, parse_instant
from monitor.people.known import Author, Known, Said, same, spoken, with_id
from monitor.people.table import Columns, rows

COLUMNS = Columns(("metric", "p75", "from", "to"), ("samples", "evidence"))
"""Of a CSV file."""

LARGEST: Mapping[str, int] = {"LCP": 600_000, "INP": 300_000, "CLS": 100}
"""As of a beacon (commitments.md, section 1)."""

SMALLEST_LCP = 10
"""In ms no page is so fast: whoever says less has typed seconds."""


def reading(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """A published figure of a metric, from one date to another. `csv` instead of the fields: many."""
    if "csv" in said:
        return _from_csv(said, author, known)
    fact = _checked(said, author, known)
    stands = _newest(known, fact)
    note = "it stands beside what was measured here, and decides nothing"
    return Said(_subject(fact), None if stands else with_id(fact, _subject(fact)), notes=(note,))


def _newest(known: Known, fact: Fact) -> bool:
    """Whether the same stands as the newest word on its metric and days."""
    told = [each for each in known.of("vitals_reading", "metric", str(fact.fields["metric"])) if _is_of(each, fact)]
    return bool(told) and same(told[-1], fact)


def _is_of(one: Fact, other: Fact) -> bool:
    return _subject(one) == _subject(other) and (one.source or "").startswith("person:")


def _subject(fact: Fact) -> str:
    return f"{fact.fields['metric']} {fact.fields['from']} to {fact.fields['to']}"


def _checked(said: Mapping[str, Json], author: Author, known: Known) -> Fact:
    fact = spoken("vitals_reading", {**said, "author": author.name}, author, known)
    metric, p75 = cast("str", fact.fields["metric"]), cast("int | float", fact.fields["p75"])
    if p75 > LARGEST[metric]:
        raise InputError(f"p75: expected at most {LARGEST[metric]}; is it in milliseconds (CLS: no unit)?")
    if metric == "LCP" and 0 < p75 < SMALLEST_LCP:
        raise InputError("p75: is in milliseconds; write 2.3 s as 2300")
    today = local_date(known.now, known.terms.zone).isoformat()
    first, last = (_day(cast("str", fact.fields[name]), known) for name in ("from", "to"))
    if last > today:
        raise InputError("to: is in the future; nothing is published of it yet")
    if last < first:
        raise InputError("to: is before from")
    return fact


def _day(written: str, known: Known) -> str:
    return local_date(parse_instant(written), known.terms.zone).isoformat() if "T" in written else written


def _from_csv(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    text = said["csv"]
    if len(said) > 1 or not isinstance(text, str):
        raise InputError("csv: expected the text of a CSV file, and nothing beside it")
    lines: dict[str, int] = {}
    facts: list[Fact] = []
    for line, cells in rows(text, COLUMNS):
        words: dict[str, Json] = {
            name: number_of(cell) if name in ("p75", "samples") else cell for name, cell in cells.items()
        }
        try:
            fact = _checked(words, author, known)
        except FactError as error:
            raise FactError(error.reason, line) from None
        except InputError as error:
            raise FactError(str(error), line) from None
        subject = _subject(fact)
        if subject in lines:
            raise FactError(f"{subject}: stands on line {lines[subject]} already; keep one line for each", line)
        lines[subject] = line
        if not _newest(known, fact):
            facts.append(with_id(fact, subject))
    first, more = (facts[0], tuple(facts[1:])) if facts else (None, ())
    return Said(f"{len(lines)} readings", first, notes=(f"{len(facts)} of them new or changed",), more=more)


def number_of(text: str) -> Json:
    """The number that a text is; the text itself where it is none, which a fact then refuses."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > 300:
        return text
    return int(number) if number == number.to_integral_value() else float(number)
