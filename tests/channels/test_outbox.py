"""The outbox over a real table and real servers: kept before it is sent, tried until it is taken, once by its key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.stated import Statement
from monitor.channels import Refused, Sent, WaysOut
from monitor.channels.slack_app import SlackApp
from monitor.channels.ways import WebPost, in_its_own_thread
from monitor.clock import SystemClock
from monitor.config.channels import TOPICS
from monitor.errors import StoreError
from monitor.interfaces import Clock
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month
from monitor.outbox import Line, Means, Outbox, Statements
from monitor.outbox.courier import GIVEN_UP_AFTER, LONGEST_WAIT, after
from monitor.outbox.due import Recipient
from monitor.settings import Secret, Settings
from monitor.store.deliveries import Delivery, open_deliveries
from tests.channels.services import limited, refusing, seen, slack, view

CLOCK = SystemClock()


def line(name: str, kind: str, settings: Settings | Secret) -> Line:
    return Line(Recipient(name, frozenset({"app"}), name, frozenset(TOPICS)), kind, settings)


def app_line(url: str, name: str = "acme") -> Line:
    return line(name, "slack_app", SlackApp.model_construct(token=Secret("t"), channel="#c", api_url=url))


async def nothing(month: Month, services: Sequence[str]) -> Sequence[Statement]:
    return []


@asynccontextmanager
async def running(
    table: Path, *lines: Line, clock: Clock = CLOCK, statements: Statements = nothing
) -> AsyncIterator[Outbox]:
    async with aiohttp.ClientSession() as session:
        ways = WaysOut(WebPost(session), in_its_own_thread)
        outbox = Outbox(clock, Means(table, ways, lambda: 0.0, statements, list, apart_ms=0), lines, "UTC")
        task = asyncio.create_task(outbox.run())
        try:
            yield outbox
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - of what nobody announces
            await asyncio.sleep(0.01)


def down() -> int:
    return CLOCK.now() - MINUTE


async def test_what_was_told_is_not_told_again_after_a_restart_and_its_thread_goes_on(tmp_path: Path) -> None:
    since = down()
    async with slack() as (server, url):
        async with running(tmp_path / "t", app_line(url)) as outbox:
            outbox.evaluated(seen(CLOCK.now(), view(False, since)))
            await until(lambda: outbox.outcomes["acme", "sent"] == 1)
        async with running(tmp_path / "t", app_line(url)) as outbox:
            outbox.evaluated(seen(CLOCK.now(), view(False, since)))
            outbox.evaluated(seen(CLOCK.now(), view(True, CLOCK.now())))
            await until(lambda: outbox.outcomes["acme", "sent"] == 1)
    assert server.methods() == ["chat.postMessage", "chat.update", "chat.postMessage"]
    assert server.posted[2][1]["thread_ts"] == "171.1"


async def test_a_daemon_that_was_killed_while_it_sent_sends_once_more_and_loses_nothing(tmp_path: Path) -> None:
    """The message was kept and maybe taken; nobody was left to mark it."""
    since = down()
    async with slack() as (server, url):
        server.answering = asyncio.Event()
        async with running(tmp_path / "t", line("acme", "webhook", Secret(f"{url}/hook"))) as outbox:
            outbox.evaluated(seen(CLOCK.now(), view(False, since)))
            await server.asked.wait()
        server.answering.set()
        async with running(tmp_path / "t", line("acme", "webhook", Secret(f"{url}/hook"))) as outbox:
            await until(lambda: outbox.outcomes["acme", "sent"] == 1)
    keys = [body["key"] for _, body, _ in server.posted]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_channel_that_refuses_is_tried_again_says_why_and_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with slack() as (bad, bad_url), slack() as (good, good_url):
        bad.answers = [refusing("invalid_auth")]
        lines = [app_line(bad_url, "bad"), app_line(good_url, "good")]
        async with running(tmp_path / "t", *lines) as outbox:
            outbox.evaluated(seen(CLOCK.now(), view(False, down())))
            await until(lambda: outbox.outcomes["good", "sent"] == 1 and outbox.outcomes["bad", "refused"] == 1)
            assert [*outbox.failing_since] == ["bad"]
            assert outbox.waiting() == {"bad": 1, "good": 0}
    assert (len(bad.posted), len(good.posted)) == (1, 1)
    assert "channel bad: refused after attempt 1: invalid_auth" in caplog.text
    with open_deliveries(tmp_path / "t") as deliveries:
        rows = {row.channel: row for row in deliveries.read(CLOCK.now())[1]}
    assert (rows["bad"].state, rows["bad"].reason, rows["good"].state) == ("waiting", "invalid_auth", "sent")


async def test_a_wait_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    async with slack() as (server, url):
        server.answers = [limited(1)]
        async with running(tmp_path / "t", app_line(url)) as outbox:
            began = CLOCK.monotonic_ns()
            outbox.evaluated(seen(CLOCK.now(), view(False, down())))
            await until(lambda: outbox.outcomes["acme", "sent"] == 1)
    assert CLOCK.monotonic_ns() - began >= 1e9


async def test_what_waits_is_replaced_by_later_news_of_the_same(tmp_path: Path) -> None:
    since = down()
    async with slack() as (server, url):
        server.answers = [refusing("service_unavailable")]
        async with running(tmp_path / "t", app_line(url)) as outbox:
            outbox.evaluated(seen(CLOCK.now(), view(False, since)))
            await until(lambda: outbox.outcomes["acme", "refused"] == 1)
            outbox.evaluated(seen(CLOCK.now(), view(True, CLOCK.now())))
            await until(lambda: outbox.outcomes["acme", "sent"] == 1)
    assert "is down" in str(server.posted[0][1])
    assert "is up again" in str(server.posted[1][1])
    assert len(server.posted) == 2


async def test_a_channel_added_by_a_reload_is_told_from_then_on(tmp_path: Path) -> None:
    async with slack() as (server, url), running(tmp_path / "t") as outbox:
        outbox.evaluated(seen(CLOCK.now(), view(False, down())))
        outbox.reload([app_line(url)], "UTC")
        await until(lambda: outbox.outcomes["acme", "sent"] == 1)
        outbox.reload([], "UTC")
        assert outbox.waiting() == {}
    assert len(server.posted) == 1


def test_a_table_that_is_damaged_is_put_aside(tmp_path: Path) -> None:
    table = tmp_path / "t"
    table.write_bytes(b"no database at all, but longer than a header would have to be" * 20)
    with open_deliveries(table) as deliveries:
        assert deliveries.read(0) == ({}, [])
    assert (tmp_path / "t.damaged").exists()
    assert table.stat().st_mode & 0o777 == 0o600


def test_a_table_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError), open_deliveries(tmp_path / "missing" / "t"):
        pass


WAITING = Delivery("acme", "k", "t", "{}", 0)


@given(
    st.integers(0, 200), st.integers(0, 2 * DAY), st.floats(0, 1, exclude_max=True), st.none() | st.integers(0, 3600)
)
def test_the_next_attempt_comes_later_and_later_and_never_sooner_than_was_asked(
    attempts: int, now: int, chance: float, asked: int | None
) -> None:
    tried = after(replace(WAITING, attempts=attempts), Refused("timeout", asked), now, chance)
    assert tried.attempts == attempts + 1
    if now >= GIVEN_UP_AFTER:
        assert (tried.state, tried.reason) == ("given_up", "timeout")
        return
    assert tried.state == "waiting"
    wait = tried.next_at - now
    assert 2 * SECOND <= wait <= max(LONGEST_WAIT, HOUR)
    assert wait >= 1000 * (asked or 0)


def test_what_lies_in_the_message_is_not_tried_again_and_what_was_taken_is_done() -> None:
    assert after(WAITING, Refused("msg_too_long", for_good=True), 5, 0).state == "given_up"
    sent = after(replace(WAITING, reason="timeout"), Sent("C1 1"), 5, 0)
    assert (sent.state, sent.ref, sent.reason) == ("sent", "C1 1", None)
