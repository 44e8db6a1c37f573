"""The runs of one check, as accounting.md section 2.4 counts them: pure. Only asks when a second look is worth it."""

from __future__ import annotations

from typing import NamedTuple

from monitor.facts import Outcome


class Runs(NamedTuple):
    """The state so far, and the run against it: its length, and whether a scheduled look is in it."""

    up: bool = True
    against: int = 0
    scheduled: bool = False

    def after(self, outcome: Outcome, confirm: bool, needed: int) -> Runs:
        """The state after one more look; `needed` is `fall` while up and `rise` while down. A void changes nothing."""
        if outcome == "void":
            return self
        if (outcome == "pass") == self.up:
            return Runs(self.up)
        against, scheduled = self.against + 1, self.scheduled or not confirm
        if against >= needed and scheduled:
            return Runs(not self.up)
        return Runs(self.up, against, scheduled)

    @property
    def in_doubt(self) -> bool:
        """Whether the newest look contradicts the state."""
        return self.against > 0
