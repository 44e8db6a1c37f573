"""From a configuration to who is told over what, and from facts to the statements of months that are closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporters.stated import Statement
from monitor.channels import KINDS
from monitor.closing import Wanted, recorded_of, standing
from monitor.config import Config
from monitor.errors import InputError
from monitor.facts import AnyFact
from monitor.ledger.terms import Terms
from monitor.outbox import Line
from monitor.outbox.due import Recipient
from monitor.wiring import services_of


def lines_of(config: Config) -> list[Line]:
    """The channels of customers, each with what is theirs, and those of our own people."""
    theirs = services_of(config)
    found = [
        Line(
            Recipient(each.name, frozenset(theirs[each.name]), each.name, frozenset(each.channel.tell)),
            each.channel.kind,
            each.channel.settings,
        )
        for each in config.customers
        if each.channel is not None
    ]
    every = tuple(service.name for service in config.services)
    found += [
        Line(
            Recipient(each.name, frozenset(each.services or every), None, frozenset(each.tell)),
            each.kind,
            each.settings,
        )
        for each in config.channels
    ]
    return found


def refuse_what_cannot_be_told(config: Config) -> None:
    """A channel whose kind cannot be used here is refused, not found failing message for message. Raises InputError."""
    for line in lines_of(config):
        refusal = KINDS[line.kind].refusal()
        if refusal is not None:
            raise InputError(f"the channel {line.recipient.name} is of the kind {line.kind}, and that {refusal}")


def statements_of(facts: Iterable[AnyFact], terms: Terms, wanted: Wanted) -> Sequence[Statement]:
    """The closed statements of a month, those that are no longer what was closed left out: nobody is told of one."""
    found = standing(recorded_of([*facts]), terms, wanted)
    return [each.statement for each in found if each.closing is not None and each.wrong is None]
