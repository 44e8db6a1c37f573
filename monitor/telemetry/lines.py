"""Lines written by a thread of their own: a pipe that nobody reads, a full disk or a closed stream holds nothing up.

It writes past Python's buffers, whose locks the end of the process waits for.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from typing import TextIO

LINES_KEPT = 10_000
"""Lines that wait to be written; later ones are dropped and counted."""

END_S = 1.0
"""How long the end waits for what was not written yet; SIGTERM has 10 s for everything."""

SAY_S = 0.2


class Lines(logging.Handler):
    """Hands records to the thread; formatting them is its work. `start` it, and `finish` it."""

    def __init__(self, stream: TextIO, formatter: logging.Formatter) -> None:
        super().__init__()
        self._stream = stream
        self._line = formatter
        self._waiting: Queue[logging.LogRecord | None] = Queue(LINES_KEPT)
        self._dropped = 0
        self._thread = Thread(target=self._write_all, name="log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a record; never waits."""
        try:
            self._waiting.put_nowait(record)
        except Full:
            self._dropped += 1

    def finish(self) -> None:
        """Waits until everything is written, for a bounded time."""
        with suppress(Full):
            self._waiting.put(None, timeout=END_S)
        self._thread.join(END_S)

    def _write_all(self) -> None:
        while (record := self._waiting.get()) is not None:
            write(self._stream, self._line.format(record))
            dropped, self._dropped = self._dropped, 0
            if dropped:
                told = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
                message = f"{dropped} lines of the log were dropped: nobody read them"
                write(self._stream, self._line.format(logging.makeLogRecord({**told, "msg": message})))


def say(stream: TextIO, line: str) -> None:
    """Writes a line without waiting longer than 0.2 s for it."""
    thread = Thread(target=write, args=(stream, line), name="say", daemon=True)
    thread.start()
    thread.join(SAY_S)


def write(stream: TextIO, line: str) -> None:
    """One line. What cannot be written is lost: there is nobody left to tell."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # a stream that is no file
        stream.write(f"{line}\n")
        return
    rest = f"{line}\n".encode(errors="backslashreplace")
    with suppress(OSError):
        while rest:
            rest = rest[os.write(descriptor, rest) :]
