"""Sentry's counts in the summaries of a peak and in its metric: as of when they are, or that they are not known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exporters import channel_words as words
from exporters.prometheus import Exposition
from exporters.self_metrics import SelfMetrics
from exporters.stated import Wall
from monitor.config import Config
from monitor.config.load import parse
from monitor.ledger.peaks import ErrorCount, Errors, PeakView
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND
from monitor.life import Current
from monitor.peak_errors import STANDS, PeakErrors, events_source
from monitor.poller import Fetcher, session
from tests.channels.services import NOW, peak, seen
from tests.vendors import sentry
from tests.vendors.sentry import Sentry

LONDON = Wall("Europe/London")
START, END = NOW, NOW + 150 * MINUTE
UNKNOWN = "How many events of the app Sentry received is not known."


@dataclass
class Hands:
    """A clock that the test moves."""

    at: int = NOW

    def now(self) -> int:
        return self.at

    def monotonic_ns(self) -> int:
        return self.at * 1_000_000

    def asleep_ns(self) -> int:
        return 0

    def synchronized(self) -> bool | None:
        return True


@dataclass
class World:
    """A Sentry, who asks it, and one peak of two and a half hours."""

    sentry: Sentry
    asks: PeakErrors
    clock: Hands
    server: TestServer
    peaks: tuple[PeakView, ...]

    def view(self, at: int) -> PeakView:
        view = peak(START, END, at)
        return view._replace(errors=self.asks.of(view.event, at))

    async def ask(self, at: int) -> PeakView:
        self.clock.at = at
        await self.asks.ring()
        return self.view(at)


def configured(url: str, project: str = ", events_project: web") -> Config:
    return parse(
        "services: [{name: app, checks: [{name: ping, http: {url: 'https://app.example.com/'}}]}]\n"
        "sources:\n  - name: s\n    vantage_of: {'1': ping}\n"
        f"    sentry_uptime: {{organization: {sentry.ORGANIZATION}, url: '{url}', auth_token: {{from_env: S}}"
        f"{project}}}\n",
        "minutebook.yaml",
        Path(),
        {"S": sentry.TOKEN},
    )


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    theirs, clock = Sentry(), Hands()

    async def answer(request: web.Request) -> web.Response:
        return await theirs.answer(request) or web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{rest:.*}", answer)
    async with TestServer(app) as server, session() as client:
        current = Current(configured(str(server.make_url(""))), None)  # type: ignore[arg-type]  # no terms are looked at
        found = World(theirs, None, clock, server, (peak(START, END, START),))  # type: ignore[arg-type]  # in the next line
        found.asks = PeakErrors(clock, Fetcher(client, clock), current, lambda: seen(clock.at, peaks=found.peaks))
        yield found


async def test_the_start_tells_of_the_hour_before_and_each_later_summary_of_the_peak_and_its_newest_hour() -> None:
    async with world() as at:
        at.sentry.stats |= {START - 2 * HOUR: 9_999, START - HOUR: 118, START: 600, START + HOUR: 1_241}
        begun = words.peak_begun(await at.ask(START - 20 * SECOND), LONDON)
        assert begun.lines[-1] == (
            "Sentry received 118 events of the app from 2026-06-15 12:00:00 BST to 2026-06-15 12:59:40 BST, 2.0 a"
            " minute."
        )
        first = await at.ask(START + HOUR - 20 * SECOND)
        counted = ErrorCount(START, START + HOUR - 20 * SECOND, 600)
        assert first.errors == Errors(ErrorCount(START - HOUR, START, 118), counted, counted)
        hour = words.peak_goes_on(at.view(START + HOUR), 1, LONDON)
        assert hour.lines[-1].startswith("Sentry received 600 events of the app from 2026-06-15 13:00:00 BST to")
        later = words.peak_goes_on(await at.ask(START + 2 * HOUR - 20 * SECOND), 2, LONDON)
        assert later.lines[-2:] == (
            "Sentry received 1841 events of the app from 2026-06-15 13:00:00 BST to 2026-06-15 14:59:40 BST, 15.4 a"
            " minute.",
            "Of these, 1241 from 2026-06-15 14:00:00 BST to 2026-06-15 14:59:40 BST, 20.8 a minute.",
        )
        over = words.peak_over(await at.ask(END - 5 * SECOND), LONDON)
        assert over.lines[-3].startswith("Sentry received 1841 events of the app")
        assert over.lines[-1].startswith("The report: ")


async def test_the_metric_has_the_newest_count_while_the_peak_runs_and_is_absent_where_it_is_not_known() -> None:
    def shown(view: PeakView, now: int) -> list[str]:
        page = "".join(Exposition().render(seen(now, peaks=(view,)), {}, SelfMetrics("1", "3.11")))
        return [line for line in page.splitlines() if line.startswith("sla_event_sentry_events")]

    async with world() as at:
        at.sentry.stats[START] = 7
        assert shown(await at.ask(START + MINUTE), START + MINUTE) == ['sla_event_sentry_events{event="sale"} 7']
        old = START + MINUTE + STANDS + 1
        assert shown(at.view(old), old) == []
        assert shown(await at.ask(END), END) == []


WRONG: list[Callable[[], web.Response]] = [
    lambda: web.Response(status=500),
    lambda: web.Response(status=403),
    lambda: web.Response(text="<html>", content_type="text/html"),
    lambda: web.json_response({"detail": "no"}),
    lambda: web.json_response([[1, -1]]),
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_sentry_in_trouble_leaves_every_summary_whole_and_is_told_once(
    wrong: Callable[[], web.Response], caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as at:
        at.sentry.refusal = wrong
        view, _ = [await at.ask(now) for now in (START, START + 30 * SECOND)]
        at.sentry.refusal = None
        plain = peak(START, END, START + 2 * HOUR)
        known = view._replace(figures=plain.figures, last_hour=plain.last_hour)
        told = (
            (words.peak_begun(known, LONDON), words.peak_begun(plain, LONDON)),
            (words.peak_goes_on(known, 2, LONDON), words.peak_goes_on(plain, 2, LONDON)),
            (words.peak_over(known, LONDON), words.peak_over(plain, LONDON)),
        )
        for said, without in told:
            assert [line for line in said.lines if line != UNKNOWN] == [*without.lines]
            assert said.lines.count(UNKNOWN) == 1
            assert (said.title, said.tone) == (without.title, without.tone)
    assert len([each for each in caplog.records if "in an announced peak" in each.message]) == 1


async def test_a_sentry_that_is_not_there_is_not_known_until_it_answers() -> None:
    async with world() as at:
        at.sentry.stats[START] = 7
        await at.ask(START + MINUTE)
        await at.server.close()
        kept = (await at.ask(START + 2 * MINUTE)).errors
        assert kept is not None
        assert kept.during == ErrorCount(START, START + MINUTE, 7)
        assert (await at.ask(START + MINUTE + STANDS + 1)).errors == Errors()


async def test_what_sentry_asks_for_is_waited() -> None:
    async with world() as at:
        at.sentry.refusal = lambda: web.Response(status=429, headers={"Retry-After": "120"})
        await at.ask(START)
        at.sentry.refusal = None
        await at.ask(START + 119 * SECOND)
        assert at.sentry.stats_asked == 1
        assert (await at.ask(START + 120 * SECOND)).errors != Errors()


@pytest.mark.parametrize("now", [START - HOUR - 1, END + HOUR])
async def test_sentry_is_asked_around_a_peak_only(now: int) -> None:
    async with world() as at:
        assert (await at.ask(now)).errors == Errors()
        assert at.sentry.stats_asked == 0


async def test_an_hour_that_the_answer_lacks_is_not_made_up() -> None:
    async with world() as at:
        at.sentry.refusal = lambda: web.json_response([[START // 1000, 5], [(START + 2 * HOUR) // 1000, 9]])
        found = (await at.ask(START + 2 * HOUR + MINUTE)).errors
        assert found is not None
        assert found.before is None
        assert found.during == ErrorCount(START, START + HOUR, 5)


async def test_a_peak_that_is_too_long_to_ask_for_leaves_what_is_known_of_others() -> None:
    async with world() as at:
        at.sentry.stats[START] = 7
        long = peak(START - 60 * DAY, START + DAY, START + MINUTE)
        at.peaks = (peak(START, END, START), long)
        assert (await at.ask(START + MINUTE)).errors != Errors()
        assert at.asks.of(long.event, START + MINUTE) == Errors()


def test_without_an_events_project_no_summary_speaks_of_sentry() -> None:
    assert events_source(configured("https://sentry.io", project="")) is None
    plain = peak(START, END, START + HOUR)
    for said in (words.peak_begun(plain, LONDON), words.peak_goes_on(plain, 1, LONDON), words.peak_over(plain, LONDON)):
        assert "Sentry" not in " ".join(said.lines)
