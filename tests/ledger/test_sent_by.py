"""Who sent what excuses: named beside it, whatever source it names."""

from __future__ import annotations

from datetime import date

from monitor.facts import Fact, Json
from monitor.ledger.entries import admit
from monitor.ledger.exclusion import maintenances
from monitor.ledger.period import HOUR, format_instant
from monitor.ledger.terms import Dependency, Policy, ServiceTerms
from monitor.ledger.third_party import third_parties

AT = 1_780_000_000_000
POLICY = Policy(effective_from=date(2026, 1, 1), evidence="declared")
SERVICE = ServiceTerms("app", (), depends_on=(Dependency("cloudflare", "CDN"),))


def test_a_maintenance_that_came_as_a_fact_names_who_sent_it_and_not_who_it_says() -> None:
    window = {"announced_at": AT, "start": AT + 72 * HOUR, "end": AT + 73 * HOUR}
    told: dict[str, Json] = {
        "maintenance": "m",
        "source": "own-page",
        "author": "the page",
        "sent_by": "ann",
        **{name: format_instant(at) for name, at in window.items()},
    }
    [one] = maintenances(admit([Fact("maintenance", AT, told)], AT), "app", POLICY)
    assert (one.shown["source"], one.shown["author"], one.shown["author_authenticated"]) == ("own-page", "ann", True)


def test_an_incident_that_came_as_a_fact_names_who_sent_it_and_a_polled_one_nobody() -> None:
    told: dict[str, Json] = {
        "provider": "cloudflare",
        "incident": "i",
        "source": "page",
        "components": {"CDN": [[format_instant(AT), "major_outage"]]},
    }
    for more, author in (({"sent_by": "ann"}, "ann"), ({}, None)):
        fact = Fact("incident", AT, {**told, **more})
        [one] = third_parties(admit([fact], AT), SERVICE, POLICY, lambda _: [])
        assert one.shown["author"] == author
        assert one.granted
