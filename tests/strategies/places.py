"""Where small worlds play: months with a change of clocks or a leap day, and the moments in them that matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.model.moments import DAY, EPOCH, MS, local_day, month_edges, written

HOUR = DAY // 24
MINUTE = HOUR // 60

# A spring and an autumn change north and south, a half-hour one, zones off the hour, Februaries of 28 and 29 days,
# a first of the month whose midnight comes twice (Havana) and one that has none (Asuncion).
PLACES = (
    ("UTC", "2026-06"),
    ("Europe/London", "2026-03"),
    ("Europe/London", "2026-10"),
    ("Europe/London", "2024-02"),
    ("America/New_York", "2026-03"),
    ("America/New_York", "2026-11"),
    ("Australia/Lord_Howe", "2026-04"),
    ("Australia/Lord_Howe", "2026-10"),
    ("Asia/Kathmandu", "2026-02"),
    ("Asia/Kathmandu", "2028-02"),
    ("America/Havana", "2026-11"),
    ("America/Asuncion", "2023-10"),
)


@dataclass(frozen=True)
class Place:
    """A month in a zone, the grid that its events lie on, and the instants around which they happen."""

    zone: str
    month: str
    step: int
    scenes: tuple[int, ...]

    @property
    def edges(self) -> tuple[int, int]:
        """Start and end of the month."""
        return month_edges(self.month, ZoneInfo(self.zone))

    def day(self, at: int) -> date:
        """The local date at an instant."""
        return local_day(at, ZoneInfo(self.zone))


@cache
def anchors(zone: str, month: str) -> tuple[int, ...]:
    """The instants of a month that matter: an ordinary one, its edges, and its changes of clocks."""
    start, end = month_edges(month, ZoneInfo(zone))
    return (start + 10 * DAY, start, end, *clock_changes(zone, start, end))


def clock_changes(zone: str, start: int, end: int) -> list[int]:
    """The instants within a month at which the offset of a zone changes (all of them are on a half hour)."""
    offsets = {at: (EPOCH + at * MS).astimezone(ZoneInfo(zone)).utcoffset() for at in range(start, end, HOUR // 2)}
    return [at for at in offsets if at - HOUR // 2 in offsets and offsets[at - HOUR // 2] != offsets[at]]


@st.composite
def places(draw: st.DrawFn) -> Place:
    """A month in a zone with a grid of 1, 5 or 15 minutes, where things happen at one or two places in time."""
    zone, month = draw(st.sampled_from(PLACES))
    step = draw(st.sampled_from((5 * MINUTE, MINUTE, 15 * MINUTE)))
    scenes = draw(st.lists(st.sampled_from(anchors(zone, month)), min_size=1, max_size=2, unique=True))
    return Place(zone, month, step, tuple(scenes))


@cache
def moments(place: Place) -> st.SearchStrategy[int]:
    """Instants on the grid around the scenes; one in a dozen a millisecond off it."""
    return st.builds(
        lambda scene, steps, off: scene + steps * place.step + off,
        st.sampled_from(place.scenes),
        st.integers(-12, 12),
        st.sampled_from((0,) * 22 + (-1, 1)),
    )


def in_kathmandu(at: int) -> str:
    """The same instant, spelled with another offset."""
    local = (EPOCH + at * MS).astimezone(ZoneInfo("Asia/Kathmandu"))
    return local.isoformat(timespec="milliseconds")


def spelled(at: int | None) -> str | None:
    """An instant as facts have it."""
    return None if at is None else written(at)
