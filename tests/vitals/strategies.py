"""Reports of pages: repeated, out of order, at equal instants, around midnights, at and beside the limits."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.vitals.model import Said

VALUES = {
    "LCP": ("0", "0.001", "1800.5", "2499.9", "2500", "2500.1", "2543", "4000", "4000.0001", "9000", "600000"),
    "INP": ("0", "8", "16", "199.9", "200", "200.1", "208", "500", "501", "300000"),
    "CLS": ("0", "0.0000001", "0.05", "0.0999", "0.1", "0.10000001", "0.1001", "0.25", "0.2501", "2.8", "100"),
}
JUNE = 1_780_268_400_000  # 2026-05-31T23:00:00Z: midnight in London
STEP = 6 * 3_600_000
ZONES = tuple(ZoneInfo(key) for key in ("UTC", "Europe/London", "Asia/Kathmandu", "America/Los_Angeles"))


@st.composite
def reports(draw: st.DrawFn, ids: int = 8) -> Said:
    metric = draw(st.sampled_from(("LCP", "INP", "CLS")))
    steps, off = draw(st.integers(-8, 8)), draw(st.sampled_from((-1, 0, 0, 1, 12_345)))
    return Said(
        metric=metric,
        metric_id=f"v{draw(st.integers(1, ids))}",
        value=draw(st.sampled_from(VALUES[metric])),
        at=JUNE + steps * STEP + off,
        country=draw(st.sampled_from((None, "GB", "DE", "US"))),
    )


def logs(ids: int = 8) -> st.SearchStrategy[list[Said]]:
    """In order of recording."""
    return st.lists(reports(ids), max_size=40)
