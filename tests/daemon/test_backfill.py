"""`backfill` and live polls over a real Prometheus and a real VictoriaMetrics."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, parse_instant
from tests.daemon.programs import App, Json, Minutebook, Until, configuration, ended
from tests.vendors.series import Samples, Series, Server, Tool, implied, prometheus, victoria_metrics

JUNE, JULY = parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-07-01T00:00:00Z")
CONFIG = """\
location: here
services: [{{name: app, checks: [{{name: web, {check} http: {{url: 'http://127.0.0.1:1/'}}}}]}}]
sources:
  - name: fleet
    every: 1s
    prometheus: {{url: '{url}', query: '{query}', vantage_label: region, check_label: check}}
"""
QUERY = 'probe_success{job="blackbox"}'
SERVERS = pytest.mark.parametrize("serving", [prometheus, victoria_metrics])
ONE_AT_ONCE = pytest.mark.parametrize("serving", [prometheus, pytest.param(victoria_metrics, marks=pytest.mark.long)])
"""The first of them in every run, the other one in the long one."""

Serving = Callable[[Tool, Path, list[Series]], AbstractContextManager[Server]]


def series(samples: Samples, region: str = "london", check: str = "web") -> Series:
    return Series({"job": "blackbox", "region": region, "check": check}, samples)


def samples(start: int, end: int, every: int, seed: int) -> Samples:
    """Samples a little off their grid, with outages, blips and silences between them."""
    chance = random.Random(seed)  # noqa: S311 - a test's own
    made: list[tuple[int, int]] = []
    at, value = start, 1
    while at < end:
        made.append((at + chance.randrange(0, 400), value))
        at += every if chance.random() > 0.01 else every * chance.randrange(2, 40)
        value = value if chance.random() > 0.05 else 1 - value
    return made


def written(minutebook: Minutebook, server: Server, check: str, query: str = QUERY) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(CONFIG.format(url=server.url, check=check, query=query))


def accounts(minutebook: Minutebook) -> dict[str, int]:
    [told] = minutebook("statement", "--month", "2026-06", "--as-of", "2099-01-01T00:00:00Z", "--format", "json").json
    found: Json = told["accounts_ms"]
    return {name: found[name] for name in ("up", "down", "unknown")}


@ONE_AT_ONCE
def test_a_past_month_gives_the_statement_that_its_samples_imply(
    minutebook: Minutebook, tool: Tool, tmp_path: Path, serving: Serving
) -> None:
    told = samples(JUNE - 30 * MINUTE, JUNE + 5 * HOUR, 15 * SECOND, seed=1)
    others = [series([(JUNE, 0)], check="not-ours"), series([(JUNE, 0)], region="")]
    with serving(tool, tmp_path / "server", [series(told), *others]) as server:
        written(minutebook, server, "interval: 15s, timeout: 5s,")
        first = minutebook("backfill", "--source", "fleet", "--month", "2026-06")
        assert (first.status, first.out) == (0, ""), first
        assert f"{len(told)} results, {len(told)} of them new" in first.err
        assert accounts(minutebook) == implied(told, 35 * SECOND, 2, (JUNE, JULY))
        again = minutebook("backfill", "--source", "fleet", "--month", "2026-06")
        assert f"{len(told)} results, 0 of them new" in again.err
    facts = minutebook.facts("result")
    assert {(fact["vantage"], fact["source"]) for fact in facts} == {("fleet/london", "fleet")}
    assert min(fact["recorded_at"] for fact in facts) > "2026-07"


@pytest.mark.long
@pytest.mark.timeout(600)
@SERVERS
def test_a_whole_month_comes_to_what_promql_says_of_the_raw_series(
    minutebook: Minutebook, tool: Tool, tmp_path: Path, serving: Serving
) -> None:
    chance = random.Random(2)  # noqa: S311 - a test's own
    offset = 7_123  # no sample stands on a border of the month
    instants = range(JUNE - HOUR + offset, JULY + HOUR, MINUTE)
    told = [(at, int(chance.random() > 0.01)) for at in instants]
    with serving(tool, tmp_path / "server", [series(told)]) as server:
        written(minutebook, server, "interval: 60s, timeout: 10s, fall: 1,")
        assert minutebook("backfill", "--source", "fleet", "--month", "2026-06").status == 0
        [days] = {(JULY - JUNE) // DAY}
        failed = server.value(f"count_over_time({QUERY}[{days}d]) - sum_over_time({QUERY}[{days}d])", JULY)
    found = accounts(minutebook)
    edge = (1 - told[59][1]) * offset - (1 - [value for at, value in told if at < JULY][-1]) * offset
    assert found["down"] == failed * MINUTE + edge
    assert found == implied(told, 130 * SECOND, 1, (JUNE, JULY))
    assert found["unknown"] == 0


@pytest.mark.long
@pytest.mark.timeout(600)
@SERVERS
def test_a_whole_month_of_outages_blips_and_silences_is_booked_to_the_ms(
    minutebook: Minutebook, tool: Tool, tmp_path: Path, serving: Serving
) -> None:
    told = samples(JUNE - HOUR, JULY + HOUR, 30 * SECOND, seed=3)
    with serving(tool, tmp_path / "server", [series(told)]) as server:
        written(minutebook, server, "interval: 30s, timeout: 10s,")
        assert minutebook("backfill", "--source", "fleet", "--month", "2026-06").status == 0
    assert accounts(minutebook) == implied(told, 70 * SECOND, 2, (JUNE, JULY))


@pytest.mark.long
def test_an_expression_is_evaluated_at_each_interval_of_the_checks(
    minutebook: Minutebook, tool: Tool, tmp_path: Path
) -> None:
    told = [(at, 0 if JUNE + HOUR <= at < JUNE + 2 * HOUR else 1) for at in range(JUNE, JUNE + 3 * HOUR, 15 * SECOND)]
    both = [series(told), series([(at, 1) for at, _ in told], region="paris")]
    with prometheus(tool, tmp_path / "server", both) as server:
        labels = 'label_replace(min by (check)(probe_success), "region", "both", "", "")'
        written(minutebook, server, "interval: 60s, timeout: 10s,", labels.replace("'", "''"))
        assert minutebook("backfill", "--source", "fleet", "--month", "2026-06").status == 0
    assert accounts(minutebook)["down"] == HOUR
    assert {fact["vantage"] for fact in minutebook.facts("result")} == {"fleet/both"}


def test_backfill_beside_a_running_daemon_records_through_it(
    minutebook: Minutebook, app: App, tool: Tool, tmp_path: Path
) -> None:
    told = [(at, 1) for at in range(JUNE, JUNE + 20 * HOUR, 15 * SECOND)]
    with prometheus(tool, tmp_path / "server", [series(told)]) as server:
        sources = CONFIG.format(url=server.url, check="", query=QUERY).partition("\nsources:")[2]
        configuration(minutebook.folder, app, f"sources:{sources}", interval="15s", timeout="5s")
        with ended(minutebook.starting("run")) as daemon:
            daemon.ready()
            done = minutebook("backfill", "--source", "fleet", "--month", "2026-06")
            assert done.status == 0, done
            assert f"{len(told)} results, {len(told)} of them new" in done.err
            assert daemon.stop() == 0
    assert accounts(minutebook)["up"] == 20 * HOUR + 20 * SECOND


@pytest.mark.long
def test_a_fleet_is_a_live_vantage_as_long_as_it_is_heard(
    minutebook: Minutebook, app: App, tool: Tool, tmp_path: Path, until: Until
) -> None:
    fleet = "{{name: fleet, every: 1s, prometheus: {{url: '{}', query: {}, {}}}}}"
    labels = "vantage_label: vantage, check_label: check"
    query = "'probe_success{vantage=\"here\"}'"  # the daemon shows what comes back to it too
    with ended(minutebook.starting("run", "-c", configuration(minutebook.folder, app))) as daemon:
        daemon.ready()
        scraped = f"scrape_configs: [{{job_name: b, honor_labels: true, scrape_interval: 1s, static_configs: \
[{{targets: ['127.0.0.1:{daemon.port}']}}]}}]"
        with prometheus(tool, tmp_path / "server", [], scraped) as server:
            configuration(minutebook.folder, app, f"sources: [{fleet.format(server.url, query, labels)}]\n")
            assert daemon.reload(minutebook.token()).status in (200, 204)
            until(lambda: daemon.value("probe_success", vantage="fleet/here") == 1)
            listed = minutebook.well("components", "fleet").splitlines()
            assert [" ".join(line.split()) for line in listed[:2]] == ["id name state", "web here - web operational"]
            app.status = 500
            until(lambda: daemon.value("probe_success", vantage="fleet/here") == 0)
        until(lambda: daemon.value("probe_success", vantage="fleet/here") is None)
        assert daemon.value("minutebook_source_problems_total", source="fleet", reason="unreachable")


def test_what_cannot_be_backfilled_says_why(minutebook: Minutebook, tool: Tool, tmp_path: Path) -> None:
    with prometheus(tool, tmp_path / "server", [series([(JUNE, 1)])]) as server:
        written(minutebook, server, "interval: 15s, timeout: 5s,")
        done = minutebook("backfill", "--source", "fleet", "--month", "2026-01")
        assert (done.status, done.out) == (1, "")
        assert "fleet has nothing of 2026-01 for any check" in done.err
        written(minutebook, server, "interval: 15s, timeout: 5s,", "probe_success{")
        done = minutebook("backfill", "--source", "fleet", "--month", "2026-06")
        assert (done.status, "fleet cannot be read at 2026-05-31T23:00:00.000Z: status (status 400)" in done.err) == (
            1,
            True,
        )
    done = minutebook("backfill", "--source", "fleet", "--month", "2026-06")
    assert (done.status, "unreachable (ClientConnectorError)" in done.err) == (1, True)


def test_a_month_to_come_and_a_source_that_is_none_are_refused(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(CONFIG.format(url="http://127.0.0.1:1", check="", query=QUERY))
    done = minutebook("backfill", "--source", "fleet", "--month", "2099-01")
    assert (done.status, "2099-01 has not begun yet" in done.err) == (2, True)
    done = minutebook("backfill", "--source", "them", "--month", "2026-06")
    assert (done.status, "there is no source 'them' that this version asks" in done.err) == (2, True)
