"""Random support calendars and tickets, around changes of the clock, holidays and the edges of openings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model.moments import DAY
from tests.strategies.places import HOUR, MINUTE, Place

TARGETS = ("30m", "2h", "26h", "1bh", "8bh", "12bh", "1bd", "3bd", "next_business_day")
# Each with business days of one length, so that `bd` may be counted in it.
HOURS: tuple[tuple[dict[str, str], str], ...] = (
    ({"mon-fri": "09:00-21:00"}, "mon-fri"),
    ({"mon-sun": "00:00-24:00"}, "mon-fri"),
    ({"mon-sun": "00:00-24:00"}, "sat-sun"),
    ({"mon-fri": "08:00-12:00, 13:30-18:00", "sat": "10:00-14:00"}, "mon-fri"),
    ({"mon-fri": "00:00-06:00, 22:00-24:00"}, "tue,thu"),
    ({"sun-tue": "00:30-03:30"}, "sun-tue"),
    ({"sat,sun": "01:00-02:30, 23:00-24:00"}, "sat-sun"),
    ({"fri-mon": "07:00-21:00", "wed": "11:00-11:01"}, "fri-mon"),
)
PRIORITIES = ("critical", "high", "low")


@st.composite
def desks(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    """A `support` section with a target for each priority and class, and holidays near the place's scenes."""
    hours, business_days = draw(st.sampled_from(HOURS))
    near = [place.day(scene) + timedelta(days=shift) for scene in place.scenes for shift in (-2, -1, 0, 1, 2, 3)]
    holidays: list[date] = draw(st.lists(st.sampled_from(near), max_size=3, unique=True))
    target = st.sampled_from(TARGETS)
    return {
        "hours": hours,
        "business_days": business_days,
        "holidays": holidays,
        "respond_within": {
            priority: {"in_hours": draw(target), "after_hours": draw(target)} for priority in PRIORITIES
        },
        "count": draw(st.sampled_from(("per_ticket", "per_class"))),
    }


@st.composite
def receipts(draw: st.DrawFn, place: Place) -> int:
    """An instant at or near a quarter of an hour, within days of a scene."""
    scene = draw(st.sampled_from(place.scenes))
    quarters = draw(st.integers(-3 * 96, 3 * 96))
    return scene + quarters * HOUR // 4 + draw(st.sampled_from((0, 0, -1, 1, MINUTE, 17_123)))


@st.composite
def tickets(draw: st.DrawFn, place: Place, name: str, anchors: list[int]) -> list[dict[str, Any]]:
    """The facts of one ticket in order of recording, instants in ms. Replies and changes come around `anchors`, which
    are the instants that it may be due at; some replies come before their ticket."""
    received = draw(receipts(place))
    around = st.builds(
        lambda anchor, off: anchor + off, st.sampled_from([received, *anchors]), st.sampled_from((-HOUR, -1, 0, 1, DAY))
    )
    recorded, reply, facts = received, None, list[dict[str, Any]]()
    for number in range(draw(st.integers(1, 4))):
        reply = draw(st.one_of(st.just(reply), around))
        facts.append(
            {
                "ticket": name,
                "customer": draw(st.sampled_from(("acme", "globex"))),
                "priority": draw(st.sampled_from((*PRIORITIES, *PRIORITIES, "unheard-of"))),
                "received_at": received if number == 0 else draw(st.sampled_from((received, received + HOUR))),
                "first_reply_at": reply,
                "recorded_at": recorded,
            }
        )
        recorded = max(recorded + 1, draw(around))
    return facts
