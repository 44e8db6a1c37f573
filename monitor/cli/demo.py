"""`demo`: a daemon over an app of its own, with a history."""

from __future__ import annotations

import os
import socket
import tempfile
import webbrowser
from contextlib import ExitStack
from pathlib import Path

import click

from monitor.app import Start
from monitor.cli.daemon import run_daemon, until_told
from monitor.clock import SystemClock
from monitor.config import load, written_terms
from monitor.demo import Ports, history, served, write_configuration
from monitor.ledger.period import format_instant
from monitor.store import open_for_writing
from monitor.wiring import store_url

FREE_PORT = 0


@click.command
def demo() -> None:
    """Two months of history, an app that fails on purpose and two status pages, on 127.0.0.1. Ctrl-C ends it."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="minutebook-demo-") as folder:
        ports = Ports(*_free_ports(4))
        path = write_configuration(Path(folder), ports)
        config = load(path, os.environ)
        facts = history(clock.now(), written_terms(config))
        click.echo(f"minutebook demo: writing {len(facts)} facts of history", err=True)
        with open_for_writing(store_url(config), clock.now()) as store:
            store.append(facts)

        def started(address: str) -> None:
            click.echo(f"minutebook demo: {address} (metrics at {address}metrics)")
            click.echo(f"  minutebook statement -c {path} --month {format_instant(clock.now())[:7]}")
            if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
                webbrowser.open(address)

        run_daemon(_demonstrate(Start(config, lambda: load(path, os.environ), clock, started), ports))


async def _demonstrate(start: Start, ports: Ports) -> None:
    async with served(start.clock, ports):
        await until_told(start)


def _free_ports(count: int) -> list[int]:
    """Different ones, on 127.0.0.1."""
    with ExitStack() as taken:
        free = [taken.enter_context(socket.create_server(("127.0.0.1", FREE_PORT))) for _ in range(count)]
        return [server.getsockname()[1] for server in free]
