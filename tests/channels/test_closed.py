"""A month that is closed by itself is told to a channel with the statement that it was closed with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exporters.stated import Statement
from monitor.closing import Wanted
from monitor.evaluator import ALL_TIME
from monitor.ledger.period import DAY, Month
from monitor.outbox.lines import statements_of
from monitor.settings import Secret
from monitor.store.deliveries import open_deliveries
from tests.channels.services import seen, slack, view
from tests.channels.test_outbox import line, running, until
from tests.finalising.test_finalising import FINAL, TERMS, Kept, kept

__all__ = ["kept"]

OCTOBER = Month(2026, 10)


def stated(kept: Kept, month: Month, services: Sequence[str]) -> Sequence[Statement]:
    return statements_of(kept.store.read(ALL_TIME, ALL_TIME.end), TERMS.terms, Wanted(services, month, FINAL + DAY))


async def test_a_closed_month_is_told_once_with_the_digest_that_it_was_closed_with(kept: Kept, tmp_path: Path) -> None:
    assert stated(kept, OCTOBER, ["app"]) == []  # a draft is nobody's
    kept.clock.step(1)
    await kept.finaliser().ring()
    [closing] = kept.closings()
    [statement] = stated(kept, OCTOBER, ["app"])
    assert statement["digest"] == closing.fields["digest"]

    async def statements(month: Month, services: Sequence[str]) -> Sequence[Statement]:
        return stated(kept, month, services)

    with open_deliveries(tmp_path / "t") as deliveries:
        deliveries.know({"acme": closing.recorded_at - DAY})
    async with slack() as (server, url):
        told = line("acme", "webhook", Secret(f"{url}/hook"))
        async with running(tmp_path / "t", told, clock=kept.clock, statements=statements) as outbox:
            for _ in range(2):
                outbox.committed([closing])
                outbox.evaluated(seen(kept.clock.now(), view(True, 0)))
                await until(lambda: outbox.outcomes["acme", "sent"] == 1)
    [(_, body, _)] = server.posted
    assert body["key"] == "month/app/2026-10/1"
    assert str(statement["digest"]) in str(body["lines"])
