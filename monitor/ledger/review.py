"""A quarter beside the quarter before, from the statements of both. Pure.

Every row says one thing with its unit: amounts in ms and counts are sums over the months, a ratio is computed from
summed accounts (accounting.md section 6), and what cannot be summed stands month by month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Literal, NamedTuple, cast

from monitor.facts import EXCLUSION_CLASSES, Json
from monitor.ledger.breaches import RESPONSE, VITALS
from monitor.ledger.decimals import decimal

Statement = Mapping[str, Json]
Unit = Literal["ms", "ratio", "count", "text"]


class Row(NamedTuple):
    """One thing of the quarter and of the one before; None: there is nothing to tell."""

    group: str
    item: str
    unit: Unit
    now: Json
    before: Json

    def shown(self) -> dict[str, Json]:
        """As JSON has it."""
        return {"group": self.group, "item": self.item, "unit": self.unit, "now": self.now, "before": self.before}


class Spans(NamedTuple):
    """Something of the quarter, and the same of the one before."""

    now: Sequence[Statement]
    before: Sequence[Statement]


Of = Callable[[Sequence[Statement]], Json]


def review(statements: Spans, credits_told: Spans) -> list[Row]:
    """`statements` are one a service and month, in order of the months; `credits_told` those of the months that have
    any (monitor.credits_told)."""
    return [
        *_availability(statements),
        *_vitals(statements),
        *_responses(statements),
        *_incidents(statements),
        *_exclusions(statements),
        *_credits(credits_told),
        *_terms(statements),
    ]


def _row(group: str, item: str, unit: Unit, of: Of, spans: Spans) -> Row:
    return Row(group, item, unit, *(of(span) if span else None for span in spans))


def _names(spans: Spans, of: Callable[[Statement], Sequence[str]]) -> list[str]:
    """What the statements name, each once, in order."""
    return list(dict.fromkeys(name for span in spans for stated in span for name in of(stated)))


def _of_service(spans: Spans, service: str) -> Spans:
    return Spans(*([stated for stated in span if stated["service"] == service] for span in spans))


# ---------------------------------------------------------------- availability


def _availability(spans: Spans) -> Iterator[Row]:
    group = "availability"
    for service in _names(spans, lambda stated: [cast(str, stated["service"])]):
        own = _of_service(spans, service)
        yield _row(group, f"{service}: published", "ratio", _published, own)
        for item in ("down", "unknown"):
            yield _row(group, f"{service}: {item}", "ms", _summed("accounts_ms", item), own)
        yield _row(group, f"{service}: allowed", "ms", _summed("budget_ms"), own)
        yield _row(group, f"{service}: by month", "text", lambda span: _by_month(span, _verdict), own)


def _published(span: Sequence[Statement]) -> Json:
    excused = sum(_sum(span, "accounts_ms", "excused", name) for name in EXCLUSION_CLASSES)
    counted = _sum(span, "accounts_ms", "month") - excused
    counted -= _sum(span, "accounts_ms", "unknown") + _sum(span, "accounts_ms", "pending")
    return None if counted == 0 else decimal(1 - Fraction(_sum(span, "accounts_ms", "down"), counted))


def _verdict(stated: Statement) -> str:
    return cast(str, stated["verdict"]).replace("_", " ")


def _by_month(span: Sequence[Statement], told: Callable[[Statement], str]) -> str:
    return "; ".join(f"{stated['month']} {told(stated)}" for stated in span)


def _summed(*path: str) -> Of:
    return lambda span: _sum(span, *path)


def _sum(span: Sequence[Statement], *path: str) -> int:
    total = 0
    for stated in span:
        found: Json = dict(stated)
        for name in path:
            found = cast("dict[str, Json]", found)[name]
        total += cast(int, found)
    return total


# ---------------------------------------------------------------- the ledger's commitments


def _ledgers(span: Sequence[Statement], name: str) -> list[Statement]:
    """One row of `commitments` a month, with its month: it stands on every service's statement and counts once."""
    found: dict[str, Statement] = {}
    for stated in span:
        for each in cast("list[Statement]", stated["commitments"]):
            if each["commitment"] == name:
                found.setdefault(cast(str, stated["month"]), {**each, "month": stated["month"]})
    return list(found.values())


def _commitments(stated: Statement) -> list[str]:
    return [cast(str, each["commitment"]) for each in cast("list[Statement]", stated["commitments"])]


def _vitals(spans: Spans) -> Iterator[Row]:
    for name in _names(spans, _commitments):
        if name in VITALS:
            own = Spans(*(_ledgers(span, name) for span in spans))
            yield _row("web vitals", f"{name}: by month", "text", lambda span: _by_month(span, _vital), own)
            yield _row("web vitals", f"{name}: samples", "count", _summed("samples"), own)


def _vital(each: Statement) -> str:
    result = "" if each["result"] is None else f" ({each['result']})"
    return f"{cast(str, each['verdict']).replace('_', ' ')}{result}"


def _responses(spans: Spans) -> Iterator[Row]:
    for name in _names(spans, _commitments):
        if name.startswith(RESPONSE):
            own = Spans(*(_ledgers(span, name) for span in spans))
            for item, state in (("in time", "met"), ("late", "late"), ("waiting", "pending")):
                label = f"{name.removeprefix(RESPONSE)}: {item}"
                yield _row("response times", label, "count", _summed("tickets", state), own)


# ---------------------------------------------------------------- incidents and exclusions


def _incidents(spans: Spans) -> Iterator[Row]:
    for service in _names(spans, lambda stated: [cast(str, stated["service"])]):
        own = _of_service(spans, service)
        yield _row("incidents", f"{service}: outages", "count", lambda span: len(_outages(span)), own)
        yield _row(
            "incidents", f"{service}: time, excused or not", "ms", lambda span: sum(_outages(span).values()), own
        )
        yield _row("incidents", f"{service}: longest", "ms", lambda span: max(_outages(span).values(), default=0), own)


def _outages(span: Sequence[Statement]) -> dict[str, int]:
    """The time of each outage by its id: one that two months share is one."""
    found: dict[str, int] = {}
    for stated in span:
        for each in cast("list[Statement]", stated["outages"]):
            place = cast(str, each["id"])
            found[place] = found.get(place, 0) + cast(int, each["ms"])
    return found


def _exclusions(spans: Spans) -> Iterator[Row]:
    group = "exclusions"
    yield _row(group, "granted", "count", lambda span: len(_ids(span, "exclusions")), spans)
    for name in EXCLUSION_CLASSES:
        yield _row(group, f"granted: {name.replace('_', ' ')}", "ms", _summed("accounts_ms", "excused", name), spans)
    yield _row(group, "refused", "count", lambda span: len(_ids(span, "refused")), spans)
    yield _row(group, "refused: would have excused", "ms", _refused_ms, spans)


def _ids(span: Sequence[Statement], name: str) -> set[tuple[Json, ...]]:
    return {(each["class"], each["id"]) for stated in span for each in cast("list[Statement]", stated[name])}


def _refused_ms(span: Sequence[Statement]) -> int:
    refused = (each for stated in span for each in cast("list[Statement]", stated["refused"]))
    return sum(cast(int, each["would_have_excused_ms"]) for each in refused)


# ---------------------------------------------------------------- credits and terms


def _credits(spans: Spans) -> Iterator[Row]:
    if any(spans):
        yield _row("credits", "breaches", "count", _summed("breaches"), spans)
    for customer in _names(spans, lambda told: [cast(str, each["customer"]) for each in _credited(told)]):
        for item in ("credit", "owed"):
            yield _row("credits", f"{customer}: {item}", "text", partial(_money, customer, item), spans)


def _credited(told: Statement) -> list[Statement]:
    return cast("list[Statement]", told["credits"])


def _money(customer: str, item: str, span: Sequence[Statement]) -> str | None:
    """Month by month: what is granted is taken off the fee of the month after each."""
    found = [(told["month"], each[item]) for told in span for each in _credited(told) if each["customer"] == customer]
    return "; ".join(f"{month} {amount}" for month, amount in found) or None


def _terms(spans: Spans) -> Iterator[Row]:
    group = "terms"
    yield _row(group, "policy effective from", "text", lambda span: _by_month(_once_a_month(span), _effective), spans)
    yield _row(group, "changes within months", "count", lambda span: len(_changes(span)), spans)
    yield _row(group, "what changed", "text", lambda span: "; ".join(_paths(span)) or None, spans)


def _once_a_month(span: Sequence[Statement]) -> list[Statement]:
    return list({cast(str, stated["month"]): stated for stated in span}.values())


def _effective(stated: Statement) -> str:
    found = cast("dict[str, Json]", stated["policy"])["effective_from"]
    return "the default" if found is None else str(found)


def _changes(span: Sequence[Statement]) -> dict[tuple[Json, Json], Statement]:
    """Each change of the terms once: every service's statement lists it."""
    listed = (each for stated in span for each in cast("list[Statement]", stated["terms_changed"]))
    return {(each["recorded_at"], each["digest"]): each for each in listed}


def _paths(span: Sequence[Statement]) -> list[str]:
    changed = (each["changes"] for each in _changes(span).values())
    paths = (cast(str, part["path"]) for parts in changed for part in cast("list[Statement]", parts or []))
    return list(dict.fromkeys(paths))
