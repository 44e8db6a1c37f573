"""Breaches of a month, from what its statements say of their commitments (contracts/commitments.md section 3). Pure.

Availability counts once a service. Web Vitals and response times are the ledger's: they stand on every service's
statement and count once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from monitor.facts import Json
from monitor.ledger.period import Month, parse_instant

AVAILABILITY = "availability"
VITALS = ("LCP", "INP", "CLS")
RESPONSE = "response:"
"""What a commitment can be called (contracts/statement.md): one of these, or `response:<priority>`."""


def is_commitment(name: str) -> bool:
    """Whether a statement could have a commitment of that name."""
    return name == AVAILABILITY or name in VITALS or (name.startswith(RESPONSE) and name != RESPONSE)


class Commitment(NamedTuple):
    """What was promised; `service` is that of an availability, None of what is the ledger's."""

    name: str
    service: str | None = None


@dataclass(frozen=True, slots=True)
class MonthBreaches:
    """What a month's statements come to: how often each commitment was missed, those not missed with 0, in order.

    `is_unproven`: the availability of some service that anybody had looked at by then is `met_unproven`.
    """

    month: Month
    counts: Mapping[Commitment, int]
    is_unproven: bool = False

    @property
    def total(self) -> int:
        """Breaches of the month."""
        return sum(self.counts.values())

    def by_name(self) -> dict[str, int]:
        """Breaches by the name of the commitment, services together."""
        found: dict[str, int] = {}
        for commitment, count in self.counts.items():
            found[commitment.name] = found.get(commitment.name, 0) + count
        return found


def breaches_of(month: Month, statements: Iterable[Mapping[str, Json]]) -> MonthBreaches:
    """From one statement a service, as they stand. Of a commitment of the ledger that the statements tell differently
    (they were closed at different times) the most breaches count."""
    counts: dict[Commitment, int] = {}
    is_unproven = False
    for stated in statements:
        for each in cast("list[Mapping[str, Json]]", stated["commitments"]):
            name = cast(str, each["commitment"])
            is_own = name == AVAILABILITY
            commitment = Commitment(name, cast(str, stated["service"]) if is_own else None)
            counts[commitment] = max(counts.get(commitment, 0), cast(int, each["breaches"]))
            is_unproven = is_unproven or (is_own and each["verdict"] == "met_unproven" and _was_seen(stated))
    return MonthBreaches(month, counts, is_unproven)


def _was_seen(stated: Mapping[str, Json]) -> bool:
    since = stated["measured_since"]
    return isinstance(since, str) and parse_instant(since) < parse_instant(cast(str, stated["end"]))
