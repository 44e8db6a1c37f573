"""What people record by hand (contracts/accounting.md, sections 5.1 and 5.3): from their words to a fact.

Pure. Whoever asks (the API, the command line) gives what was said, by whom, and what is recorded so far; the answer is
the fact to record, or none where the same stands already, and what it comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from monitor.facts import Json
from monitor.people.claims import claim, decide_claim
from monitor.people.events import cancel_event, traffic_event
from monitor.people.exclusions import decide, exclude
from monitor.people.known import Author, ConflictError, Effect, Known, Said, UnknownSubjectError
from monitor.people.maintenance import announce, cancel, complete
from monitor.people.readings import reading
from monitor.people.tickets import ticket

Words: TypeAlias = Mapping[str, Json]
"""The members of what was said, as facts.md names them."""

OPERATIONS: Mapping[str, Callable[[Words, Author, Known], Said]] = {
    "exclude": exclude,
    "decide": decide,
    "announce": announce,
    "cancel": cancel,
    "complete": complete,
    "ticket": ticket,
    "reading": reading,
    "claim": claim,
    "decide_claim": decide_claim,
    "traffic_event": traffic_event,
    "cancel_event": cancel_event,
}
"""What a person can do. Each raises FactError for a field that is wrong, InputError for what cannot be meant,
UnknownSubjectError and ConflictError."""

__all__ = ["OPERATIONS", "Author", "ConflictError", "Effect", "Known", "Said", "UnknownSubjectError", "Words"]
