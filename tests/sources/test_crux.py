"""Chrome's own figures as a second source: judged by density, recorded once, and never more than shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.rules import wanted_rules
from monitor.config import parse, to_terms
from monitor.errors import FactError
from monitor.facts import AnyFact, Fact, decode_fact
from monitor.ledger.period import parse_instant
from monitor.life import Current
from monitor.poller import Fetcher, session
from monitor.second_sources import EVERY_S, Crux, crux_of
from monitor.settings import Secret
from monitor.sources.crux import Place, readings
from tests.vendors.crux import history, record
from tests.vendors.serving import Trouble, Vendor, serving
from tests.vitals.test_stated import stated, terms_of, vitals

ORIGIN = "https://kit.example.com"
PLACE = Place(ORIGIN, Secret("hush", ("from_env", "KEY")))
NOW = parse_instant("2026-06-18T06:00:00Z")


class StillClock:
    def now(self) -> int:
        return NOW

    def monotonic_ns(self) -> int:
        return 0


class Ledger:
    """Keeps facts by their id, as a store does."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}

    async def record(self, facts: Sequence[AnyFact]) -> int:
        new = [fact for fact in facts if isinstance(fact, Fact) and fact.id not in self.facts]
        self.facts |= {str(fact.id): fact for fact in new}
        return len(new)


def read(answer: dict[str, Any]) -> dict[tuple[Any, Any], dict[str, Any]]:
    return {(each["metric"], each["to"]): each for each in readings(json.dumps(answer).encode(), PLACE)}


def test_a_verdict_is_by_density_and_never_by_the_rounded_percentile() -> None:
    found = read(record(ORIGIN))
    assert {metric: (each["p75"], each["verdict"]) for (metric, _), each in found.items()} == {
        "LCP": (2312, "met"),
        "INP": (200, "met"),
        "CLS": (0.1, "missed"),
    }
    assert found["CLS", "2026-06-16"]["good_ratio"] == 0.726043701171875


def test_a_history_gives_each_window_but_those_with_too_few_visits() -> None:
    found = read(history(ORIGIN))
    assert [(to, each["verdict"], each["p75"]) for (_, to), each in found.items()] == [
        ("2026-05-30", "met", 2000),
        ("2026-06-13", "missed", 2600),
    ]


def test_the_windows_of_a_history_are_judged_by_density_too() -> None:
    """As recorded: in 2 of 25 windows a CLS of "0.10" stands beside 72.6 and 73.3 % of good visits."""
    given = history(ORIGIN)
    given["record"]["metrics"]["cumulative_layout_shift"] = {
        "histogramTimeseries": [
            {"start": "0.00", "end": "0.10", "densities": [0.726, 0.75, 0.7499999999999999]},
            {"start": "0.10", "densities": [0.274, 0.25, 0.2500000000000001]},
        ],
        "percentilesTimeseries": {"p75s": ["0.10", "0.11", "0.10"]},
    }
    found = [(each["p75"], each["verdict"]) for (metric, _), each in read(given).items() if metric == "CLS"]
    assert found == [(0.1, "missed"), (0.11, "met"), (0.1, "missed")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_whatever_a_server_puts_in_a_place_gives_facts_that_can_be_kept_or_none(data: st.DataObject) -> None:
    answer = data.draw(st.sampled_from((record(ORIGIN), history(ORIGIN))))
    place: Any = answer
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    try:
        found = readings(json.dumps(answer).encode(), PLACE)
    except FactError:
        return
    for each in found:
        assert isinstance(decode_fact({"kind": "vitals_reading", **each}, NOW), Fact)


def current_at(url: str) -> Current:
    text = f"""
services: [{{name: app, checks: [{{name: web, http: {{url: 'http://127.0.0.1/'}}}}]}}]
web_vitals: {{allowed_origins: ['{ORIGIN}'], crux: {{origin: '{ORIGIN}', api_key: {{from_env: KEY}}, url: '{url}'}}}}
"""
    config = parse(text, "minutebook.yaml", Path(), {"KEY": "hush"})
    return Current(config, to_terms(config))


async def answered(request: web.Request) -> object | None:
    asked = await request.json()
    assert asked["origin"] == ORIGIN
    return history(ORIGIN) if "History" in request.path else record(ORIGIN)


async def test_it_is_asked_for_its_history_once_and_then_for_what_is_new() -> None:
    ledger = Ledger()
    async with serving(Vendor(answered)) as vendor, session() as client:
        crux = Crux(StillClock(), Fetcher(client, StillClock()), ledger.record, current_at(vendor.url))  # type: ignore[arg-type]
        assert crux.last_success == {}
        assert [await crux.ring() for _ in range(3)] == [2, 3, 0]
        assert crux.last_success == {"crux": NOW}, "also when nothing was new"
        assert vendor.asked == ["/v1/records:queryHistoryRecord", *["/v1/records:queryRecord"] * 2]
        assert {headers["X-Goog-Api-Key"] for headers in vendor.headers} == {"hush"}
        assert not any("hush" in path for path in vendor.asked), "a key in an address ends in logs"
    told = vitals(stated([*ledger.facts.values()], terms_of(), NOW + 1)[0])
    assert [(each["to"], each["verdict"], each["author"]) for each in told["LCP"]["published"]] == [
        ("2026-06-16", "met", "CrUX")
    ], "of windows that overlap the newest alone"
    assert told["CLS"]["verdict"] == "no_data", "what others publish decides nothing"


@pytest.mark.parametrize("trouble", ["html", "forbidden", "rate limited", "garbage", "error", "redirect", "reset"])
async def test_a_server_in_trouble_records_nothing_and_is_asked_again(trouble: Trouble) -> None:
    ledger = Ledger()
    async with serving(Vendor(answered)) as vendor, session() as client:
        vendor.trouble = trouble
        crux = Crux(StillClock(), Fetcher(client, StillClock()), ledger.record, current_at(vendor.url))  # type: ignore[arg-type]
        assert await crux.ring() == 0
        assert crux.last_success == {}
        vendor.trouble = None
        assert await crux.ring() == 2


async def test_no_data_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(_: web.Request) -> object | None:
        return None

    caplog.set_level("INFO")
    async with serving(Vendor(nothing)) as vendor, session() as client:
        crux = Crux(StillClock(), Fetcher(client, StillClock()), Ledger().record, current_at(vendor.url))  # type: ignore[arg-type]
        assert await crux.ring() == 0
        assert crux.last_success == {"crux": NOW}
    assert [record.levelname for record in caplog.records if "CrUX" in record.message] == ["INFO"]


async def test_an_answer_without_a_figure_that_is_as_documented_does_not_count_as_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def changed(_: web.Request) -> object | None:
        return {"record": {"metrics": {"largest_contentful_paint": {"p75": 2312}}}}

    async with serving(Vendor(changed)) as vendor, session() as client:
        crux = Crux(StillClock(), Fetcher(client, StillClock()), Ledger().record, current_at(vendor.url))  # type: ignore[arg-type]
        assert await crux.ring() == 0
        assert crux.last_success == {}
    assert "no figures that are as documented" in caplog.text


async def test_of_another_origin_nothing_was_read_yet() -> None:
    async with serving(Vendor(answered)) as vendor, session() as client:
        current = current_at(vendor.url)
        crux = Crux(StillClock(), Fetcher(client, StillClock()), Ledger().record, current)  # type: ignore[arg-type]
        await crux.ring()
        current.config = current_at("http://127.0.0.1:1").config
        assert crux.last_success == {}


def test_the_rules_know_how_old_its_figures_may_be() -> None:
    config = current_at("http://127.0.0.1:1").config
    assert wanted_rules(config, optional=False).sources == {"crux": 3 * EVERY_S}


def test_without_the_section_nobody_is_asked() -> None:
    text = "services: [{name: app, checks: [{name: web, http: {url: 'http://127.0.0.1/'}}]}]"
    assert crux_of(parse(text, "minutebook.yaml", Path(), {})) is None
