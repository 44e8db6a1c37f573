"""kill -9 while facts come in: nothing that was acknowledged is lost, nothing stands twice (reliability.md, A1, B6)."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Json, Minutebook, Until, configuration, instant, now_ms

Start = Callable[..., Daemon]
PER_BATCH = 3


class Ending(NamedTuple):
    """A signal, after so many acknowledged batches."""

    number: signal.Signals
    after: int


def post_until_ended(daemon: Daemon, token: str, first: int, ending: Ending) -> list[int]:
    """Posts batches of tickets, numbered from `first`; the process is sent a signal after so many answers, while the
    next batch is on its way. Answers the numbers of the batches that were acknowledged."""
    connection = HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    acknowledged = []
    try:
        for number in range(first, first + 100_000):
            connection.request("POST", "/api/v1/facts", batch(number), headers)
            if number - first == ending.after:
                daemon.send(ending.number)
            if connection.getresponse().read() != b'{"new": %d}' % PER_BATCH:
                break
            acknowledged.append(number)
    except (OSError, HTTPException):
        pass
    finally:
        connection.close()
    daemon.process.wait(20)
    return acknowledged


def batch(number: int) -> bytes:
    received = format_instant(now_ms())
    facts = (
        {
            "kind": "ticket",
            "ticket": f"{number}/{place}",
            "customer": "acme",
            "priority": "high",
            "received_at": received,
            "first_reply_at": None,
        }
        for place in range(PER_BATCH)
    )
    return "".join(json.dumps(fact) + "\n" for fact in facts).encode()


def survive(minutebook: Minutebook, start: Start, kills: int) -> None:
    """Kills daemons on one store at moments that dice decide."""
    chance = random.Random(kills)  # noqa: S311 - a test's own dice
    token = minutebook.token()
    acknowledged: list[int] = []
    for kill in range(kills):
        daemon = start().ready()
        ending = Ending(signal.SIGKILL, after=chance.randrange(1, 120))
        acknowledged += post_until_ended(daemon, token, kill * 100_000, ending)
    assert_kept_once(minutebook, acknowledged)
    assert_never_down(minutebook)


def assert_kept_once(minutebook: Minutebook, acknowledged: list[int]) -> None:
    """Every acknowledged batch is there, nothing stands twice, and no batch is there in part."""
    assert "the chain holds" in minutebook.well("verify")
    tickets = Counter(fact["ticket"] for fact in minutebook.facts("ticket"))
    assert set(tickets.values()) == {1}
    assert {f"{number}/{place}" for number in acknowledged for place in range(PER_BATCH)} <= tickets.keys()
    whole_batches = Counter(ticket.partition("/")[0] for ticket in tickets)
    assert set(whole_batches.values()) == {PER_BATCH}


def test_nothing_acknowledged_is_lost_in_an_orderly_stop(minutebook: Minutebook, daemon: Daemon) -> None:
    token = minutebook.token()
    acknowledged = post_until_ended(daemon, token, 0, Ending(signal.SIGTERM, after=50))
    assert daemon.process.returncode == 0
    assert len(acknowledged) >= 50
    assert_kept_once(minutebook, acknowledged)
    assert_never_down(minutebook)


def assert_never_down(minutebook: Minutebook) -> Json:
    """The app answered all the time: whatever is missing is our own, and none of it downtime. The statement."""
    assert {result["outcome"] for result in minutebook.facts("result")} <= {"pass", "void"}
    [statement] = minutebook("statement", "--month", format_instant(now_ms())[:7], "--format", "json").json
    assert statement["accounts_ms"]["down"] == 0
    return statement


def test_a_restart_after_a_kill_shows_its_gap_as_unknown(
    minutebook: Minutebook, start: Start, daemon: Daemon, until: Until
) -> None:
    until(lambda: daemon.value("minutebook_facts_recorded_total", kind="result"))
    daemon.kill()
    last = max(instant(result["at"]) for result in minutebook.facts("result"))
    until(lambda: now_ms() > last + 2000)
    restarted = now_ms()
    daemon = start().ready()
    until(lambda: daemon.value("minutebook_facts_recorded_total", kind="result"))
    assert daemon.stop() == 0
    [void] = [result for result in minutebook.facts("result") if result.get("reason") == "self_down"]
    assert 0 < instant(void["at"]) - last <= 1000
    assert restarted <= instant(void["at"]) + void["hold_ms"]
    [gap] = [gap for gap in assert_never_down(minutebook)["vantages"][0]["gaps"] if gap["reason"] == "self_down"]
    assert gap["start"] == void["at"]


def test_no_acknowledged_fact_is_lost_in_fifteen_kills(
    minutebook: Minutebook, start: Start, app: App, tmp_path: Path
) -> None:
    configuration(tmp_path, app)
    survive(minutebook, start, kills=15)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_no_acknowledged_fact_is_lost_in_a_hundred_kills(
    minutebook: Minutebook, start: Start, app: App, tmp_path: Path
) -> None:
    configuration(tmp_path, app)
    survive(minutebook, start, kills=100)
