"""What a report says of a span as a whole, for operators: credits, the right to terminate, and of a quarter how it
stands beside the one before."""

from __future__ import annotations

from collections.abc import Sequence

from exporters.report import About, Told
from exporters.report_blocks import Section
from exporters.report_credits import credits_section, review_section, termination_section
from monitor.crediting import Reckoner, is_promised
from monitor.credits_told import told_credits, told_termination
from monitor.errors import InputError
from monitor.facts import Json
from monitor.ledger.period import Month
from monitor.ledger.review import Spans, Statement, review
from monitor.reporting import Asking, Found, told


def about(found: Found, span: str, reckoner: Reckoner, asking: Asking) -> About:
    """What stands above the services and months: of a quarter the review too. Raises StatementDiffersError."""
    months = [*asking.months]
    of_span = _credits(reckoner, months)
    sections = [*map(credits_section, of_span)]
    if of_span:
        sections += termination_section(told_termination(reckoner))
    reviewed = _review(found.told, span, reckoner, asking) if "-Q" in span else None
    if reviewed is not None:
        sections = [review_section(reviewed), *sections]
    return About(span, found.absent, sections, reviewed)


def credit_sections(reckoner: Reckoner, month: Month) -> list[Section]:
    """Those of one month."""
    of_month = _credits(reckoner, [month])
    rights = termination_section(told_termination(reckoner)) if of_month else ()
    return [*map(credits_section, of_month), *rights]


def _credits(reckoner: Reckoner, months: Sequence[Month]) -> list[dict[str, Json]]:
    """Of the months that anybody has credits for."""
    if not reckoner.customers:
        return []
    told_of = [told_credits(reckoner, month) for month in months if is_promised(month, reckoner.terms)]
    return [each for each in told_of if each["credits"]]


def _review(parts: Sequence[Told], span: str, reckoner: Reckoner, asking: Asking) -> dict[str, Json]:
    earlier = [month.shifted(-3) for month in asking.months]
    try:
        before = told(reckoner.facts, reckoner.terms, asking._replace(months=earlier)).told
    except InputError:
        before = []
    statements = Spans(_by_month(parts), _by_month(before))
    credits_told = Spans(_credits(reckoner, asking.months), _credits(reckoner, earlier))
    return {
        "quarter": span,
        "before": f"{earlier[0].year:04d}-Q{(earlier[0].month + 2) // 3}",
        "rows": [row.shown() for row in review(statements, credits_told)],
    }


def _by_month(parts: Sequence[Told]) -> list[Statement]:
    return sorted((part.stated for part in parts), key=lambda stated: str(stated["month"]))
