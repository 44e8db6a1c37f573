"""The daemon's log: one line each, written by a thread of its own, so that a full pipe never holds the loop.

Nothing leaves with a secret in it: what looks like one is replaced before it is written.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from monitor.facts import Json
from monitor.ledger.period import format_instant
from monitor.telemetry.lines import Lines

MESSAGE_LIMIT = 8000
"""Characters of a line of the log."""

OURS = ("monitor", "exporters")
"""Whose messages are shown from INFO on; a library has nothing to tell an operator below WARNING."""

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


def _is_told(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS


@contextmanager
def logging_to(stream: TextIO, level: int = logging.INFO) -> Iterator[None]:
    """What is logged goes to the stream, from a thread, of libraries only warnings and worse.

    One line each: for a person on a terminal, else JSON.
    """
    handler = Lines(stream, OneLine() if stream.isatty() else JsonLines())
    handler.addFilter(_is_told)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    handler.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.finish()
