"""When a message is tried again, and when it is given up. Pure but for the chance that is passed in."""

from __future__ import annotations

from dataclasses import replace

from monitor.channels import Answer, Refused
from monitor.ledger.period import DAY, MINUTE, SECOND
from monitor.store.deliveries import Delivery

FIRST_WAIT = 5 * SECOND
LONGEST_WAIT = 15 * MINUTE
GIVEN_UP_AFTER = DAY
"""News that is a day old is none; what could not be told by then is given up, in ms."""

APART = 1_100
"""From one message of a channel to the next, in ms: Slack takes one a second (docs.slack.dev, "Rate limits")."""


def after(delivery: Delivery, answer: Answer, now: int, chance: float) -> Delivery:
    """The delivery after an attempt. `chance` is from 0 until 1."""
    attempts = delivery.attempts + 1
    if not isinstance(answer, Refused):
        return replace(delivery, state="sent", attempts=attempts, reason=None, ref=answer.ref)
    if answer.for_good or now - delivery.queued_at >= GIVEN_UP_AFTER:
        return replace(delivery, state="given_up", attempts=attempts, reason=answer.reason)
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(delivery.attempts, 20))
    wait = max(int(wait * (0.5 + chance / 2)), 1000 * (answer.retry_after_s or 0))
    return replace(delivery, attempts=attempts, reason=answer.reason, next_at=now + wait)
