"""Progress bars for long work, on a terminal only; rich is imported only where one is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

Advance = Callable[[int, int], None]
"""Told how much is done, of how much in all."""


def lines_with_progress(path: Path, title: str) -> Iterator[bytes]:
    """The lines of a file, with a bar over its bytes."""
    size = path.stat().st_size
    with path.open("rb") as file, progress(title) as advance:
        done = 0
        for line in file:
            done += len(line)
            advance(done, size)
            yield line


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """A bar on standard error when that is a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    console = import_module("rich.console").Console(stderr=True)
    with import_module("rich.progress").Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
