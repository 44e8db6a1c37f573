"""The evidence of a customer's months in one archive: the final statements, the facts that prove them, and the lines of
the policy that they rest on.

The same store and configuration give the same bytes: nothing in it says when it was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from exporters.credits_text import credits_text, termination_text
from monitor.config import Config
from monitor.config.document import Document
from monitor.config.promised import binding, lines_of
from monitor.crediting import Reckoned, Reckoner
from monitor.credits_told import told_credits, told_termination
from monitor.errors import InputError
from monitor.evidence_text import Shown, readme
from monitor.facts import AnyFact, Fact, Json, Result, canonical_json, canonical_line
from monitor.ledger.closings import Chain
from monitor.ledger.credits import Customer, find_customer
from monitor.ledger.period import Month, format_instant, parse_instant

MOST_MONTHS = 60
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that an archive can name: every member is of then."""
READABLE = 0o644 << 16
UNIX = 3

OTHERS = frozenset({"claim", "closing", "traffic_event", "lifecycle"})
"""Kinds that no statement is computed from: of these only what is about these months, or this customer, is given."""


class File(NamedTuple):
    """The configuration, and where in its file everything stands."""

    config: Config
    document: Document


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose evidence, of which months, both included."""

    customer: str
    first: Month
    last: Month

    def months(self) -> list[Month]:
        """Raises InputError where the last is before the first, or there are too many."""
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        if count < 1:
            raise InputError(f"--to {self.last} is before --from {self.first}")
        if count > MOST_MONTHS:
            raise InputError(f"expected at most {MOST_MONTHS} months; found {count}")
        return [self.first.shifted(place) for place in range(count)]


def evidence(facts: Sequence[AnyFact], reckoner: Reckoner, file: File, asked: Asked) -> bytes:
    """The archive. Raises InputError for a customer who is unknown or was none in these months, and for a month that is
    not closed; StatementDiffersError where a closed month is not what was closed."""
    months = asked.months()
    customer = find_customer(reckoner.customers, asked.customer)
    if not any(customer.is_on_it_in(month) for month in months):
        raise InputError(f"{customer.name} is a customer from {customer.since} on: in none of these months")
    reckoned = [reckoner.month(month) for month in months]
    for each in reckoned:
        _refuse_open(each)
    chains = {place: chain for place, chain in reckoner.chains.items() if place[1] in months}
    kept = [*_kept(facts, reckoner, chains, customer)]
    then = Reckoner(facts, reckoner.terms, reckoner.customers, max(fact.recorded_at for fact in kept))
    return zipped(_files(then, kept, file, (customer, reckoned)))


def _refuse_open(reckoned: Reckoned) -> None:
    """Evidence is what was given away: a draft may still change."""
    closed = [each for each in reckoned.statements if each["revision"]]
    drafts = [each for each in reckoned.statements if not each["revision"] and _was_seen(each)]
    if drafts or not closed:
        names = " ".join(str(each["service"]) for each in drafts or reckoned.statements)
        raise InputError(
            f"{reckoned.month} is not closed for: {names}; close it first with `minutebook close --month"
            f" {reckoned.month}`"
        )


def _was_seen(stated: Mapping[str, Json]) -> bool:
    since = stated["measured_since"]
    return isinstance(since, str) and parse_instant(since) < parse_instant(cast(str, stated["end"]))


def _kept(
    facts: Sequence[AnyFact], reckoner: Reckoner, chains: Mapping[tuple[str, Month], Chain], customer: Customer
) -> Iterator[AnyFact]:
    """What proves these statements, in the order of recording: nothing that was recorded after the last of them but
    the closings themselves and the customer's own claims."""
    checks: set[str] = set()
    newest = 0
    for (service, _), chain in chains.items():
        newest = max(newest, *(closing.as_of for closing in chain))
        for closing in chain:
            terms = reckoner.recorded.terms[closing.terms or ""]
            checks |= {check.name for check in terms.service(service).checks} | set(terms.corroborating[service])
    for fact in facts:
        if isinstance(fact, Result):
            if fact.check in checks and fact.recorded_at <= newest:
                yield fact
        elif fact.kind in OTHERS:
            if fact.recorded_at <= reckoner.as_of and _is_about(fact, chains.keys(), customer):
                yield fact
        elif fact.recorded_at <= newest:
            yield fact


def _is_about(fact: Fact, places: Set[tuple[str, Month]], customer: Customer) -> bool:
    if fact.kind == "closing":
        return (fact.fields["service"], fact.fields["month"]) in {(service, str(month)) for service, month in places}
    months = {str(month) for _, month in places}
    return fact.kind == "claim" and fact.fields["customer"] == customer.name and fact.fields["month"] in months


def _files(
    reckoner: Reckoner, kept: Sequence[AnyFact], file: File, about: tuple[Customer, Sequence[Reckoned]]
) -> dict[str, bytes]:
    customer, reckoned = about
    statements = [stated for each in reckoned for stated in each.statements if stated["revision"]]
    found = [
        told_credits(reckoner, each.month, customer.name)
        for each in reckoned
        if each.policy.credits is not None and customer.is_on_it_in(each.month)
    ]
    right = told_termination(reckoner, customer.name)
    policies = _policies(file, reckoner, reckoned)
    files: dict[str, bytes] = {
        "statements.json": _spelled(statements),
        "facts.jsonl": b"".join(canonical_line(fact) + b"\n" for fact in kept),
        "credits.json": _spelled(found),
        "credits.txt": "".join(f"{credits_text(each)}\n" for each in found).encode(),
        "termination.json": _spelled(right),
        "termination.txt": f"{termination_text(right)}\n".encode(),
        **{f"policies/{name}.txt": text.encode() for name, text in policies.items()},
    }
    shown = Shown(customer, statements, policies, format_instant(reckoner.as_of))
    files["README.txt"] = readme(shown, right, [each.month for each in reckoned]).encode()
    sums = "".join(f"{sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return {**files, "SHA256SUMS": sums.encode()}


def _spelled(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _policies(file: File, reckoner: Reckoner, reckoned: Sequence[Reckoned]) -> dict[str, str]:
    """Each version that a month was closed under: its lines in the file with their numbers, or, where the file says
    something else by now, the version as the facts have it."""
    digests = [policy.digest for policy in reckoner.terms.policies]
    found: dict[str, str] = {}
    for each in reckoned:
        name = str(each.policy.effective_from or "default")
        if name in found:
            continue
        if each.policy.digest in digests and file.config.policies is not None:
            bound = binding(file.config, file.document, each.month)
            lines = lines_of(file.document, ("policies", digests.index(each.policy.digest)))
            told = "\n".join(f"{one.words} ({_where(one.line)})" for one in bound.promised)
            found[name] = f"{told}\n\nThe lines of the file, by their numbers:\n\n{lines}"
        else:
            found[name] = _from_facts(reckoner.facts, each.policy.digest)
    return found


def _where(line: int | None) -> str:
    return "by default" if line is None else f"line {line}"


def _from_facts(facts: Sequence[AnyFact], digest: str) -> str:
    from_terms = (
        policy
        for fact in facts
        if isinstance(fact, Fact) and fact.kind == "terms" and isinstance(fact.fields["terms"], dict)
        for policy in cast("list[Json]", fact.fields["terms"].get("policies", []))
    )
    wanted = next((each for each in from_terms if _digest(each) == digest), None)
    said = "The file says something else by now, or nothing; this is the version as the `terms` facts have it.\n\n"
    return said + json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"


def _digest(policy: Json) -> str:
    return f"sha256:{sha256(canonical_json(policy)).hexdigest()}"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive with the files in order of their names; the same files give the same bytes."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            member = ZipInfo(name, EPOCH)
            member.create_system, member.external_attr, member.compress_type = UNIX, READABLE, ZIP_DEFLATED
            archive.writestr(member, files[name])
    return out.getvalue()
