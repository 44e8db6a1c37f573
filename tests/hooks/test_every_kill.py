"""kill -9 before any line between a delivery's receipt and its answer (design/reliability.md, F5): a 2xx only after
the commit, and what is sent again has its effect exactly once."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from monitor.facts import AnyFact
from monitor.ledger.period import HOUR
from monitor.sources.hooks import Delivery
from tests.hooks.killed import NEVER, serve_until_killed, taking
from tests.hooks.posted import NOW, issue, posted
from tests.poller.polled import ALL_TIME
from tests.vendors.instatus import InstatusPage

ANSWERED_S = 60.0


def body_of(source: str) -> bytes:
    if source == "sentry":
        return json.dumps(issue()).encode()
    page = InstatusPage({"app1": "App"})
    page.plan("m1", NOW, (NOW + 72 * HOUR, NOW + 74 * HOUR), ("app1",))
    return page.delivery("m1", NOW)


class Killed:
    """One process, one delivery."""

    def __init__(self, folder: Path, nth: int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.hooks.killed"])
        self.told, theirs = context.Pipe(duplex=False)
        self.process: ForkServerProcess = context.Process(target=serve_until_killed, args=(folder, nth, theirs))
        self.process.start()
        theirs.close()

    def post(self, source: str) -> int | None:
        """The status of the answer; None where there was none."""
        path, body, headers = posted(source, body_of(source))
        connection = HTTPConnection("127.0.0.1", self._heard(), timeout=ANSWERED_S)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def lines(self) -> int:
        """How many lines have run since the delivery came, in a process that lives."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGUSR1)
        return self._heard()

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.told.close()

    def _heard(self) -> int:
        told: Connection = self.told
        assert told.poll(ANSWERED_S)
        return int(told.recv())


@contextmanager
def ended(one: Killed) -> Iterator[Killed]:
    try:
        yield one
    finally:
        one.end()


async def again(folder: Path, source: str) -> tuple[list[AnyFact], list[AnyFact]]:
    """The facts that a killed process left, and those after the sender tried once more."""
    async with taking(folder) as (hooks, polled):
        left = [*polled.store.read(ALL_TIME, ALL_TIME.end)]
        _, body, sent = posted(source, body_of(source))
        headers = {name.lower(): (value,) for name, value in sent.items()}
        receipt = await hooks.receive(source, Delivery(headers, body, NOW))
        assert receipt.outcome in ("accepted", "duplicate")
        return left, [*polled.store.read(ALL_TIME, ALL_TIME.end)]


def points(folder: Path, source: str, step: int | None) -> list[int]:
    """Every so many of the lines that run; or four of them, the last of which is run when the commit is done."""
    (folder / "whole").mkdir()
    with ended(Killed(folder / "whole", NEVER)) as whole:
        assert whole.post(source) == 200
        lines = whole.lines()
    assert lines > 100
    return [1, lines // 3, lines * 2 // 3, lines - 15] if step is None else [*range(1, lines + 1, step)]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("source", "step"),
    [
        pytest.param("sentry", None, id="a result, four lines"),
        pytest.param("sentry", 3, id="a result, every third line", marks=pytest.mark.long),
        pytest.param("own", 9, id="a maintenance, every ninth line", marks=pytest.mark.long),
    ],
)
def test_a_kill_before_any_line_loses_nothing_acknowledged_and_doubles_nothing(
    tmp_path: Path, source: str, step: int | None
) -> None:
    outcomes = set()
    for nth in points(tmp_path, source, step):
        folder = tmp_path / str(nth)
        folder.mkdir()
        with ended(Killed(folder, nth)) as daemon:
            status = daemon.post(source)
            assert status in (None, 200)
        left, after = asyncio.run(again(folder, source))
        assert len(left) == 1 or status is None, nth
        assert len(after) == 1, nth
        outcomes.add((status, len(left)))
    assert (None, 0) in outcomes
    assert (None, 1) in outcomes  # committed, and killed before the answer: this is what the sender tries again for
