"""`run`: the daemon."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from monitor import systemd
from monitor.app import Signals, Start, serve
from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.clock import SystemClock
from monitor.config import Config, for_urls, load
from monitor.errors import InputError, MinutebookError
from monitor.telemetry import say

OFTEN = (700, 10)
"""Python's own thresholds for what was made just now (gc.set_threshold)."""

SELDOM = 500
"""A collection of all that was made since the start takes 0.1 s with 10,000 checks, and nothing is looked at meanwhile:
it comes after so many smaller ones, which is every few minutes there and not every ten seconds, as by Python's own 10.
Most of what is let go of is in no cycle, and goes at once."""


@click.command
@click.argument("urls", nargs=-1)
@config_option
def run(urls: tuple[str, ...], config_file: Path | None) -> None:
    """Probe, record, book and expose, until stopped. With URLs and no file each URL is a service with one check."""
    reread = _reader(urls, config_file)
    clock = SystemClock()

    _take_all_files()

    def started(address: str) -> None:
        _give_back()
        gc.freeze()
        gc.set_threshold(*OFTEN, SELDOM)
        gc.enable()
        say(sys.stderr, f"minutebook: {address} (metrics at {address}metrics)")
        systemd.tell(systemd.READY, os.environ)

    run_daemon(until_told(Start(reread(), reread, clock, started)))


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


def run_daemon(daemon: Coroutine[Any, Any, None]) -> None:
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


async def until_told(start: Start) -> None:
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
