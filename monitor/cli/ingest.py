"""`ingest`: beacons, taken in by a process of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click

from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.clock import SystemClock
from monitor.config import load
from monitor.errors import InputError
from monitor.ingest import NICER, Ingest, serve
from monitor.store.url import store_path
from monitor.telemetry import say
from monitor.web import Listen
from monitor.wiring import beacon_rules, beacon_spool, control_socket, store_url

HIGHEST_PORT = 65_535


@click.command
@config_option
@click.option("--listen", default="127.0.0.1:9844", show_default=True, help="Address and port; 0 takes a free port.")
def ingest(config_file: Path | None, listen: str) -> None:
    """Take beacons in, in a process of its own beside the daemon that looks, until stopped."""
    config = load(config_file or DEFAULT_FILE, os.environ)
    rules = beacon_rules(config)
    if rules is None:
        raise InputError("nothing to take in: the configuration has no section `web_vitals`")
    store = store_path(store_url(config))

    def started(address: str) -> None:
        say(sys.stderr, f"minutebook ingest: {address}v1/web-vitals (metrics at {address}metrics)")

    wanted = Ingest(_listen(listen), beacon_spool(store), control_socket(store), rules, SystemClock(), started)
    with suppress(OSError):  # a system that refuses gives it its place itself: the unit has Nice=
        os.nice(NICER)
    asyncio.run(_until_told(wanted))


def _listen(text: str) -> Listen:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        raise InputError(f"--listen: expected an address and a port such as 127.0.0.1:9844; found {text!r}")
    return Listen(host.strip("[]"), int(port))


async def _until_told(wanted: Ingest) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(wanted, stop)
