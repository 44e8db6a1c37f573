"""What binds in a month, in plain words, and where in the file each number stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from monitor.config.document import Document, Keys
from monitor.config.model import Config
from monitor.config.policy import NO_POLICIES, Promise
from monitor.config.terms import to_terms
from monitor.config.weekly import parse_target
from monitor.facts import Json
from monitor.ledger.period import HOUR, Month
from monitor.ledger.terms import announced_late, policy_for

SENTENCES: tuple[tuple[str, str], ...] = (
    ("announced_on", "announced to customers on {}"),
    ("change_notice", "a version is announced {} ahead, else it takes effect that much later"),
    ("availability.objective", "at least {} of the month up"),
    ("availability.downtime_cap", "at most {} of downtime a month, where that is stricter"),
    ("availability.finalise_after", "a month's statement is final {} into the next month"),
    ("maintenance.notice", "maintenance announced {} ahead excuses downtime"),
    ("maintenance.witness_within", "an announcement counts from when it says if it was recorded within {}"),
    ("maintenance.longest", "a window longer than {} excuses nothing"),
    ("third_party.providers", "providers whose outages can excuse: {}"),
    ("third_party.min_severity", "of their incidents those of severity {} and worse"),
    ("third_party.evidence", "what proves such an outage: {}"),
    ("third_party.lead", "an incident reaches {} before its declared start"),
    ("third_party.lag", "an incident reaches {} after its declared end"),
    ("declared_by_person.approval", "approval by another person of what a person declares: {}"),
    ("web_vitals.LCP", "Largest Contentful Paint {}"),
    ("web_vitals.INP", "Interaction to Next Paint {}"),
    ("web_vitals.CLS", "Cumulative Layout Shift {}"),
    ("web_vitals.percentile", "at percentile {} of the samples of real users"),
    ("web_vitals.min_samples", "fewer than {} samples give no verdict"),
    ("support.timezone", "support's clock is that of {}"),
    ("support.hours", "support is open {}"),
    ("support.business_days", "business days: {}"),
    ("support.holidays", "no business days: {}"),
    ("support.respond_within", ""),
    ("support.count", "what a late answer counts as: {}"),
    ("credits.plans", "plans that have credits: {}"),
    ("credits.per_breach", "a breach is worth {} of the monthly fee"),
    ("credits.cap", "all of a month's together at most {} of it"),
    ("credits.claim_within", "to be claimed within {} from the first day of the next month"),
    ("termination.consecutive_months", "{} months with a breach in a row give the right to terminate"),
    ("termination.breaches", "so do {} breaches ..."),
    ("termination.within_months", "... within {} months in a row"),
    ("traffic_events.notice", "a peak is announced {} ahead, later ones are marked late"),
    ("traffic_events.factor", "it is one with more than {} times the usual traffic"),
    ("traffic_events.event_interval", "checks look every {} meanwhile"),
)
"""Every key of a policy that says a number or a word, in the order of the file; `corroborated_by` names checks."""

MEANINGS: Mapping[tuple[str, str], str] = {
    ("third_party.evidence", "corroborated"): "our own checks of the provider fail too",
    ("third_party.evidence", "declared"): "the provider's own word alone",
    ("support.count", "per_ticket"): "each late ticket is one breach",
    ("support.count", "per_class"): "the late tickets of a priority are one breach together",
}
"""What a word of the file says to who does not know the file, by key and word."""


class Promised(NamedTuple):
    """One thing that binds: in words, its key, and the line of the file; None where it is the default."""

    words: str
    key: str
    line: int | None


class Binding(NamedTuple):
    """The version that decides a month (None: the default one, of a file without `policies`), what it says, and in
    words what was announced too late."""

    effective_from: str | None
    line: int | None
    promised: list[Promised]
    late: list[str]


def binding(config: Config, document: Document, month: Month) -> Binding:
    """What binds in the month. Raises InputError when no policy is in force in it."""
    policies = to_terms(config).policies
    decides = policy_for(policies, month)
    if config.policies is None:
        return Binding(None, None, [*_promised(NO_POLICIES, document, ())], [])
    place = policies.index(decides)
    keys: Keys = ("policies", place)
    late = [
        f"the version effective from {each.effective_from} was announced on {each.announced_on}:"
        f" it takes effect on {each.takes_effect()}"
        for each in announced_late(policies, month)
    ]
    line = document.place((*keys, "effective_from")).line
    return Binding(str(decides.effective_from), line, [*_promised(config.policies[place], document, keys)], late)


def lines_of(document: Document, keys: Keys) -> str:
    """The lines of a section with their numbers, and those of values that it takes from elsewhere in the file."""
    lines = sorted({place.line for place in document.places(keys)})
    first = document.place(keys).line
    own = [line for line in lines if line >= first]
    wanted = [*(line for line in lines if line < first), *range(first, max(own, default=first) + 1)]
    text = document.text.splitlines()
    return "".join(f"{line:>6}  {text[line - 1]}\n" for line in wanted)


def _promised(policy: Promise, document: Document, keys: Keys) -> Iterator[Promised]:
    written = cast("dict[str, Json]", policy.model_dump(mode="json", by_alias=True, exclude_none=True))
    for key, sentence in SENTENCES:
        path = tuple(key.split("."))
        value = _at(written, path)
        if value is None or value == []:
            continue
        given = _at(document.values, (*keys, *path)) if keys else None
        if key == "support.respond_within":
            yield from _targets(cast("dict[str, dict[str, str]]", value), document, keys)
        else:  # as the file spells it: 48h are not 2d to who reads a contract
            words = sentence.format(_words(value if given is None else given))
            meant = MEANINGS.get((key, str(value)))
            words = words if meant is None else f"{words}, which is: {meant}"
            yield Promised(words, key, _line(document, (*keys, *path)))


def _targets(within: dict[str, dict[str, str]], document: Document, keys: Keys) -> Iterator[Promised]:
    for priority, due in within.items():
        for name, when in (("in_hours", "in opening hours"), ("after_hours", "at any other time")):
            path = ("support", "respond_within", priority, name)
            words = f"a ticket of priority {priority} that came {when} is answered {_within(due[name])}"
            yield Promised(words, ".".join(path), _line(document, (*keys, *path)))


def _within(spelled: str) -> str:
    """How soon that is; whoever reads a contract need not know what `bh` is."""
    target = parse_target(spelled)
    if target.unit == "next_business_day":
        return "by the close of the next business day"
    if target.unit == "wall":
        return f"within {spelled} on the wall clock"
    count, what = (target.amount // HOUR, "hour") if target.unit == "bh" else (target.amount, "business day")
    several = "s" if count != 1 else ""
    return f"within {spelled}: {count} {what}{several} of opening time"


def _at(values: Json, path: Keys) -> Json:
    """What stands there; None where nothing does."""
    for key in path:
        if isinstance(values, dict):
            values = values.get(str(key))
        elif isinstance(values, list) and isinstance(key, int) and key < len(values):
            values = values[key]
        else:
            return None
    return values


def _line(document: Document, keys: Keys) -> int | None:
    return None if len(keys) < 2 or _at(document.values, keys) is None else document.place(keys).line


def _words(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value)
