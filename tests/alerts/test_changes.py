"""What no alert may take for its own: absent data, a month that ends, and a daemon that restarts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.rules import RUNNING, rules_yaml
from tests.alerts.case import Case, samples, seconds
from tests.alerts.cases import CASES, RUNS
from tests.alerts.test_rules import ALERTS, WANTED, without_annotations, written

ALONE = {"MinutebookAbsent": ("severity=page",), "MinutebookWatchdog": ("severity=none",)}
"""What fires where Prometheus has no series at all."""

RESTART = (2, 4)
"""The daemon is away from its third sample until before its fifth: two of the intervals of a case."""


def restarted(line: str) -> str:
    """A series of the daemon as it is where the daemon restarts; `up` is Prometheus's own."""
    name, _, values = line.partition(" ")
    if name.startswith("up{"):
        return line
    every = samples(values)
    away = every[slice(*RESTART)]
    every[slice(*RESTART)] = ["stale", *["_"] * (len(away) - 1)][: len(away)]
    return f"{name} {' '.join(every)}"


def after_a_restart(case: Case) -> Case:
    return replace(case, what=f"{case.what}; it restarts", series=tuple(map(restarted, case.series)))


def held_s(case: Case) -> int:
    """How long the alert must hold before it fires, at the longest."""
    return max(seconds(alert.for_ or "0s") for alert in ALERTS[case.alert])


def is_of_the_running_month(case: Case) -> bool:
    return any(RUNNING in alert.expr for alert in ALERTS[case.alert]) and RUNS in case.series


def once_the_month_is_over(case: Case) -> Case:
    over = tuple(line.replace(RUNS, RUNS.replace(RUNS.split()[1], "30x3000")) for line in case.series)
    return replace(case, what=f"{case.what}; that month is over", series=over, fires=())


def changed() -> Iterator[Case]:
    for name in ALERTS:
        yield Case(name, "there is no series at all", (), "20m", ALONE.get(name, ()))
    for case in CASES:
        if is_of_the_running_month(case) and case.fires:
            yield once_the_month_is_over(case)
        had_time = seconds(case.at) - RESTART[1] * seconds(case.interval) > held_s(case)
        if case.series and (had_time or not case.fires):
            yield after_a_restart(case)


CHANGED = [case for case in changed() if case.alert != "MinutebookAbsent" or not case.series]
"""`MinutebookAbsent` is about what goes away: it has cases of its own."""


def test_a_line_is_taken_apart_as_promtool_takes_it() -> None:
    assert samples("1 0+60x2 stale _x2 -1x1") == ["1", "0", "60", "120", "stale", "_", "_", "-1", "-1"]


def test_every_alert_is_tried() -> None:
    assert {case.alert for case in CHANGED} == ALERTS.keys()
    assert sum(map(len, BY_INTERVAL)) == len(CHANGED)
    monthly = {name for name, alerts in ALERTS.items() if any(RUNNING in alert.expr for alert in alerts)}
    assert {case.alert for case in CHANGED if "that month is over" in case.what} == monthly


def tried(promtool: str, folder: Path, cases: Sequence[Case]) -> None:
    """Cases of one interval; those with the same series are one world, which takes most of the time."""
    (folder / "rules.yml").write_text(without_annotations(rules_yaml(WANTED)))
    worlds: dict[tuple[str, ...], dict[str, Any]] = {}
    for case in cases:
        world = written(case)
        worlds.setdefault(case.series, {**world, "alert_rule_test": []})["alert_rule_test"] += world["alert_rule_test"]
    interval = cases[0].interval
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": list(worlds.values())}
    (folder / "tests.yml").write_text(yaml.safe_dump(tests, sort_keys=False))
    done = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


BY_INTERVAL = [[case for case in CHANGED if case.interval == interval] for interval in ("1m", "1h")]


@pytest.mark.parametrize("cases", BY_INTERVAL, ids=["1m", "1h"])
def test_no_alert_takes_absent_data_or_another_month_or_a_restart_for_its_own(
    cases: list[Case], tmp_path: Path, tool: Callable[[str], str]
) -> None:
    tried(tool("promtool"), tmp_path, cases)


@pytest.mark.long
@pytest.mark.parametrize("cases", BY_INTERVAL, ids=["1m", "1h"])
def test_nor_does_any_in_a_later_prometheus(cases: list[Case], tmp_path: Path, later: Callable[[str], str]) -> None:
    tried(later("promtool"), tmp_path, cases)
