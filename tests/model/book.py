"""Sections 6 and 7 of accounting.md: the figures of a month, its burn and its exhaustion."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from tests.model.looks import Reading
from tests.model.moments import duration, floored, over, written
from tests.model.world import WINDOWS, Month, World, length, slots_between


class Book:
    """The figures of one service's month: section 6."""

    def __init__(self, world: World, month: Month, cuts: list[int]) -> None:
        self.world, self.month = world, month
        self.slots = slots_between(cuts, month.start, month.end)
        self.seen = [slot for slot in self.slots if slot[0] < world.as_of]
        self.total = month.end - month.start
        self.down, self.excused = self.ms("down"), self.ms("excused")
        self.unknown, self.pending = self.ms("unknown"), self.ms("pending")
        self.base = self.total - self.excused - self.unknown
        promised = floor((1 - month.terms.objective) * self.base)
        cap = month.terms.cap
        self.capped = cap is not None and cap < promised
        self.budget = cap if cap is not None and self.capped else promised
        self.remaining = self.budget - self.down

    def ms(self, account: str, reading: Reading = "measured") -> int:
        """The ms of an account."""
        return length(self.slots, lambda t: self.world.booking(t, reading).account == account)

    def excused_by(self, kind: str) -> int:
        """The excused ms booked to a class."""
        return length(self.slots, lambda t: (grant := self.world.booking(t).grant) is not None and grant.kind == kind)

    def third_party_declared(self, t: int) -> bool:
        """Whether `t` is booked to third parties while no corroborating check of a granted incident is DOWN."""
        booked = self.world.booking(t).grant
        if booked is None or booked.kind != "third_party":
            return False
        ids = {grant.id for grant in self.world.granted(t, "measured") if grant.kind == "third_party"}
        providers = {incident.provider for incident in self.world.excuses.incidents if incident.id in ids}
        return not any(self.world.corroborated(p, t, self.month.terms, "measured") for p in providers)

    def availability(self) -> dict[str, str | None]:
        """The five ratios."""
        world, elapsed = self.world, self.total - self.pending
        windows = length(self.seen, lambda t: bool(world.granted(t, "measured")))
        unknown_outside = length(
            self.seen, lambda t: world.state(t, "measured") == "UNKNOWN" and not world.granted(t, "measured")
        )
        down_l, excused_l = self.ms("down", "longest"), self.ms("excused", "longest")
        down_s, excused_s = self.ms("down", "shortest"), self.ms("excused", "shortest")
        ratios = {
            "published": over(self.down, elapsed - self.excused - self.unknown),
            "gross": over(self.down + self.excused, elapsed - self.unknown),
            "windows_removed": over(self.down, elapsed - unknown_outside - windows),
            "worst": over(down_l + self.unknown, elapsed - excused_l),
            "best": over(down_s, elapsed - excused_s),
        }
        return {name: floored(ratio) for name, ratio in ratios.items()}

    def verdict(self) -> str:
        """Breached, on track, met, or met but unproven."""
        if self.down > self.budget:
            return "breached"
        if self.world.as_of < self.month.end:
            return "on_track"
        return "met" if self.ms("down", "longest") + self.unknown <= self.budget else "met_unproven"


def rate(world: World, cuts: list[int], window: str) -> Fraction:
    """D_w / max(w - E_w - U_w, w/2): section 7."""
    width = duration(window)
    slots = slots_between(cuts, world.as_of - width, world.as_of)
    booked = dict.fromkeys(("up", "down", "excused", "unknown"), 0)
    for start, end in slots:
        booked[world.booking(start).account] += end - start
    return booked["down"] / max(Fraction(width - booked["excused"] - booked["unknown"]), Fraction(width, 2))


def burn(world: World, cuts: list[int]) -> dict[str, str | None]:
    """Burn of every window, against the month that holds `as_of`; null where that has no policy."""
    if world.month_at(world.as_of).policy is None:
        return dict.fromkeys(WINDOWS)
    book = Book(world, world.month_at(world.as_of), cuts)
    if book.base == 0:
        return dict.fromkeys(WINDOWS, floored(Fraction(0)))
    if book.budget == 0:
        return dict.fromkeys(WINDOWS)
    return {w: floored(rate(world, cuts, w) / Fraction(book.budget, book.base)) for w in WINDOWS}


def exhaustion(world: World, cuts: list[int]) -> dict[str, str | None]:
    """When the budget of the month that holds `as_of` would be gone; null where that has no policy."""
    if world.month_at(world.as_of).policy is None:
        return dict.fromkeys(("1h", "6h", "3d"))
    book = Book(world, world.month_at(world.as_of), cuts)
    found: dict[str, str | None] = {}
    for window in ("1h", "6h", "3d"):
        if book.remaining <= 0:
            found[window] = written(world.as_of)
            continue
        speed = rate(world, cuts, window)
        gone = None if speed == 0 else world.as_of + floor(book.remaining / speed)
        found[window] = None if gone is None or gone > book.month.end else written(gone)
    return found
