"""`recorded_at`, as the ledger sets it: now, and 1 ms apart for facts of one subject, in the order given (facts.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.facts import AnyFact, Result, subject


class Stamps:
    """Remembers the newest stamp of each subject, so that facts of one never share a millisecond across batches."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, ...], int] = {}

    def stamp(self, facts: Iterable[AnyFact], now: int) -> list[AnyFact]:
        """The facts as recorded at `now` (UTC ms) or, the second and later ones of a subject, right after."""
        newest = self._newest
        stamped: list[AnyFact] = []
        for fact in facts:
            about = subject(fact)
            recorded_at = newest[about] = max(now, newest.get(about, now - 1) + 1)
            stamped.append(stamped_at(fact, recorded_at))
        return stamped

    def forget_before(self, now: int) -> None:
        """Drops what can no longer push a stamp past `now`."""
        self._newest = {about: stamp for about, stamp in self._newest.items() if stamp >= now}


def stamped_at(fact: AnyFact, recorded_at: int) -> AnyFact:
    """The same fact, recorded at another instant."""
    if isinstance(fact, Result):
        return Result._make((recorded_at, *fact[1:]))
    return replace(fact, recorded_at=recorded_at)
