"""What a closed statement says of its life, for a terminal: who closed it, what was restated, what came late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from exporters.numbers import duration
from exporters.stated import Statement, Wall, labelled, plain, rows
from monitor.facts import Json


def restatement_lines(stated: Statement, wall: Wall) -> Iterator[str]:
    """Which revision a restated one supersedes, why, with which facts, and what they changed; nothing of another."""
    restatement = stated["restatement"]
    if not isinstance(restatement, dict):
        return
    before = cast(Statement, restatement["supersedes"])
    yield from labelled(
        "restated",
        [
            f"by {_author(restatement, 'author')}: {plain(restatement['reason'])}",
            f"supersedes revision {before['revision']} as of {wall.shown(before['as_of'])}, {plain(before['digest'])}",
            changed_amounts(cast(Statement, restatement["difference"])),
        ],
    )
    yield from _late(restatement, "facts", wall)


def late_lines(beside: Statement, wall: Wall) -> Iterator[str]:
    """Who closed it, and what came since, with what restating would change."""
    closed = [f"{wall.shown(beside['closed_at'])} by {_author(beside, 'author')}"]
    if beside["signature"] is not None:
        closed.append(plain(beside["signature"]))
    yield from labelled("closed", closed)
    effect = beside["effect"]
    if isinstance(effect, dict):
        yield from labelled("late", [f"facts came since, and restating would say: {changed_amounts(effect)}"])
        yield from _late(beside, "late", wall)


def late_text(stated: Statement, beside: Statement) -> str:
    """The same by itself."""
    return "\n".join(late_lines(beside, Wall(plain(stated["timezone"]))))


def changed_amounts(difference: Statement) -> str:
    """`down +1m 00s, up -1m 00s, left -1m 00s, verdict met, now breached`; `nothing changes`."""
    accounts = cast("dict[str, Json]", difference["accounts_ms"])
    excused = cast("dict[str, int]", accounts["excused"])
    amounts = {name: cast(int, accounts[name]) for name in ("down", "up", "unknown")}
    amounts |= {f"excused by {name}": ms for name, ms in excused.items()}
    amounts |= {"allowed": cast(int, difference["budget_ms"]), "left": cast(int, difference["remaining_ms"])}
    told = [f"{name} {_signed(ms)}" for name, ms in amounts.items() if ms]
    verdict = difference["verdict"]
    if isinstance(verdict, list):
        told.append(f"verdict {plain(verdict[0])}, now {plain(verdict[1])}".replace("_", " "))
    bounds = cast("dict[str, int]", difference["bounds_ms"])
    told += [f"{name.replace('_', ' ')} {_signed(ms)}" for name, ms in bounds.items() if ms]
    breaches = cast("dict[str, int]", difference["breaches"])
    told += [f"breaches of {name} {count:+d}" for name, count in breaches.items() if count and name != "availability"]
    return ", ".join([*told, *_vitals(difference)]) or "nothing changes"


def _vitals(difference: Statement) -> Iterator[str]:
    """Where Web Vitals are promised: samples, those that were good, and a verdict that changed."""
    for metric, changed in cast("dict[str, dict[str, Json]]", difference.get("vitals", {})).items():
        yield from (f"{metric} {name} {changed[name]:+d}" for name in ("samples", "good") if changed[name])
        verdict = changed["verdict"]
        if isinstance(verdict, list):
            yield f"{metric} {plain(verdict[0])}, now {plain(verdict[1])}".replace("_", " ")


def _late(holder: Statement, name: str, wall: Wall) -> Iterator[str]:
    for fact in rows(holder, name):
        count = cast(int, fact["count"])
        place = f" from {plain(fact['vantage'])}, {count} looks" if "vantage" in fact else ""
        yield f"  {plain(fact['kind'])} {plain(fact['subject'])}{place}, recorded {wall.shown(fact['recorded_at'])}"
        if isinstance(fact["effect"], dict):
            yield f"    alone: {changed_amounts(cast(Statement, fact['effect']))}"


def _author(holder: Statement, name: str) -> str:
    shown = plain(holder[name])
    return shown if holder[f"{name}_authenticated"] or shown == "minutebook" else f"{shown} (unauthenticated)"


def _signed(ms: int) -> str:
    return f"+{duration(ms)}" if ms > 0 else f"-{duration(-ms)}"
