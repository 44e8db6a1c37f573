"""Which looks of sealed days a statement can do without, told from the seals: those amid a day of passes alone.

It is as if they had gone (seals.py, `may_go`), so a statement says the same, which a property test holds. So a month of
raw results, which `raw_retention` keeps, is not read for a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.facts.seals import Quiet, Seal
from monitor.ledger.period import DAY
from monitor.ledger.seals import NEAR, Pin


def quiet_days(seals: Iterable[Seal], pins: Sequence[Pin], as_of: int) -> list[Quiet]:
    """Of statements as of `as_of`, and of every closing in `pins`. Near the ends of a stretch looks are read, whatever
    the days beside it were."""
    found: list[Quiet] = []
    for seal in seals:
        if seal.recorded_at > as_of or seal.rest is not None or len(seal.stretches) != 1:
            continue
        [stretch] = seal.stretches
        place = (seal.check, seal.vantage, seal.start, seal.as_of)
        quiet = Quiet(*place, stretch, stretch.first + NEAR, stretch.last - NEAR)
        if stretch.passes == seal.size and quiet.after < quiet.before and not any(_rests_on(pin, seal) for pin in pins):
            found.append(quiet)
    return found


def _rests_on(pin: Pin, seal: Seal) -> bool:
    """Whether a closing consulted looks of the day one by one, or late ones may be about its month."""
    if seal.start <= pin.end < seal.start + DAY:
        return True
    return pin.as_of < seal.recorded_at and (seal.start <= pin.as_of or seal.start < pin.end)
