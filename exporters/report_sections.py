"""The sections of a report about one service and month, each a function of the statement alone.

Sums and differences that show how a figure comes about are made of the statement's own integers; nothing is measured,
booked or rounded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

from exporters import vitals_text
from exporters.numbers import duration, percent, promised
from exporters.report_blocks import Block, Cell, Code, Pairs, Prose, Section, Table, address
from exporters.stated import Statement, Wall, at, ms, plain, ratio_text, rows
from monitor.facts import EXCLUSION_CLASSES, Json

AMOUNT = frozenset({1})


def accounts(stated: Statement) -> Section:
    """Every instant in one account, and how the budget comes of them."""
    excused = {name: ms(stated, "accounts_ms", "excused", name) for name in EXCLUSION_CLASSES}
    all_excused = sum(excused.values())
    month, unknown = ms(stated, "accounts_ms", "month"), ms(stated, "accounts_ms", "unknown")
    booked: list[tuple[Cell, ...]] = [
        ("up", duration(ms(stated, "accounts_ms", "up")), ""),
        ("+ down", duration(ms(stated, "accounts_ms", "down")), ""),
        *((f"+ excused: {name.replace('_', ' ')}", duration(amount), "") for name, amount in excused.items() if amount),
        ("+ unknown", duration(unknown), _hidden(stated)),
        ("+ pending", duration(ms(stated, "accounts_ms", "pending")), "still to come"),
        ("= month", duration(month), ""),
    ]
    if not all_excused:
        booked.insert(2, ("+ excused", duration(0), ""))
    missed = 1 - Fraction(ratio_text(stated, "objective") or "0")
    base, budget, down = ms(stated, "base_ms"), ms(stated, "budget_ms"), ms(stated, "accounts_ms", "down")
    objective = promised(1 - missed)
    allowed: list[tuple[Cell, ...]] = [
        ("month", duration(month), ""),
        ("- excused", duration(all_excused), "what was excused earns no budget"),
        ("- unknown", duration(unknown), "what was not measured earns none either"),
        ("= base", duration(base), ""),
        ("x (1 - objective)", duration(int(missed * base)), f"the objective is {objective}"),
        ("= allowed", duration(budget), _binds(stated)),
        ("- down", duration(down), ""),
        ("= left", duration(ms(stated, "remaining_ms")), "" if budget >= down else "overspent"),
    ]
    head = ("account", "time", "")
    return Section(
        "Accounts",
        [
            Prose("Every millisecond of the month is booked to exactly one account, and they add up to it."),
            Table("The accounts of the month", head, booked, AMOUNT),
            Table("From the month to what is left of the budget", ("step", "time", ""), allowed, AMOUNT),
        ],
    )


def _hidden(stated: Statement) -> str:
    hidden = ms(stated, "unknown_inside_outage_ms")
    return f"of it {duration(hidden)} inside outages" if hidden else ""


def _binds(stated: Statement) -> str:
    if stated["budget_bound_by"] == "downtime_cap":
        return "the cap on downtime binds: it is stricter than the objective"
    return "the objective binds"


def availability(stated: Statement) -> Section:
    """The five readings side by side, and the bounds behind the last two."""
    shares = {name: percent(ratio_text(stated, "availability", name)) for name in _names(stated, "availability")}
    bounds = {name: duration(ms(stated, "bounds_ms", name)) for name in _names(stated, "bounds_ms")}
    table = Table(
        "Availability, five ways",
        ("reading", "availability", "how"),
        [
            ("published", shares["published"], "1 - down / (month - pending - excused - unknown)"),
            ("gross", shares["gross"], "1 - (down + excused) / (month - pending - unknown): as a user saw it"),
            ("windows removed", shares["windows_removed"], "every granted window taken out, up or down"),
            ("worst", shares["worst"], "1 - (longest down + unknown) / (month - pending - longest excused)"),
            ("best", shares["best"], "1 - shortest down / (month - pending - shortest excused)"),
        ],
        AMOUNT,
    )
    spread = Table(
        "Shortest and longest",
        ("", "shortest reading", "longest reading"),
        [
            ("down", bounds["down_shortest"], bounds["down_longest"]),
            ("excused", bounds["excused_shortest"], bounds["excused_longest"]),
        ],
        frozenset({1, 2}),
    )
    return Section("Availability", [table, spread, Prose("The truth lies between worst and best.")])


def outages(stated: Statement, wall: Wall) -> Section:
    """Each with what was measured, its bounds, what failed, and to what it is booked."""
    found = rows(stated, "outages")
    if not found:
        return Section("Outages", [Prose("None.")])
    return Section("Outages", [_outage(outage, wall) for outage in found])


def _outage(outage: Statement, wall: Wall) -> Section:
    ended = "still down" if outage["ongoing"] else wall.dated(outage["end"])
    pairs: list[tuple[str, Cell]] = [
        ("start", wall.dated(outage["start"])),
        ("end", ended),
        ("measured", duration(ms(outage, "ms"))),
        ("shortest", duration(ms(outage, "shortest_ms"))),
        ("longest", duration(ms(outage, "longest_ms"))),
    ]
    reasons = ", ".join(f"{plain(name)} {at(outage, 'reasons', name)}x" for name in _names(outage, "reasons"))
    if reasons:
        pairs.append(("reasons", reasons))
    vantages = cast("list[str]", outage["vantages"])
    if vantages:
        pairs.append(("seen from", ", ".join(map(plain, vantages))))
    for label, name in (("first failing result", "first_fail"), ("last failing result", "last_fail")):
        if isinstance(outage[name], dict):
            pairs.append((label, _fail(cast(Statement, outage[name]), wall)))
    slices: list[tuple[Cell, ...]] = [
        (wall.dated(piece["start"]), wall.dated(piece["end"]), plain(piece["account"]), _granted(piece))
        for piece in rows(outage, "slices")
    ]
    return Section(
        plain(outage["id"]),
        [Pairs(pairs), Table("Booked to", ("from", "to", "account", "by"), slices)],
    )


def _fail(result: Statement, wall: Wall) -> str:
    said = [wall.dated(result["at"]), f"from {plain(result['vantage'])}"]
    if result.get("check") is not None:
        said.append(f"check {plain(result['check'])}")
    said.append(plain(result["reason"]))
    if result["ip"] is not None:
        said.append(f"address {plain(result['ip'])}")
    if result["status"] is not None:
        said.append(f"status {plain(result['status'])}")
    phases = result["phases_ms"]
    if isinstance(phases, dict) and phases:
        said.append("phases " + " ".join(f"{plain(name)} {plain(took)} ms" for name, took in phases.items()))
    return ", ".join(said)


def _granted(piece: Statement) -> str:
    if piece["exclusion"] is None:
        return ""
    also = cast("list[str]", piece["also"])
    more = f"; also {', '.join(map(plain, also))}" if also else ""
    return f"{words(piece['class'])} {plain(piece['exclusion'])}{more}"


def exclusions(stated: Statement, wall: Wall) -> Section:
    """What excused, on whose word, announced when, and how much of what was asked."""
    granted = rows(stated, "exclusions")
    blocks: list[Block] = [_exclusion(exclusion, wall) for exclusion in granted]
    declared = ms(stated, "third_party_ms", "declared")
    if declared:
        blocks.append(Prose(f"Of the time excused for third parties {duration(declared)} rest on declaration alone."))
    checks: list[tuple[Cell, ...]] = [
        (plain(check["check"]), percent(ratio_text(check, "availability"))) for check in rows(stated, "corroborators")
    ]
    if checks:
        blocks.append(Table("Corroborating checks and their own availability", ("check", "available"), checks, AMOUNT))
    return Section("Excused", blocks or [Prose("Nothing was excused.")])


def _exclusion(exclusion: Statement, wall: Wall) -> Section:
    asked = f"{duration(ms(exclusion, 'granted_ms'))} of {duration(ms(exclusion, 'requested_ms'))} requested"
    pairs: list[tuple[str, Cell]] = [
        ("window", f"{wall.dated(exclusion['start'])} to {wall.dated(exclusion['end'])}"),
        ("granted", asked),
    ]
    pairs += [(name, address(exclusion[name])) for name in ("source", "url") if exclusion[name] is not None]
    if exclusion["announced_at"] is not None:
        pairs.append(("announced", wall.dated(exclusion["announced_at"])))
    if isinstance(exclusion["notice_ms"], int):
        pairs.append(("notice", duration(exclusion["notice_ms"])))
    for name in ("author", "approver"):
        if exclusion[name] is not None:
            typed = "" if exclusion.get(f"{name}_authenticated") is True else " (typed, not authenticated)"
            pairs.append((name, plain(exclusion[name]) + typed))
    said = ("reason", "evidence")
    pairs += [(name, address(exclusion[name])) for name in said if exclusion.get(name) is not None]
    blocks: list[Block] = [Pairs(pairs)]
    revisions: list[tuple[Cell, ...]] = [
        tuple(wall.dated(revision[name]) for name in ("recorded_at", "announced_at", "start", "end"))
        for revision in rows(exclusion, "revisions")
    ]
    if revisions:
        blocks.append(Table("Revisions", ("recorded", "says announced", "from", "to"), revisions))
    return Section(f"{words(exclusion['class'])} {plain(exclusion['id'])}", blocks)


WHY = {
    "notice_too_short": "announced too late",
    "overrun": "it went on after the announced end",
    "moved": "moved with too little notice",
    "cancelled": "it was cancelled",
    "emergency": "an emergency is never excused",
    "not_corroborated": "no check of ours saw it",
    "below_severity": "not severe enough",
    "not_approved": "nobody approved it",
    "revoked": "it was revoked",
    "not_in_policy": "the policy does not name this provider",
    "too_long": "longer than the policy allows",
}
"""Every `why` of contracts/statement.md in words."""


def refused(stated: Statement, wall: Wall) -> Section:
    """What was claimed and not granted."""
    claims: list[tuple[Cell, ...]] = [
        (
            f"{words(claim['class'])} {plain(claim['id'])}",
            f"{plain(claim['why'])}: {WHY[plain(claim['why'])]}" if claim["why"] in WHY else plain(claim["why"]),
            wall.dated(claim["start"]),
            wall.dated(claim["end"]),
            duration(ms(claim, "would_have_excused_ms")),
        )
        for claim in rows(stated, "refused")
    ]
    if not claims:
        return Section("Refused", [Prose("Nothing was refused.")])
    head = ("claim", "why", "from", "to", "would have excused")
    return Section("Refused", [Table("Claimed and not granted", head, claims, frozenset({4}))])


def coverage(stated: Statement, wall: Wall) -> Section:
    """Who looked, how much of the time, and why not in between; blips and lulls."""
    vantages: list[tuple[Cell, ...]] = []
    gaps: list[tuple[Cell, ...]] = []
    for vantage in rows(stated, "vantages"):
        name = f"{plain(vantage['check'])} from {plain(vantage['vantage'])}"
        holes = rows(vantage, "gaps")
        vantages.append(
            (
                name,
                plain(vantage["owner"]),
                percent(ratio_text(vantage, "coverage")),
                str(len(holes)),
                duration(ms(vantage, "disagreement_ms")),
            )
        )
        gaps += [(name, wall.dated(gap["start"]), wall.dated(gap["end"]), plain(gap["reason"])) for gap in holes]
    blocks: list[Block] = []
    if vantages:
        head = ("check and vantage", "owner", "coverage", "gaps", "disagreed")
        blocks.append(Table("Coverage by check and vantage", head, vantages, frozenset({2, 3, 4})))
    if gaps:
        blocks.append(Table("Gaps and their causes", ("check and vantage", "from", "to", "cause"), gaps))
    runs: list[tuple[Cell, ...]] = [
        (label, str(ms(stated, name, "count")), duration(ms(stated, name, "ms")), meaning)
        for label, name, meaning in (
            ("blips", "blips", "fails too few to be an outage: booked as up"),
            ("lulls", "lulls", "passes too few to end an outage: booked as down"),
        )
    ]
    blocks.append(Table("Short runs", ("kind", "count", "time", "what it is"), runs, frozenset({1, 2})))
    return Section("Coverage", blocks)


def commitments(stated: Statement, wall: Wall) -> Iterator[Section]:
    """What else was promised, where the statement has anything on it: Web Vitals and response times."""
    yield from vitals_text.section(stated)
    promised = [each for each in rows(stated, "commitments") if str(each["commitment"]).startswith("response:")]
    table: list[tuple[Cell, ...]] = [
        tuple(plain(each.get(name)) for name in ("commitment", "target", "result", "verdict", "breaches"))
        for each in promised
    ]
    if table:
        head = ("commitment", "target", "result", "verdict", "breaches")
        yield Section("Other commitments", [Table("Response times by priority", head, table)])
    tickets: list[tuple[Cell, ...]] = [
        (
            plain(each["ticket"]),
            plain(each["priority"]),
            words(each["class"]),
            wall.dated(each["due"]),
            plain(each["state"]),
        )
        for each in rows(stated, "tickets")
    ]
    if tickets:
        yield Section("Tickets", [Table("Response times", ("ticket", "priority", "class", "due", "state"), tickets)])


def method() -> Section:
    """How it is measured and what it cannot know, in plain words."""
    return Section(
        "Method and error",
        [
            Prose(
                "Each check looks at the service at fixed instants. A look holds until the next one, or until its hold"
                " ends; after that the time is unknown, never up. An outage begins with the first failing look of a run"
                " long enough to count and ends with the first passing one; looks taken to confirm move neither edge."
            ),
            Prose(
                "Between two looks nobody looked, so an outage may have begun, and may have ended, up to one interval"
                " earlier than shown. Shortest and longest say how far: from the first failing look to the"
                " last one, and from the last passing look to the first passing one. The verdict is only called proved"
                " where even the longest reading and all unknown time fit the budget."
            ),
            Prose(
                "What goes wrong on our own side is booked as unknown and earns no budget. Only time that was down can"
                " be excused. Percentages are cut, never rounded up; times are exact to the millisecond."
            ),
        ],
    )


def integrity(stated: Statement) -> Section:
    """The digests, and how anybody checks them."""
    head = at(stated, "facts", "head")
    pairs: list[tuple[str, Cell]] = [
        ("statement", plain(stated["digest"])),
        ("facts", f"{at(stated, 'facts', 'count')}, {plain(at(stated, 'facts', 'digest'))}"),
        ("chain head", plain(head) if head is not None else "none: a draft is not closed on the chain"),
        ("policy", plain(at(stated, "policy", "digest"))),
        ("terms", plain(at(stated, "terms", "digest"))),
        ("time zones", f"{plain(stated['timezone'])}, tzdata {plain(stated['tzdata'])}"),
    ]
    month, as_of = plain(stated["month"]), plain(stated["as_of"])
    lines = [
        "minutebook export -o facts.jsonl",
        f"minutebook replay -c minutebook.yaml --facts facts.jsonl --month {month} --as-of {as_of} --format json"
        if stated["status"] == "draft"
        else "minutebook verify REPORT.json --facts facts.jsonl",
    ]
    said = Prose(
        "Anybody who has the facts computes the same statement, digest included, without the store, a network or a"
        " clock; the statement itself is this report as JSON:"
    )
    return Section("Integrity", [Pairs(pairs), said, Code(lines)])


def words(code: Json) -> str:
    return plain(code).replace("_", " ")


def _names(stated: Statement, field: str) -> list[str]:
    found = stated[field]
    return list(found) if isinstance(found, dict) else []
