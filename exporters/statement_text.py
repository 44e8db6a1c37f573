"""A statement for a terminal: the verdict first, then how it comes about, to the millisecond and with the arithmetic.

Amounts are exact; percentages are cut, never rounded (accounting.md section 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from exporters.numbers import duration, percent, promised
from exporters.responses_text import response_lines
from exporters.revision_text import late_lines, restatement_lines
from exporters.stated import Statement, Wall, at, labelled, late_policies, ms, plain, ratio_text, rows
from exporters.vitals_text import vital_lines

SHOWN_LETTERS = 60
"""Of a value that was changed in the terms; JSON and CSV have it whole."""
_CLASSES = ("maintenance", "third_party", "force_majeure", "customer", "connectivity")
_BY_PERSON = _CLASSES[2:]  # said afterwards, so the page says when


def statement_text(stated: Statement, beside: Statement | None = None) -> str:
    """The lines, without a last line end. `stated` is a statement as contracts/statement.md has it, `beside` what
    stands beside it where it is closed: who closed it, and what came late."""
    wall = Wall(plain(stated["timezone"]))
    blocks = (
        _head(stated, wall),
        _promise(stated),
        _availability(stated),
        _accounts(stated),
        _seen(stated, wall),
        _outages(stated, wall),
        _exclusions(stated, wall),
        _refused(stated, wall),
        vital_lines(stated),
        response_lines(stated, wall),
        _changes(stated, wall),
        restatement_lines(stated, wall),
        _proof(stated),
        late_lines(beside, wall) if beside is not None else (),
    )
    return "\n".join(line for block in blocks for line in block)


def _head(stated: Statement, wall: Wall) -> Iterator[str]:
    since = stated["measured_since"]
    measured = f"measured since {wall.shown(since)}" if since is not None else "not measured yet"
    yield f"{plain(stated['service'])} {plain(stated['month'])}: {measured} ({plain(stated['timezone'])})"
    revision = f", revision {stated['revision']}" if stated["revision"] else ""
    effective = at(stated, "policy", "effective_from")
    policy = f"policy effective from {plain(effective)}" if effective is not None else "the default policy"
    yield f"{plain(stated['status'])}{revision}, as of {wall.shown(stated['as_of'])}, {policy}"
    yield from late_policies(stated)
    yield ""


def _promise(stated: Statement) -> Iterator[str]:
    yield from labelled("verdict", [_verdict(stated)])
    yield from labelled("allowed", _allowed(stated))
    burned = ratio_text(stated, "burned")
    yield from labelled("burned", [f"{percent(burned)} of what is allowed" if burned else "- (nothing is allowed)"])
    rates = [f"{window} {_times(at(stated, 'burn', window))}" for window in _names(stated, "burn")]
    yield from labelled("burn rate", [", ".join(rates)])
    yield ""


def _verdict(stated: Statement) -> str:
    down, budget, remaining = ms(stated, "accounts_ms", "down"), ms(stated, "budget_ms"), ms(stated, "remaining_ms")
    used = f"{duration(down)} down of {duration(budget)} allowed"
    left = f"{duration(remaining)} left" if remaining >= 0 else f"{duration(-remaining)} too much"
    verdict = plain(stated["verdict"]).replace("_", " ")
    if stated["verdict"] == "met_unproven":
        worst = ms(stated, "bounds_ms", "down_longest") + ms(stated, "accounts_ms", "unknown")
        return f"{verdict}: {used}, {left}; but with what nobody saw it may have been {duration(worst)}"
    return f"{verdict}: {used}, {left}"


def _allowed(stated: Statement) -> Iterator[str]:
    objective, base = ratio_text(stated, "objective") or "0", ms(stated, "base_ms")
    missed = 1 - Fraction(objective)
    by_objective = int(missed * base)
    arithmetic = f"{promised(missed)} of {duration(base)} = {duration(by_objective)}"
    if stated["budget_bound_by"] == "downtime_cap":
        yield f"{duration(ms(stated, 'budget_ms'))}: the cap on downtime binds, it is stricter than the objective"
        yield f"(objective {promised(objective)}: {arithmetic})"
    else:
        yield f"{duration(ms(stated, 'budget_ms'))}: the objective binds"
        yield f"(objective {promised(objective)}: {arithmetic}; the month less excused and unknown time)"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _times(rate: object) -> str:
    """A burn rate cut to two digits: `1.23x`."""
    if not isinstance(rate, str):
        return "-"
    whole, _, digits = rate.partition(".")
    return f"{whole}.{digits[:2]}x"


def _availability(stated: Statement) -> Iterator[str]:
    shares = {name: percent(ratio_text(stated, "availability", name)) for name in _names(stated, "availability")}
    yield from labelled(
        "available",
        [
            f"{shares['published']:>10}  published: 1 - down / (month - pending - excused - unknown)",
            f"{shares['gross']:>10}  as a user saw it: 1 - (down + excused) / (month - pending - unknown)",
            f"{shares['windows_removed']:>10}  with every granted window taken out",
            f"{shares['worst']:>10}  at worst, {shares['best']} at best: the truth lies between",
        ],
    )
    shortest, longest = ms(stated, "bounds_ms", "down_shortest"), ms(stated, "bounds_ms", "down_longest")
    yield from labelled("down", [f"between {duration(shortest)} and {duration(longest)}"])
    shortest, longest = ms(stated, "bounds_ms", "excused_shortest"), ms(stated, "bounds_ms", "excused_longest")
    yield from labelled(
        "excused", [f"between {duration(min(shortest, longest))} and {duration(max(shortest, longest))}"]
    )
    yield ""


def _accounts(stated: Statement) -> Iterator[str]:
    excused = {name: ms(stated, "accounts_ms", "excused", name) for name in _CLASSES}
    declared = ms(stated, "third_party_ms", "declared")
    classes = ", ".join(f"{name} {duration(amount)}" for name, amount in excused.items() if amount)
    if declared:
        classes += f" (of it {duration(declared)} on declaration alone)"
    amounts = [
        ("  up", ms(stated, "accounts_ms", "up"), ""),
        ("+ down", ms(stated, "accounts_ms", "down"), ""),
        ("+ excused", sum(excused.values()), classes),
        ("+ unknown", ms(stated, "accounts_ms", "unknown"), _hidden(stated)),
        ("+ pending", ms(stated, "accounts_ms", "pending"), ""),
        ("= month", ms(stated, "accounts_ms", "month"), ""),
    ]
    yield from labelled("accounts", [f"{name:<10}{duration(amount):>18}  {note}" for name, amount, note in amounts])
    yield ""


def _hidden(stated: Statement) -> str:
    hidden = ms(stated, "unknown_inside_outage_ms")
    return f"of it {duration(hidden)} inside outages" if hidden else ""


def _seen(stated: Statement, wall: Wall) -> Iterator[str]:
    yield from labelled("coverage", [f"{percent(ratio_text(stated, 'coverage'))} of the time so far was seen"])
    for vantage in rows(stated, "vantages"):
        gaps = rows(vantage, "gaps")
        yield f"  {plain(vantage['check'])} from {plain(vantage['vantage'])} ({plain(vantage['owner'])}): " + (
            f"{percent(ratio_text(vantage, 'coverage'))}, {_count(len(gaps), 'gap')},"
            f" disagreed for {duration(ms(vantage, 'disagreement_ms'))}"
        )
        for gap in gaps:
            yield f"    {wall.shown(gap['start'])} to {wall.shown(gap['end'])}  {plain(gap['reason'])}"
    for witness in rows(stated, "corroborators"):
        itself = percent(ratio_text(witness, "availability"))
        yield f"  {plain(witness['check'])} corroborates; itself available {itself}"
    for name in ("blips", "lulls"):
        if ms(stated, name, "count"):
            yield f"  {_count(ms(stated, name, 'count'), name[:-1])}, {duration(ms(stated, name, 'ms'))}"
    yield ""


def _outages(stated: Statement, wall: Wall) -> Iterator[str]:
    outages = rows(stated, "outages")
    yield from labelled("outages", [str(len(outages)) if outages else "none"])
    for outage in outages:
        yield from _outage(outage, wall)
    yield ""


def _outage(outage: Statement, wall: Wall) -> Iterator[str]:
    end = "and still down" if outage["ongoing"] else f"to {wall.shown(outage['end'])}"
    yield f"  {wall.shown(outage['start'])} {end}  {duration(ms(outage, 'ms'))}" + (
        f" (between {duration(ms(outage, 'shortest_ms'))} and {duration(ms(outage, 'longest_ms'))})"
    )
    reasons = ", ".join(f"{plain(name)} {at(outage, 'reasons', name)}x" for name in _names(outage, "reasons"))
    if reasons:
        yield f"    {reasons}"
    for piece in rows(outage, "slices"):
        booked = plain(piece["account"])
        if piece["exclusion"] is not None:
            booked += f" ({plain(piece['class'])} {plain(piece['exclusion'])})"
        yield f"    {wall.shown(piece['start'])} to {wall.shown(piece['end'])}  {booked}"


def _exclusions(stated: Statement, wall: Wall) -> Iterator[str]:
    exclusions = rows(stated, "exclusions")
    yield from labelled("excluded", [str(len(exclusions)) if exclusions else "none"])
    for exclusion in exclusions:
        notice = exclusion["notice_ms"]
        told = f", notice {duration(notice)}" if isinstance(notice, int) else ""
        yield f"  {plain(exclusion['class'])} {plain(exclusion['id'])}: {duration(ms(exclusion, 'granted_ms'))} of" + (
            f" {duration(ms(exclusion, 'requested_ms'))} asked for{told}"
        )
        yield f"    {wall.shown(exclusion['start'])} to {wall.shown(exclusion['end'])}"
        if exclusion["class"] in _BY_PERSON:
            yield f"    declared {wall.shown(exclusion['announced_at'])}"
        for name in ("source", "url", "author", "approver", "reason", "evidence"):
            if exclusion.get(name) is not None:
                typed = " (unauthenticated)" if exclusion.get(f"{name}_authenticated") is False else ""
                yield f"    {name} {plain(exclusion[name])}{typed}"
    yield ""


def _refused(stated: Statement, wall: Wall) -> Iterator[str]:
    refused = rows(stated, "refused")
    yield from labelled("refused", [str(len(refused)) if refused else "none"])
    for claim in refused:
        would = duration(ms(claim, "would_have_excused_ms"))
        why = plain(claim["why"]).replace("_", " ")
        yield f"  {plain(claim['class'])} {plain(claim['id'])}: {why}; it would have excused {would}"
        yield f"    {wall.shown(claim['start'])} to {wall.shown(claim['end'])}"
    yield ""


def _changes(stated: Statement, wall: Wall) -> Iterator[str]:
    """The terms were changed within the month: that must show (accounting.md section 9)."""
    for change in rows(stated, "terms_changed"):
        yield from labelled("changed", [f"the terms, {wall.shown(change['recorded_at'])}: {plain(change['digest'])}"])
        for part in rows(change, "changes") if change.get("changes") is not None else ():
            yield f"  {plain(part['path'])}: {_cut(plain(part['before']))}, now {_cut(plain(part['after']))}"
        under = change["under_before"]
        if isinstance(under, dict):
            down, allowed = duration(ms(under, "accounts_ms", "down")), duration(ms(under, "budget_ms"))
            yield f"  under the terms before: {plain(under['verdict'])}, {down} down of {allowed} allowed"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."


def _proof(stated: Statement) -> Iterator[str]:
    yield from labelled("facts", [f"{at(stated, 'facts', 'count')}, {plain(at(stated, 'facts', 'digest'))}"])
    if at(stated, "facts", "head") is not None:
        yield from labelled("chain", [plain(at(stated, "facts", "head"))])
    yield from labelled("digest", [plain(stated["digest"])])


def _names(stated: Statement, field: str) -> list[str]:
    found = stated[field]
    return list(found) if isinstance(found, dict) else []
