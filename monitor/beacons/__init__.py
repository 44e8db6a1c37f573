"""Web Vitals that browsers report: who may send, what is read, and what became of it (commitments.md, section 1).

HTTP is the web's; here is what it asks, in the order in which it asks: `wait_s`, `allows`, then `take`. A report is
answered once it is durable. No address, user agent, user or shop is kept, and none is in a message or a metric.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from monitor.beacons.body import REJECTIONS, Beacon, Rejection, Unreadable, read
from monitor.beacons.rate import Rates
from monitor.beacons.trust import Trust
from monitor.errors import StoreError
from monitor.interfaces import Clock, KeepVitals, VitalReport

Outcome = Literal["kept", "unkept"] | Rejection
"""What became of a metric in a beacon that was let in. `unkept`: the sender was told that it could not be kept."""

STATUSES = (200, 204, 400, 401, 403, 408, 413, 415, 429, 503)
"""What a beacon can be answered (commitments.md, section 1)."""

OUTCOMES: tuple[Outcome, ...] = ("kept", "unkept", *REJECTIONS)

MOST_WAITING = 10_000
"""Reports that wait to be kept; a beacon past it is told to come later."""

Refusal = Unreadable | Literal["unauthorized", "another_app"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The section `web_vitals`: `origins` None takes beacons from pages of any; `app` None, of any app. `forwarded`: a
    proxy on this machine names the browser's address last in X-Forwarded-For."""

    trust: Trust
    origins: frozenset[str] | None
    per_minute: int
    app: str | None = None
    forwarded: bool = False


class Taken(NamedTuple):
    """What a beacon came to: how many metrics are durable, and how many were rejected by reason."""

    accepted: int
    rejected: Mapping[Rejection, int]


class Beacons:
    """Takes beacons in while there are rules. `keep` makes reports durable; `salt` is made anew at each start."""

    def __init__(self, clock: Clock, keep: KeepVitals, salt: bytes) -> None:
        self._clock = clock
        self._keep = keep
        self._kept = Gathered(keep)
        self._salt = salt
        self._rates = Rates(1, salt)
        self._answers: Counter[int] = Counter()
        self._outcomes: Counter[Outcome] = Counter()
        self.rules: Rules | None = None

    @property
    def answers(self) -> Mapping[int, int]:
        """Beacons since the start by the status that they were answered with; nothing while none are taken in."""
        return {} if self.rules is None else {status: self._answers[status] for status in STATUSES}

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Metrics since the start by what became of them; 0 where there was none yet."""
        return {outcome: self._outcomes[outcome] for outcome in OUTCOMES}

    def replace(self, rules: Rules | None) -> None:
        """The rules from now on; the buckets of senders go on where the rate is the same."""
        if rules is not None and (self.rules is None or rules.per_minute != self.rules.per_minute):
            self._rates = Rates(rules.per_minute, self._salt)
        self.rules = rules

    def answered(self, status: int) -> None:
        """Counts what a beacon was answered."""
        self._answers[status] += 1

    def wait_s(self, address: str | None) -> int | None:
        """None where one more beacon is let in, else how many seconds are too early for it; see `Rates`."""
        return self._rates.wait_s(address, self._clock.monotonic_ns())

    def now(self) -> int:
        """The wall clock, UTC ms."""
        return self._clock.now()

    async def take_over(self, reports: Sequence[VitalReport]) -> int:
        """Keeps what another process of ours took in; answers how many were too late. Raises StoreError."""
        late = await self._keep(reports)
        self._outcomes.update({"kept": len(reports) - late, "late": late})
        return late

    def dropped_late(self, count: int) -> None:
        """Counts reports that waited too long to be kept."""
        self._outcomes["late"] += count

    async def take(self, rules: Rules, body: bytes, bearer: str | None) -> Taken | Refusal:
        """Keeps what the body reports, or says why not. Raises StoreError when it could not be kept."""
        now, trust = self._clock.now(), rules.trust
        if not trust.is_in_body and not trust.takes(bearer, None, now):
            return "unauthorized"
        beacon = read(body)
        if not isinstance(beacon, Beacon):
            return beacon
        if trust.is_in_body and not trust.takes(None, beacon.ticket, now):
            return "unauthorized"
        if rules.app is not None and any(app != rules.app for app in beacon.apps):
            return "another_app"
        reports = [VitalReport(m.key(), m.name, m.value, now, m.country, trust.auth) for m in beacon.metrics]
        self._outcomes.update(beacon.rejected)
        outcome: Outcome = "unkept"
        try:
            if reports:
                await self._kept.keep(reports)
            outcome = "kept"
        finally:
            self._outcomes[outcome] += len(reports)
        return Taken(len(reports), beacon.rejected)


class Gathered:
    """What is asked to be kept while the store is busy is kept together: one commit, and all or none."""

    def __init__(self, keep: KeepVitals) -> None:
        self._keep = keep
        self._waiting: list[tuple[Sequence[VitalReport], asyncio.Future[None]]] = []
        self._count = 0
        self._task: asyncio.Task[None] | None = None

    async def keep(self, reports: Sequence[VitalReport]) -> None:
        """Returns once they are durable. Raises StoreError when they are not, or when too many wait already."""
        if self._count + len(reports) > MOST_WAITING:
            raise StoreError(f"{self._count} reports of Web Vitals wait for the store")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((reports, kept))
        self._count += len(reports)
        if self._task is None:
            self._task = asyncio.create_task(self._keep_waiting(), name="beacons")
        await kept

    async def _keep_waiting(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._keep_group(group)
        finally:
            self._task = None

    async def _keep_group(self, group: Sequence[tuple[Sequence[VitalReport], asyncio.Future[None]]]) -> None:
        failed: Exception | None = None
        try:
            await self._keep([report for reports, _ in group for report in reports])
        except Exception as error:
            failed = error
        for reports, kept in group:
            self._count -= len(reports)
            if kept.done():  # who asked was cancelled
                continue
            if failed is None:
                kept.set_result(None)
            else:
                kept.set_exception(failed)
