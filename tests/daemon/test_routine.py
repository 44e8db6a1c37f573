"""A running daemon announces its routine windows by itself, and a reload that drops them cancels them."""

from __future__ import annotations

from collections.abc import Callable

from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration

ROUTINE = "routine_maintenance: [{name: weekly, every: 'WED 03:00', for: 1h, announce_ahead: 14d}]\n"


def test_windows_are_facts_as_soon_as_the_daemon_plans_them(
    start: Callable[..., Daemon], minutebook: Minutebook, app: App, until: Until
) -> None:
    configuration(minutebook.folder, app, ROUTINE)
    daemon = start().ready()
    announced = until(lambda: minutebook.facts("maintenance"))
    assert len(announced) == 2
    assert all(fact["source"] == "routine" and fact["recorded_at"] >= fact["announced_at"] for fact in announced)
    configuration(minutebook.folder, app)
    assert daemon.reload(minutebook.token()).status == 200
    until(lambda: [fact["start"] for fact in minutebook.facts("maintenance")][2:] == [None, None])
    assert daemon.stop() == 0
