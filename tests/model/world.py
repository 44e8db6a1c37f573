"""Everything that can be asked about one instant of one service, and how instants add up to milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from tests.model.excuses import Excuses, Grant, Refusal, Service
from tests.model.log import Fact, in_order
from tests.model.looks import Check, Reading, State, state_of_check, state_of_service
from tests.model.moments import duration, month_edges, month_name
from tests.model.policy import NoPolicyError, Policy, policy_of

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
OPPOSITE: dict[Reading, Reading] = {"measured": "measured", "shortest": "longest", "longest": "shortest"}
Slot = tuple[int, int]


class Booking(NamedTuple):
    """The one account of an instant; for an excused one who excused it."""

    account: Literal["up", "down", "excused", "unknown", "pending"]
    grant: Grant | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Month:
    """A month with its policy; one before the first policy has none, and nothing is excused in it."""

    name: str
    start: int
    end: int
    policy: Policy | None

    @property
    def terms(self) -> Policy:
        """The policy of a month that must have one."""
        if self.policy is None:
            raise NoPolicyError(f"no policy is in force for {self.name}")
        return self.policy


class World:
    """One service, the facts that count, and the terms: everything that can be asked about an instant."""

    def __init__(self, config: dict[str, Any], settings: dict[str, Any], facts: Sequence[Fact], as_of: int) -> None:
        self.config, self.as_of = config, as_of
        self.zone = ZoneInfo(config.get("timezone", "UTC"))
        counted = in_order(facts, as_of)
        self.every_check = {
            check["name"]: Check(check, self.zone, counted)
            for service in config["services"]
            for check in service["checks"]
        }
        self.name: str = settings["name"]
        self.checks = [self.every_check[check["name"]] for check in settings["checks"]]
        self.at_least: int = settings.get("down_when", {}).get("at_least", 1)
        self.depends_on = tuple(settings.get("depends_on", ()))
        self.excuses = Excuses(counted, Service(self.name, self.depends_on))
        self.states: dict[tuple[int, Reading], State] = {}
        self.downs: dict[tuple[str, int, Reading], bool] = {}
        self.months: dict[str, Month] = {}

    def month(self, name: str) -> Month:
        """A month by its name."""
        if name not in self.months:
            self.months[name] = Month(name, *month_edges(name, self.zone), policy_of(self.config, name))
        return self.months[name]

    def month_at(self, t: int) -> Month:
        """The month that holds an instant."""
        return self.month(month_name(t, self.zone))

    def state(self, t: int, reading: Reading) -> State:
        """The service's state at `t`."""
        if (t, reading) not in self.states:
            self.states[t, reading] = state_of_service(self.checks, self.at_least, t, reading)
        return self.states[t, reading]

    def corroborated(self, provider: str, t: int, policy: Policy, reading: Reading) -> bool:
        """Whether a corroborating check of the provider is DOWN; the worst case excuses least: section 6."""
        return any(self.down(name, t, OPPOSITE[reading]) for name in policy.corroborated_by.get(provider, ()))

    def down(self, check: str, t: int, reading: Reading) -> bool:
        """Whether a check exists and is DOWN at `t`."""
        if (check, t, reading) not in self.downs:
            found = self.every_check[check]
            self.downs[check, t, reading] = found.exists(t) and state_of_check(found, t, reading) == "DOWN"
        return self.downs[check, t, reading]

    def granted(self, t: int, reading: Reading) -> list[Grant]:
        """What is granted at `t`, whatever the service's state."""
        policy = self.month_at(t).policy
        if policy is None:
            return []
        return self.excuses.granted(t, policy, lambda provider: self.corroborated(provider, t, policy, reading))

    def refused(self, t: int) -> set[Refusal]:
        """What is claimed and not granted at `t`."""
        policy = self.month_at(t).terms
        return self.excuses.refused(t, policy, lambda provider: self.corroborated(provider, t, policy, "measured"))

    def booking(self, t: int, reading: Reading = "measured") -> Booking:
        """Section 6: the one account of `t`."""
        if t >= self.as_of:
            return Booking("pending")
        state = self.state(t, reading)
        if state != "DOWN":
            return Booking("up" if state == "UP" else "unknown")
        grants = self.granted(t, reading)
        if not grants:
            return Booking("down")
        return Booking("excused", grants[0], tuple(grant.id for grant in grants[1:]))

    def edges(self, month: Month) -> list[int]:
        """Every instant at which some answer can change."""
        windows = {self.as_of - duration(window) for window in WINDOWS}
        touched = [month, self.month_at(self.as_of), self.month_at(min(windows))]
        cuts = windows | {self.as_of} | {edge for near in touched for edge in (near.start, near.end)}
        for check in self.every_check.values():
            cuts |= check.edges()
        policies = [near.policy for near in touched if near.policy is not None]
        return sorted(cuts | self.excuses.edges(policies))


def length(slots: list[Slot], holds: Callable[[int], bool]) -> int:
    """How many ms of the slots a predicate holds for."""
    return sum(end - start for start, end in slots if holds(start))


def slots_between(cuts: list[int], start: int, end: int) -> list[Slot]:
    """The elementary slots from `start` to `end`, both of them cuts."""
    inside = [cut for cut in cuts if start <= cut <= end]
    return list(pairwise(inside))
