"""`run`, `probe` and `demo`: the commands that look at something."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from exporters.labels import shown_target
from exporters.warnings import Measured, warnings_of
from monitor import systemd
from monitor.app import Signals, Start, serve
from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.cli.looks import Look, look_json, look_text
from monitor.clock import SystemClock
from monitor.config import Config, for_urls, load, written_terms
from monitor.demo import Ports, history, served, write_configuration
from monitor.errors import InputError, MinutebookError
from monitor.interfaces import Tick
from monitor.ledger.period import format_instant
from monitor.prober import probe_once
from monitor.prober.results import look_result
from monitor.probes import KINDS, ProbedCheck
from monitor.probes.trace import Trace
from monitor.store import open_for_writing
from monitor.telemetry import say
from monitor.wiring import looked_at, probing_options, store_url, warn_limits

PROBE_FAILED = 1
"""Exit status of `probe` when the look did not pass."""

FREE_PORT = 0


@click.command
@click.argument("urls", nargs=-1)
@config_option
def run(urls: tuple[str, ...], config_file: Path | None) -> None:
    """Probe, record, book and expose, until stopped. With URLs and no file each URL is a service with one check."""
    reread = _reader(urls, config_file)
    clock = SystemClock()

    _take_all_files()
    gc.disable()  # what a start makes stays: looking through it again and again is a quarter of its cost

    def started(address: str) -> None:
        _give_back()
        gc.freeze()
        gc.enable()
        say(sys.stderr, f"minutebook: {address} (metrics at {address}metrics)")
        systemd.tell(systemd.READY, os.environ)

    _run(_until_told(Start(reread(), reread, clock, started)))


def _take_all_files() -> None:
    """Raises the limit of open files to what the system allows: each look under way takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # a system that refuses leaves the looks to wait for each other
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _reader(urls: tuple[str, ...], config_file: Path | None) -> Callable[[], Config]:
    if urls and config_file is not None:
        raise InputError("name URLs or a configuration, not both: put the URLs into the file")
    if urls:
        return lambda: for_urls(list(urls))
    if config_file is None and not DEFAULT_FILE.exists():
        raise InputError(f"nothing to watch: name a URL, or a configuration with -c FILE (there is no {DEFAULT_FILE})")
    return lambda: load(config_file or DEFAULT_FILE, os.environ)


def _give_back() -> None:
    """What the start took and let go of goes back to the system, where the C library can (malloc_trim(3), glibc)."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _run(daemon: Coroutine[Any, Any, None]) -> None:
    """Runs it on the quickest loop there is; an expected error leaves as itself, whatever group it was in."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon)
    except* MinutebookError as group:
        _raise_first(group)


def _raise_first(group: BaseExceptionGroup[MinutebookError]) -> NoReturn:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _raise_first(error)
        raise error
    raise group


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return factory


async def _until_told(start: Start) -> None:
    async with _told_by_signals() as signals, systemd.alive(os.environ):
        await serve(start, signals)


@asynccontextmanager
async def _told_by_signals() -> AsyncIterator[Signals]:
    loop, signals = asyncio.get_running_loop(), Signals(asyncio.Event(), asyncio.Event())
    told = {signal.SIGTERM: signals.stop, signal.SIGINT: signals.stop, signal.SIGHUP: signals.reload}
    for number, event in told.items():
        loop.add_signal_handler(number, event.set)
    try:
        yield signals
    finally:
        for number in told:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)  # on its way out, it need not be told again


@click.command
@click.argument("what")
@click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Look at a check of this file.",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def probe(what: str, config_file: Path | None, as_json: bool) -> None:
    """One probe now: of a URL, or with -c FILE of a check of that name. Exit 1 when it does not pass."""
    config = for_urls([what]) if config_file is None else load(config_file, os.environ)
    check = _check_named(looked_at(config), None if config_file is None else what)
    if (refusal := KINDS[check.kind].refusal()) is not None:
        raise InputError(f"the check {check.name} is of the kind {check.kind}, and {refusal}")
    trace = Trace()
    seen = asyncio.run(probe_once(check, SystemClock(), probing_options(config), trace))
    look = Look(
        target=shown_target(KINDS[check.kind].target_of(check.settings)),
        seen=seen,
        fact=look_result(check, Tick(check.name, 0, seen.at), seen, config.location),
        hops=trace.hops,
        warnings=[
            *warnings_of(
                warn_limits(config.checks[check.name]), Measured(seen.at, seen.duration_ms, seen.certificate_expires)
            )
        ],
    )
    click.echo(look_json(look) if as_json else look_text(look))
    if seen.outcome != "pass":
        sys.exit(PROBE_FAILED)


def _check_named(checks: list[ProbedCheck], name: str | None) -> ProbedCheck:
    for check in checks:
        if name is None or check.name == name:
            return check
    known = " ".join(check.name for check in checks)
    raise InputError(f"there is no check {name!r} that is probed from here; there are: {known}")


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
            click.echo(f"minutebook demo: {address} (metrics at {address}metrics)", err=True)
            click.echo(f"  minutebook statement -c {path} --month {format_instant(clock.now())[:7]}", err=True)
            if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
                webbrowser.open(address)

        _run(_demonstrate(Start(config, lambda: load(path, os.environ), clock, started), ports))


async def _demonstrate(start: Start, ports: Ports) -> None:
    async with served(start.clock, ports):
        await _until_told(start)


def _free_ports(count: int) -> list[int]:
    """Different ones, on 127.0.0.1."""
    with ExitStack() as taken:
        free = [taken.enter_context(socket.create_server(("127.0.0.1", FREE_PORT))) for _ in range(count)]
        return [server.getsockname()[1] for server in free]
