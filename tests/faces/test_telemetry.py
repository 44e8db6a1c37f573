"""The log and what is sent to Sentry: one line each, no secrets, and never in the way."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import sentry_sdk
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitor.errors import InputError
from monitor.telemetry import ProcessMetrics, logging_to, redacted
from monitor.telemetry.sentry import Reporting, pulse, reporting

SECRET = "2retnuh"[::-1]  # the lines of source around an error are sent, so they must not hold it

log = logging.getLogger("monitor.tried")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Sink:
    """A Sentry that keeps what it is sent."""

    dsn: str = ""
    sent: str = ""
    events: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        text = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
        self.sent += text
        self.headers.append(dict(request.headers))
        for line in text.splitlines():
            with suppress(ValueError):
                self.events.append(json.loads(line))
        return web.json_response({})

    def of(self, name: str) -> list[dict[str, object]]:
        """The items that have this field."""
        return [event for event in self.events if name in event]


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    kept = Sink()
    app = web.Application()
    app.router.add_post("/api/1/envelope/", kept.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    kept.dsn = f"http://public@{host}:{port}/1"
    yield kept
    await runner.cleanup()


SECRETS = (
    ("https://ann:hunter2@example.com/x", "hunter2"),
    ("GET https://example.com/?token=hunter2&page=1", "hunter2"),
    ("mb_op_0123abcd_hunter2hunter2", "hunter2"),
    ("Authorization: Bearer hunter2hunter2", "hunter2"),
    ("Bearer hunter2hunter2hunter2", "hunter2"),
    ('{"password": "hunter2"}', "hunter2"),
    ("api_key=hunter2, next", "hunter2"),
    ("postgresql://user:hunter2@db/minutebook", "hunter2"),
)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_replaced(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "token 0123abcd (operator) was used, but is revoked",
        "minutebook.yaml:3:5: sources[0].api_token: expected text",
        "https://example.com/health#part",
        "the basic configuration is bearer of tokens",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text())
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def test_a_line_for_a_person_stays_one_line() -> None:
    stream = Terminal()
    with logging_to(stream):
        log.warning("first\nsecond\x1b[31m %s", "https://ann:hunter2@example.com")
        log.error("failed", exc_info=ZeroDivisionError("a\nb"))
        log.debug("not shown")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("Z warning monitor.tried: first | second?[31m https://***@example.com")
    assert second.endswith("Z error monitor.tried: failed | ZeroDivisionError: a | b")


def test_a_line_for_a_machine_is_json() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        log.info("started %s", "0.1")
    line = json.loads(stream.getvalue())
    assert line.keys() == {"at", "level", "logger", "message"}
    assert (line["level"], line["message"]) == ("info", "started 0.1")


def test_of_libraries_only_warnings_are_told() -> None:
    stream = Terminal()
    with logging_to(stream):
        logging.getLogger("apscheduler.scheduler").info("Scheduler started")
        logging.getLogger("apscheduler.scheduler").warning("missed by %s", "0:00:02")
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("Z warning apscheduler.scheduler: missed by 0:00:02\n")


def test_logging_ends_with_its_block() -> None:
    before = list(logging.getLogger().handlers)
    with logging_to(io.StringIO()):
        assert len(logging.getLogger().handlers) == len(before) + 1
    assert logging.getLogger().handlers == before


async def test_what_is_no_dsn_is_refused() -> None:
    with pytest.raises(InputError, match=r"sentry\.dsn: is no DSN"):
        async with reporting(Reporting("nonsense", "0.1", "london")):
            pass


async def test_errors_are_sent_without_secrets_and_variables(sink: Sink) -> None:
    async with reporting(Reporting(sink.dsn, "0.1", "london")):
        a_local_variable = "hunter2"
        log.info("breadcrumb of https://ann:hunter2@example.com/?key=hunter2")
        log.error("lost %s", "postgresql://ann:hunter2@db/x")
        assert a_local_variable
    assert not sentry_sdk.get_client().is_active()
    (event,) = sink.of("exception") or sink.of("logentry")
    assert event["release"] == "minutebook@0.1"
    assert event["server_name"] == "london"
    assert "hunter2" not in sink.sent
    assert "postgresql://***@db/x" in sink.sent
    assert not any({"baggage", "sentry-trace"} & {name.lower() for name in headers} for headers in sink.headers)


async def test_what_ends_the_daemon_is_sent_and_goes_on(sink: Sink) -> None:
    with pytest.raises(ZeroDivisionError):
        async with reporting(Reporting(sink.dsn, "0.1", "london")):
            raise ZeroDivisionError(f"mb_op_0123abcd_{SECRET}")
    assert len(sink.of("exception")) == 1
    assert SECRET not in sink.sent


async def test_the_pulse_checks_in_and_makes_its_monitor(sink: Sink) -> None:
    async with reporting(Reporting(sink.dsn, "0.1", "london")):
        await pulse("minutebook", lambda: True)()
        await pulse("minutebook", lambda: False)()
    pulses = sink.of("check_in_id")
    assert [(each["monitor_slug"], each["status"]) for each in pulses] == [
        ("minutebook", "ok"),
        ("minutebook", "error"),
    ]
    assert pulses[0]["monitor_config"] == {
        "schedule": {"type": "interval", "value": 1, "unit": "minute"},
        "checkin_margin": 2,
        "max_runtime": 1,
    }


async def test_a_sentry_that_is_away_holds_nothing_up() -> None:
    async with asyncio.timeout(10), reporting(Reporting("http://public@127.0.0.1:9/1", "0.1", "london")):
        log.error("nobody hears this")
        await pulse("minutebook", lambda: True)()


def test_the_process_is_on_the_page() -> None:
    names = {family.name for family in text_string_to_metric_families(ProcessMetrics().text())}
    assert {"process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds", "python_info"} <= names
