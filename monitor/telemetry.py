"""How the daemon speaks of itself: its log, its own errors and pulse (Sentry), its process on /metrics.

Nothing here waits on the loop: lines go to stderr, and events to Sentry, from threads of their own. Nothing leaves with
a secret in it: what looks like one is replaced before it is written or sent.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import TYPE_CHECKING, TextIO, cast

import sentry_sdk
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from sentry_sdk.crons import capture_checkin
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.utils import BadDsn

from monitor.errors import InputError
from monitor.facts import Json
from monitor.ledger.period import format_instant

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

PULSE_MINUTES = 1
"""Between two check-ins of the daemon's own cron monitor."""

PULSE_MARGIN_MINUTES = 2
"""How late a check-in may be before Sentry alerts: a dead monitor pages."""

FLUSH_SECONDS = 2.0
"""For events that wait to be sent when the daemon stops."""

MESSAGE_LIMIT = 8000
"""Characters of a line of the log."""

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(mb_(?:vw|op|ag)_[0-9a-f]{8})_[\w-]+"), r"\1_***"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@?#]*@"), r"\1***@"),
    (re.compile(r"([?&][^\s=&#?]+=)[^\s&#'\"]+"), r"\1***"),
    (re.compile(r"(?i)\b(authorization['\"]?\s*[:=]\s*['\"]?\w+)\s+[^\s'\"]+"), r"\1 ***"),
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{16,}"), r"\1 ***"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passwd|secret|token|api[_-]?key|dsn))(\s*=\s*['\"]?|['\"]\s*:\s*['\"]?)[^\s,;)}\]'\"]+"
        ),
        r"\1\2***",
    ),
)


def redacted(text: str) -> str:
    """The text without what may be a secret: userinfo and query values of URLs, tokens, passwords."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


# -- the log


class OneLine(logging.Formatter):
    """`2026-03-20T12:00:00.250Z warning monitor.app: message`, for a person: always one line, a traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        shown = fields_of(record)
        return f"{shown['at']} {shown['level']} {shown['logger']}: {shown['message']}"


class JsonLines(logging.Formatter):
    """An object a line, for a machine."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(fields_of(record))


def fields_of(record: logging.LogRecord) -> dict[str, Json]:
    """What a line of the log says, redacted, without characters that a terminal would obey."""
    message = record.getMessage()
    if record.exc_info:
        message = f"{message} | {logging.Formatter().formatException(record.exc_info)}"
    return {
        "at": format_instant(int(record.created * 1000)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _printable(redacted(message))[:MESSAGE_LIMIT],
    }


def _printable(text: str) -> str:
    spaced = " | ".join(line.strip() for line in text.splitlines())
    return "".join(character if character.isprintable() else "?" for character in spaced)


class _Prepared(QueueHandler):
    """Hands records on as they are: formatting them is the listener's work."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


@contextmanager
def logging_to(stream: TextIO, level: int = logging.INFO) -> Iterator[None]:
    """Everything that is logged goes to the stream, from a thread: a full pipe never holds the loop.

    One line each: for a person on a terminal, else JSON.
    """
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    written = logging.StreamHandler(stream)
    written.setFormatter(OneLine() if stream.isatty() else JsonLines())
    listener = QueueListener(queue, written)
    handler = _Prepared(queue)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        listener.stop()


# -- Sentry


@dataclass(frozen=True, slots=True)
class Reporting:
    """Where the daemon's own errors go, and who it says it is. `monitor` is the slug of the pulse; None: no pulse."""

    dsn: str
    release: str
    location: str
    monitor: str | None = None


@asynccontextmanager
async def reporting(to: Reporting | None) -> AsyncIterator[None]:
    """Reports what is logged as an error and what ends the block; None: nothing is sent anywhere.

    Raises InputError for a DSN that is none.
    """
    if to is None:
        yield
        return
    _start(to)
    try:
        yield
    except Exception as error:
        sentry_sdk.capture_exception(error)
        raise
    finally:
        client = sentry_sdk.get_client()
        await asyncio.to_thread(client.close, timeout=FLUSH_SECONDS)
        sentry_sdk.get_global_scope().set_client(None)


def pulse(monitor: str, alive: Callable[[], bool]) -> Callable[[], Awaitable[None]]:
    """The job that checks in at the daemon's own cron monitor, every PULSE_MINUTES. The monitor makes itself."""

    async def check_in() -> None:
        capture_checkin(
            monitor_slug=monitor,
            status="ok" if alive() else "error",
            monitor_config={
                "schedule": {"type": "interval", "value": PULSE_MINUTES, "unit": "minute"},
                "checkin_margin": PULSE_MARGIN_MINUTES,
                "max_runtime": PULSE_MINUTES,
            },
        )

    return check_in


def _start(to: Reporting) -> None:
    """Own errors only: no integration that looks into requests, no header on anything we send, and of personal data
    nothing, which is the default (`send_default_pii`, and `data_collection` that follows it)."""
    try:
        sentry_sdk.init(
            dsn=to.dsn,
            release=f"minutebook@{to.release}",
            server_name=to.location,
            include_local_variables=False,
            max_request_body_size="never",
            trace_propagation_targets=[],
            propagate_traces=False,
            auto_session_tracking=False,
            auto_enabling_integrations=False,
            default_integrations=False,
            integrations=[
                LoggingIntegration(level=logging.INFO, event_level=logging.ERROR),
                ExcepthookIntegration(),
                DedupeIntegration(),
                AtexitIntegration(callback=lambda pending, timeout: None),
            ],
            before_send=_before_send,
            shutdown_timeout=FLUSH_SECONDS,
        )
    except BadDsn:
        raise InputError("sentry.dsn: is no DSN; copy it from the project's settings, Client Keys") from None


def _before_send(event: Event, hint: Hint) -> Event:
    return cast("Event", _redacted_inside(event))


def _redacted_inside(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _redacted_inside(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted_inside(inner) for inner in value]
    return value


# -- the process on /metrics


class ProcessMetrics:
    """`process_*` and `python_*` as Prometheus clients name them: memory, CPU, open files, collections."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> str:
        """In text format 0.0.4: the last slice of the page."""
        return generate_latest(self._registry).decode()
