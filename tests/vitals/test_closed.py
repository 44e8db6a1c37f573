"""Web Vitals in a month's life: closed they stay, late ones are told, restated they count; each revision is proved."""

from __future__ import annotations

from monitor.facts import Json, decode_fact
from monitor.ledger.period import DAY
from tests.ledger.test_closings import Ledger, promised, terms_fact
from tests.vitals.test_live import day_facts
from tests.vitals.test_stated import CONFIG, JUNE, LATER, many, recorded, vitals


def test_a_closed_month_keeps_its_verdict_until_it_is_restated() -> None:
    written = promised(CONFIG.format(zone="UTC", sign="<=", least=3))
    first = terms_fact(written, LATER - 50 * DAY)
    days = day_facts(many("LCP", {"1000": 30}), written.terms, set(range(40)))
    look: dict[str, Json] = {"check": "web", "vantage": "here", "at": "2026-06-01T00:00:00Z", "outcome": "pass"}
    looked = decode_fact({"kind": "result", **look}, LATER - DAY)
    ledger = Ledger([first, looked, *days], written, JUNE)
    ledger.carry_out(LATER, restate=False)
    ledger.facts += recorded(many("LCP", {"9000": 40}, "GB"), LATER + 10)  # of days that facts stand for
    ledger.facts += recorded(many("INP", {"900": 5}, "GB"), LATER + 100)
    ledger.carry_out(LATER + DAY, restate=True)
    closed, restated = ledger.given  # of `app`: nothing is known of `jobs`
    assert (closed["status"], vitals(closed)["LCP"]["verdict"], vitals(closed)["INP"]["verdict"]) == (
        "final",
        "met",
        "no_data",
    )
    assert (restated["revision"], vitals(restated)["LCP"]["samples"], vitals(restated)["INP"]["verdict"]) == (
        2,
        30,
        "missed",
    )
    told = restated["restatement"]
    assert told["difference"]["vitals"] == {
        "LCP": {"samples": 0, "good": 0, "verdict": None},
        "INP": {"samples": 5, "good": 0, "verdict": ["no_data", "missed"]},
        "CLS": {"samples": 0, "good": 0, "verdict": None},
    }
    assert [(each["kind"], each["subject"], each["count"]) for each in told["facts"]] == [
        ("vital", "INP", 5),
        ("vital", "LCP", 40),
    ]
