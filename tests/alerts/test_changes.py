"""What no alert may take for its own: absent data, a month that ends, and a daemon that restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporters.rules import RUNNING
from tests.alerts.case import Case, samples, seconds
from tests.alerts.cases import CASES
from tests.alerts.series import RUNS
from tests.alerts.test_rules import ALERTS, tried

ALONE = {"MinutebookAbsent": ("severity=page",), "MinutebookWatchdog": ("severity=none",)}
"""What fires where Prometheus has no series at all."""

AWAY = ("stale", "_")
"""What Prometheus has of the daemon while that restarts: two of the intervals of a case."""


def of_the_daemon(line: str) -> bool:
    """`up` is Prometheus's own."""
    return not line.startswith("up{")


def restarts_early(case: Case) -> Case:
    """At its third sample the daemon is away."""

    def restarted(line: str) -> str:
        name, _, values = line.partition(" ")
        every = samples(values)
        every[2:4] = AWAY[: len(every[2:4])]
        return f"{name} {' '.join(every)}" if of_the_daemon(line) else line

    return replace(case, what=f"{case.what}; it has restarted", series=tuple(map(restarted, case.series)))


def restarts_now(case: Case) -> Case:
    """At the instant of the case it goes away, and comes back as it was for as long as the alert must hold."""
    needed = seconds(case.at) // seconds(case.interval) + 1
    held = max(seconds(alert.for_ or "0s") for alert in ALERTS[case.alert])
    back = held // seconds(case.interval) + 2

    def restarted(line: str) -> str:
        name, _, values = line.partition(" ")
        every = samples(values)[:needed]
        last = every[-1] if len(every) == needed else "_"
        gone = [last, last] if last in AWAY or not of_the_daemon(line) else AWAY
        return f"{name} {' '.join([*every, *['_'] * (needed - len(every)), *gone, *[last] * back])}"

    at = f"{(needed + len(AWAY) + back - 1) * seconds(case.interval) // 60}m"
    return replace(case, what=f"{case.what}; it restarts", series=tuple(map(restarted, case.series)), at=at)


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
        if case.series:
            yield restarts_now(case) if case.fires else restarts_early(case)


CHANGED = [case for case in changed() if case.alert != "MinutebookAbsent" or not case.series]
"""`MinutebookAbsent` is about what goes away: it has cases of its own."""


def test_a_line_is_taken_apart_as_promtool_takes_it() -> None:
    assert samples("1 0+60x2 stale _x2 -1x1") == ["1", "0", "60", "120", "stale", "_", "_", "-1", "-1"]


def test_every_alert_is_tried() -> None:
    assert {case.alert for case in CHANGED} == ALERTS.keys()
    assert {case.interval for case in CHANGED} == {"1m", "1h"}
    monthly = {name for name, alerts in ALERTS.items() if any(RUNNING in alert.expr for alert in alerts)}
    assert {case.alert for case in CHANGED if "that month is over" in case.what} == monthly
    restarted = {(case.alert, bool(case.fires)) for case in CHANGED if "restart" in case.what}
    assert restarted >= {(name, fires) for name in ALERTS.keys() - ALONE.keys() for fires in (True, False)}


def test_no_alert_takes_absent_data_or_another_month_or_a_restart_for_its_own(
    tmp_path: Path, tool: Callable[[str], str]
) -> None:
    tried(tool("promtool"), tmp_path, CHANGED)


@pytest.mark.long
def test_nor_does_any_in_a_later_prometheus(tmp_path: Path, later: Callable[[str], str]) -> None:
    tried(later("promtool"), tmp_path, CHANGED)
