"""How each protocol is asked for TLS on a connection that begins without it, as steps of a dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from monitor.probes.dialogue import Step

StartTls = Literal["smtp", "imap", "pop3", "ftp", "postgres"]

_SMTP_REFUSAL = r"^[45]\d\d"


@cache
def dialogues() -> Mapping[StartTls, tuple[Step, ...]]:
    """Made when the first one is spoken: their patterns bring RE2."""
    return {
        # RFC 3207 section 4; the name in EHLO is one that is nobody's (RFC 2606)
        "smtp": (
            Step(expect="^220 ", refuse=_SMTP_REFUSAL, send=r"EHLO minutebook.invalid\r\n"),
            Step(expect="^250 ", refuse=_SMTP_REFUSAL, send=r"STARTTLS\r\n"),
            Step(expect="^220 ", refuse=_SMTP_REFUSAL, starttls=True),
        ),
        # RFC 9051 section 6.2.1
        "imap": (
            Step(expect=r"(?i)^\* OK\b", refuse=r"(?i)^\* (BYE|PREAUTH)\b", send=r"a1 STARTTLS\r\n"),
            Step(expect=r"(?i)^a1 OK\b", refuse=r"(?i)^(a1 (NO|BAD)|\* BYE)\b", starttls=True),
        ),
        # RFC 2595 section 4
        "pop3": (
            Step(expect=r"^\+OK", refuse="^-ERR", send=r"STLS\r\n"),
            Step(expect=r"^\+OK", refuse="^-ERR", starttls=True),
        ),
        # RFC 4217 section 4
        "ftp": (
            Step(expect="^220 ", refuse=r"^[45]\d\d", send=r"AUTH TLS\r\n"),
            Step(expect="^234 ", refuse=r"^[45]\d\d", starttls=True),
        ),
        # PostgreSQL's documentation, "Message Formats", SSLRequest: one byte answers
        "postgres": (
            Step(send=r"\x00\x00\x00\x08\x04\xd2\x16\x2f"),
            Step(expect_bytes="S", starttls=True),
        ),
    }
