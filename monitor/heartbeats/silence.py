"""What silence means, for one heartbeat: pure. Instants are UTC ms, and P is every + grace.

A report holds P, whatever becomes of us meanwhile. At an instant that no report holds, the job is missed when we have
listened through the whole P before it and heard nothing; where we were away in that P it is void, because a job that
reported then cannot have been heard. Nothing is said of a check before its first report or its first miss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from monitor.facts import Result

MISSED = "heartbeat_missed"

Away = Literal["self_down", "self_suspended", "self_clock", "self_store", "self_config"]
"""Why we did not listen."""


class Spell(NamedTuple):
    """What is to be recorded of a silence: from when, how long it holds (ms), and the reason of the fail or void."""

    at: int
    hold_ms: int
    reason: str

    @property
    def missed(self) -> bool:
        return self.reason == MISSED


@dataclass(frozen=True, slots=True)
class Silence:
    """One check. `holds` is P; `since` is when we began to listen without a break, and `away` why not before.

    What is recorded newest began at `newest` and holds until `until`; `spoken`: there is any such thing. `missed`: it
    is a miss. `void`: since when all that is recorded is void.
    """

    holds: int
    since: int
    until: int
    newest: int
    spoken: bool = False
    missed: bool = False
    void: int | None = None
    away: Away = "self_down"


def unheard(holds: int, now: int) -> Silence:
    """A check that nobody has heard of: it has one P from now on."""
    return Silence(holds, since=now, until=now + holds, newest=now)


def recorded(silence: Silence, result: Result) -> Silence:
    """After a result was recorded; one that is older than the newest changes nothing."""
    if silence.spoken and result.at <= silence.newest:
        return silence
    hold = silence.holds if result.hold_ms is None else result.hold_ms
    void = None
    if result.outcome == "void":
        void = result.at if silence.void is None else silence.void
    missed = result.reason == MISSED
    return replace(silence, until=result.at + hold, newest=result.at, spoken=True, missed=missed, void=void)


def returned(silence: Silence, gone: int, now: int, away: Away) -> tuple[Silence, Spell | None]:
    """Back at `now`, after we last listened at `gone`. What has ended by now is void, and so is a miss that was to hold
    on from when we went away; nothing holds longer than P from now on, also where the clock was set back."""
    back = replace(silence, since=now, newest=min(silence.newest, now), away=away)
    until = now + silence.holds
    if not silence.spoken:
        return replace(back, until=until), None
    at = max(min(gone, now), silence.newest + 1) if silence.missed else silence.until
    at = min(at, silence.until)
    if at < until and (at <= now or (silence.missed and at < silence.until)):
        return _after(back, Spell(at, until - at, away))
    return replace(back, until=min(silence.until, until)), None


def due(silence: Silence, now: int) -> tuple[Silence, Spell | None]:
    """What is to be recorded at `now` of what has ended by then; asked again until there is nothing."""
    if silence.until > now:
        return silence, None
    listened = silence.since + silence.holds
    if silence.until >= listened:
        return _after(silence, Spell(silence.until, silence.holds, MISSED))
    return _after(silence, Spell(silence.until, listened - silence.until, silence.away))


def left(silence: Silence, now: int) -> Spell | None:
    """What is to be recorded when we go away in order: a miss does not hold while nobody listens."""
    at = max(now, silence.newest + 1)
    return Spell(at, silence.until - at, "self_stop") if silence.missed and silence.until > at else None


def _after(silence: Silence, spell: Spell) -> tuple[Silence, Spell]:
    void = None if spell.missed else spell.at if silence.void is None else silence.void
    until = spell.at + spell.hold_ms
    return replace(silence, until=until, newest=spell.at, spoken=True, missed=spell.missed, void=void), spell
