"""The daemon's own errors and its own pulse, to Sentry. Imported only where a DSN is configured: it is a tenth of the
start and 3 MiB.

Events go from threads of their own, and without secrets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import sentry_sdk
from sentry_sdk.crons import capture_checkin
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.utils import BadDsn

from monitor.errors import InputError
from monitor.telemetry.log import redacted

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

PULSE_MINUTES = 1
"""Between two check-ins of the daemon's own cron monitor."""

PULSE_MARGIN_MINUTES = 2
"""How late a check-in may be before Sentry alerts: a dead monitor pages."""

FLUSH_SECONDS = 2.0
"""For events that wait to be sent when the daemon stops."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """Where the daemon's own errors go, and who it says it is."""

    dsn: str
    release: str
    location: str


@asynccontextmanager
async def reporting(to: Reporting) -> AsyncIterator[None]:
    """Reports what is logged as an error and what ends the block. Raises InputError for a DSN that is none."""
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
