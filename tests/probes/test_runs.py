"""The prober's small state of a check, and how many probes run at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Outcome
from monitor.prober.lanes import Lanes, needed_at_once
from monitor.prober.runs import Runs

LETTERS: dict[str, tuple[Outcome, bool]] = {
    "P": ("pass", False),
    "F": ("fail", False),
    "V": ("void", False),
    "p": ("pass", True),
    "f": ("fail", True),
    "v": ("void", True),
}
"""Capitals are scheduled looks, small letters confirming ones."""


def after(looks: str, fall: int = 2, rise: int = 1) -> Runs:
    runs = Runs()
    for letter in looks:
        outcome, confirm = LETTERS[letter]
        runs = runs.after(outcome, confirm, fall if runs.up else rise)
    return runs


@pytest.mark.parametrize(
    ("looks", "up", "in_doubt"),
    [
        ("", True, False),
        ("P", True, False),
        ("F", True, True),
        ("FF", False, False),
        ("Ff", False, False),
        ("FP", True, False),
        ("FpF", True, True),
        ("FVF", False, False),
        ("ff", True, True),
        ("ffF", False, False),
        ("FFP", True, False),
        ("FFV", False, False),
    ],
)
def test_the_state_follows_the_runs(looks: str, up: bool, in_doubt: bool) -> None:
    runs = after(looks)
    assert (runs.up, runs.in_doubt) == (up, in_doubt)


@pytest.mark.parametrize(("looks", "up"), [("FFFP", False), ("FFFPP", True), ("FFFPFP", False), ("FFFPp", True)])
def test_a_recovery_takes_as_many_passes_as_rise(looks: str, up: bool) -> None:
    assert after(looks, fall=3, rise=2).up is up


@given(st.text("PFVpfv", max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_voids_neither_lengthen_nor_break_a_run(looks: str, fall: int, rise: int) -> None:
    without = looks.replace("V", "").replace("v", "")
    assert after(looks, fall, rise) == after(without, fall, rise)


@given(st.lists(st.sampled_from("abcd"), max_size=60), st.integers(1, 5), st.integers(1, 3), st.randoms())
def test_lanes_start_everything_within_both_bounds(hosts: list[str], at_once: int, to_one: int, random: object) -> None:
    running: list[str] = []
    started: list[tuple[str, int]] = []

    def start(job: tuple[str, int]) -> None:
        running.append(job[0])
        started.append(job)

    lanes: Lanes[tuple[str, int]] = Lanes(start, at_once, to_one)
    for number, host in enumerate(hosts):
        lanes.enter(host, (host, number))
        assert len(running) <= at_once
        assert all(running.count(one) <= to_one for one in running)
    while running:
        host = running.pop(random.randrange(len(running)))  # type: ignore[attr-defined]
        lanes.leave(host)
        assert len(running) <= at_once
        assert all(running.count(one) <= to_one for one in running)
    assert lanes.waiting == 0
    assert sorted(number for _, number in started) == list(range(len(hosts)))
    for host in set(hosts):
        numbers = [number for one, number in started if one == host]
        assert numbers == sorted(numbers)


def test_a_host_has_room_for_all_its_checks_though_every_look_lasts_until_its_timeout() -> None:
    looks = [("busy.test", 10_000, 30_000)] * 1_000 + [("calm.test", 1_000, 60_000)]
    assert needed_at_once(looks) == {"busy.test": 667, "calm.test": 1}
    running: list[str] = []
    lanes: Lanes[str] = Lanes(running.append, 4096, 32)
    lanes.allow(needed_at_once(looks))
    for _ in range(1_000):
        lanes.enter("busy.test", "busy.test")
    assert len(running) == 667
    for _ in range(40):
        lanes.enter("calm.test", "calm.test")
    assert running.count("calm.test") == 32
