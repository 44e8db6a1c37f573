"""`channels test|preview`: whether a channel takes what it is told, and what it would be told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import click

from exporters import channel_words as words
from exporters.stated import Statement, Wall
from monitor.channels import KINDS, Answer, Message, Refused, WaysOut
from monitor.channels.slack import body_of as slack_body
from monitor.channels.ways import WebPost, in_its_own_thread
from monitor.channels.webhook import body_of as webhook_body
from monitor.cli.inputs import config_option, configuration
from monitor.clock import SystemClock
from monitor.errors import InputError, StoreError
from monitor.facts import Json
from monitor.ledger.peaks import ErrorCount, Errors, PeakFigures, PeakView, TrafficEvent
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, format_instant
from monitor.ledger.snapshot import Burn, ServiceView
from monitor.ledger.terms import PeakTerms
from monitor.outbox import Line
from monitor.outbox.lines import lines_of
from monitor.poller import session


@click.group
def channels() -> None:
    """Try a channel, or see what channels are told."""


@channels.command("test")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Send nothing: print what would be sent.")
@config_option
def test(name: str, dry_run: bool, config_file: Path | None) -> None:
    """Send one message over the channel of that name: a customer's, or one of `channels`. Exit 1 when it is refused."""
    line = _line(config_file, name)
    at = format_instant(SystemClock().now())
    message = Message(f"test/{at}", f"test/{at}", "A test of this channel", (f"Sent by minutebook at {at}.",), "good")
    if dry_run:
        click.echo(_shown(line, message))
        return
    answer = asyncio.run(_send(line, message))
    if isinstance(answer, Refused):
        raise StoreError(f"{name} did not take it: {answer.reason}")
    click.echo(f"{name} took it")


@channels.command("preview")
def preview() -> None:
    """Print an example of everything that channels are told; nothing is sent and no configuration is read."""
    for said in _examples(SystemClock().now()):
        click.echo("\n".join([f"[{said.tone}] {said.title}", *(f"    {line}" for line in said.lines), ""]))


def _line(config_file: Path | None, name: str) -> Line:
    config = configuration(config_file)
    lines = [] if config is None else lines_of(config)
    found = next((line for line in lines if line.recipient.name == name), None)
    if found is None:
        known = " ".join(line.recipient.name for line in lines) or "none"
        raise InputError(f"there is no channel {name!r}; there are: {known}")
    if (refusal := KINDS[found.kind].refusal()) is not None:
        raise InputError(f"the channel {name} is of the kind {found.kind}, and that {refusal}")
    return found


async def _send(line: Line, message: Message) -> Answer:
    async with session() as client, asyncio.timeout(60):
        ways = WaysOut(WebPost(client), in_its_own_thread)
        return await KINDS[line.kind].send(line.settings, message, None, ways)


def _shown(line: Line, message: Message) -> str:
    """What would be sent; where to is a secret."""
    body = slack_body(message) if line.kind.startswith("slack") else webhook_body(message)
    return json.dumps({"channel": line.recipient.name, "kind": line.kind, "body": body}, indent=2, ensure_ascii=False)


# ---------------------------------------------------------------- examples


def _examples(now: int) -> list[words.Words]:
    wall = Wall("UTC")
    view = ServiceView("app", "The app", True, False, (), Burn({}, {}, {}), since=now - HOUR)
    outage = words.Outage(view, now - HOUR, None, wall)
    peak = _peak(now)
    return [
        words.outage_begun(outage, now),
        words.outage_goes_on(outage, now),
        words.outage_over(outage._replace(end=now), now),
        words.month_closed(_statement(), "The app"),
        words.peak_begun(peak, wall),
        words.peak_goes_on(peak, 2, wall),
        words.peak_over(peak, wall),
    ]


def _peak(now: int) -> PeakView:
    event = TrafficEvent("sale", "acme", now - 2 * HOUR, now + HOUR, now - 8 * DAY, Fraction(8), now - 8 * DAY, "alice")
    figures = PeakFigures("app", event.period, now, 2 * HOUR - 4_000, 4_000, 0, 0, HOUR, 10_800, [], [])
    begun, asked = event.start // HOUR * HOUR, now // SECOND * SECOND
    errors = Errors(ErrorCount(begun - HOUR, begun, 118), ErrorCount(begun, asked, 1_240))
    return PeakView(event, PeakTerms(), ("app",), (figures,), (figures,), errors)


def _statement() -> Statement:
    example: Mapping[str, Json] = {
        "service": "app",
        "month": "2026-06",
        "revision": 1,
        "verdict": "met",
        "digest": "sha256:...",
        "objective": "0.999",
        "budget_ms": 43 * MINUTE,
        "accounts_ms": {"down": 12 * MINUTE},
        "availability": {"published": "0.999722"},
    }
    return example
