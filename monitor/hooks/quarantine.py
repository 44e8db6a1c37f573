"""Deliveries that were proved and became nothing, kept aside as they came (design/reliability.md, "4 Bad input"): files
in a folder of their own, for the daemon's user only, few and not for long."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from monitor.ledger.period import DAY

MOST = 100
LONGEST = 30 * DAY


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The folder; it is made when there is something to keep."""

    folder: Path

    def keep(self, source: str, body: bytes, now: int) -> None:
        """Keeps the bytes, and lets go of what is too old or too many. Blocks. Raises OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        whose = hashlib.sha256(source.encode()).hexdigest()[:8]  # a name may hold what no file's name can
        path = self.folder / f"{now:015}-{whose}-{hashlib.sha256(body).hexdigest()[:16]}"
        path.touch(mode=0o600)
        path.write_bytes(body)
        kept = sorted(self.folder.iterdir())
        for place, each in enumerate(reversed(kept)):
            if place >= MOST or _received(each) < now - LONGEST:
                each.unlink(missing_ok=True)


def _received(path: Path) -> int:
    when = path.name.partition("-")[0]
    return int(when) if when.isascii() and when.isdigit() else 0
