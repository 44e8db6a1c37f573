"""What a check warns of, from the file to the faces: shown and counted, and never downtime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporters.prometheus import Exposition
from exporters.status import Seen, status
from monitor.config import parse, to_terms
from monitor.evaluator import Evaluator
from monitor.ledger.period import DAY
from monitor.store import OpenStore
from monitor.wiring import shown
from tests.faces.samples import SELF
from tests.store.samples import JUNE, StillClock, passes, url_in

CHECK = "services: [{name: app, checks: [{name: web, http: {url: 'https://127.0.0.1:1/'}, warn: WARN}]}]"


@pytest.mark.parametrize(
    ("warn", "raised"),
    [
        ("{certificate_days: 10, duration: 200ms}", {"certificate_days": 1, "duration": 1}),
        ("{certificate_days: 9}", {"certificate_days": 0}),
        ("{duration: 300ms}", {"certificate_days": 1, "duration": 0}),  # 14 days are the default
    ],
)
async def test_what_the_file_asks_to_be_warned_of_is_raised(tmp_path: Path, warn: str, raised: dict[str, int]) -> None:
    config = parse(CHECK.replace("WARN", warn), "minutebook.yaml", tmp_path, {})
    [look] = passes(1)
    slow = look._replace(duration_ms=250.5, certificate_expires=look.at + 9 * DAY + 1)
    store = OpenStore(url_in(tmp_path))
    await store.start(JUNE)
    try:
        await store.append([slow])
        snapshot = await Evaluator(StillClock(look.at + 1), store, to_terms(config), shown(config)).evaluate()
    finally:
        await store.aclose()
    page = "".join(Exposition().render(snapshot, {}, SELF)).splitlines()
    lines = [line for line in page if line.startswith("minutebook_check_warning{")]
    named = 'instance="https://127.0.0.1:1/",service="app",check="web"'
    assert all(named in line for line in lines)
    assert {line.partition('warning="')[2].partition('"')[0]: int(line[-1]) for line in lines} == raised
    [[everything], [public]] = (
        json.loads(json.dumps(status(Seen(snapshot), everything=each)))["services"] for each in (True, False)
    )
    assert everything["state"] == "up"
    assert {each["warning"] for each in everything["warnings"]} == {name for name in raised if raised[name]}
    assert public["warnings"] == []
