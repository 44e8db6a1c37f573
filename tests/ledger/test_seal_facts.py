"""A seal as a fact: how it is spelled, read back, and refused where it cannot be meant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.facts import Fact, canonical_line, decode_line
from monitor.facts.seals import SealFields, seal_fact, seal_of
from monitor.ledger.period import DAY, HOUR, MINUTE, format_instant
from monitor.ledger.seals import sealed
from tests.ledger.test_seals import FIRST, look


def test_a_seal_is_spelled_as_facts_md_has_it_and_read_back() -> None:
    day = [look(at, "fail" if at == FIRST + HOUR else "pass") for at in range(FIRST, FIRST + DAY, MINUTE)]
    seal = sealed(day, FIRST, FIRST + DAY + HOUR)._replace(recorded_at=FIRST + DAY + HOUR + 1)
    fact = seal_fact(seal)
    assert isinstance(fact.fields, SealFields)
    again = decode_line(canonical_line(fact))
    assert isinstance(again, Fact)
    assert canonical_line(again) == canonical_line(fact)
    assert seal_of(again) == seal
    assert fact.fields["day"] == "2026-05-30"
    assert fact.fields["count"] == 1440
    assert fact.fields["stretches"] == [
        ["2026-05-30T00:00:00.000Z", "2026-05-30T00:59:00.000Z", 60, 70_000],
        ["2026-05-30T01:01:00.000Z", "2026-05-30T23:59:00.000Z", 1379, 70_000],
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"day": "2026-99-99"},
        {"stretches": [[format_instant(FIRST + DAY), format_instant(FIRST + DAY), 1, 60_000]]},
        {"stretches": [[format_instant(FIRST + HOUR), format_instant(FIRST), 2, 60_000]]},
        {"stretches": [[format_instant(FIRST), format_instant(FIRST + HOUR), 0, 60_000]]},
    ],
)
def test_a_seal_that_cannot_be_meant_counts_for_nothing(change: dict[str, Any]) -> None:
    day = [look(at) for at in range(FIRST, FIRST + DAY, MINUTE)]
    fact = seal_fact(sealed(day, FIRST, FIRST + DAY))
    assert seal_of(replace(fact, fields={**fact.fields, **change})) is None
