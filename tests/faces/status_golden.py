"""What the golden files of the status page are made of: two services with a little of everything.

`python -m tests.faces.status_golden` writes them anew, to be read before they are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from exporters.badge import badge
from exporters.feed import feed
from exporters.status import Seen, status
from exporters.status_page import render
from monitor.facts import Json
from monitor.ledger.period import DAY, HOUR, MINUTE, Period, format_instant
from monitor.ledger.snapshot import Day, OpenIncident, PastMonth, Recent, ServiceView
from tests.faces.samples import AS_OF, MARCH, figures, newest, result, snapshot, view, with_maintenance

GOLDEN = Path(__file__).resolve().parent / "golden"

CHAIN: Mapping[str, Json] = {
    "head": "sha256:" + "ab" * 32,
    "facts": 1729,
    "published_at": format_instant(AS_OF - 12 * HOUR),
    "occasion": "midnight",
}


def _app() -> ServiceView:
    shown = with_maintenance(view("app"))
    days = (
        Day("2026-03-18", up=DAY),
        Day("2026-03-19", down=61_234, excused=5 * MINUTE, unknown=MINUTE, up=DAY - 6 * MINUTE - 61_234),
        Day("2026-03-20", up=12 * HOUR, pending=12 * HOUR),
    )
    outage = Period(AS_OF - DAY, AS_OF - DAY + 61_234)
    return replace(shown, recent=lambda: Recent(days, (outage,), with_maintenance(view("app")).recent().announced))


def _february() -> PastMonth:
    stated: dict[str, Any] = {
        "verdict": "breached",
        "availability": {"published": "0.998512345"},
        "objective": "0.999000000",
        "coverage": "1.000000000",
        "accounts_ms": {"down": HOUR, "unknown": 0, "excused": {"maintenance": 5 * MINUTE}},
        "budget_ms": 40 * MINUTE,
        "remaining_ms": -20 * MINUTE,
        "digest": "sha256:" + "cd" * 32,
        "outages": [],
    }
    days = (Day("2026-02-27", excused=5 * MINUTE, up=DAY - 5 * MINUTE), Day("2026-02-28", down=HOUR, up=23 * HOUR))
    return PastMonth("app", MARCH.shifted(-1), stated, days, AS_OF - 10 * DAY, 2)


def told() -> dict[str, Json]:
    """`/status.json` for whoever may read everything."""
    jobs = view("jobs", replace(figures("jobs"), remaining=-90_500, verdict="breached"), up=False, public=False)
    looks = (newest(result("nightly", outcome="fail", reason="missed"), "jobs"),)
    incident = OpenIncident("cloudflare", "i9", {"CDN": 3}, AS_OF - HOUR, frozenset({"app"}), "Slow", "https://a.b/i9")
    of = replace(
        snapshot(_app(), jobs, looks=looks),
        incidents=(incident,),
        closed={("app", "2026-02"): 2, ("app", "2026-01"): 1},
    )
    past = _february()
    return status(Seen(of, {("app", past.month): past}, CHAIN), everything=True)


def _service(name: str) -> Mapping[str, Any]:
    services: Any = told()["services"]
    return next(each for each in services if each["service"] == name)


RENDERED: Mapping[str, Callable[[], str]] = {
    "status.html": lambda: render(told(), "0123456789abcdef", 0),
    "status.json": lambda: json.dumps(told(), indent=2, ensure_ascii=False) + "\n",
    "feed.atom": lambda: feed(told(), "https://status.example.com/", AS_OF).decode() + "\n",
    "state.svg": lambda: badge(_service("app"), "state") + "\n",
    "left.svg": lambda: badge(_service("jobs"), "left") + "\n",
}
"""Each golden file and how it is made."""


def main() -> None:
    """Writes them."""
    for name, made in RENDERED.items():
        (GOLDEN / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
