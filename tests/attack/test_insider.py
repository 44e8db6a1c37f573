"""What somebody who wants a better number can do within the rules, and that it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exporters.statement_text import statement_text

GOLDEN = Path(__file__).parents[1] / "faces" / "golden" / "statement.json"


def test_downtime_that_a_person_took_away_afterwards_says_when_and_why() -> None:
    stated: dict[str, Any] = json.loads(GOLDEN.read_text())
    stated["exclusions"] = [
        {
            "id": "e1",
            "class": "force_majeure",
            "start": "2026-03-02T00:00:00.000Z",
            "end": "2026-03-03T00:00:00.000Z",
            "granted_ms": 60_000,
            "requested_ms": 86_400_000,
            "announced_at": "2026-03-31T21:55:00.000Z",
            "notice_ms": None,
            "source": None,
            "url": None,
            "author": "ada",
            "approver": None,
            "evidence": "none\x1b[2J",
            "reason": "a storm",
        }
    ]
    said = statement_text(stated)
    assert "    declared 2026-03-31 22:55:00 BST\n    author ada\n    reason a storm\n    evidence none?[2J\n" in said
