"""What is allowed and doubtful: the warnings of `check-config` (contracts/interface.md)."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.document import Keys
from monitor.config.kinds import Check
from monitor.config.model import Config
from monitor.config.policy import NO_POLICIES, Promise
from monitor.config.terms import to_terms
from monitor.ledger.period import DAY
from monitor.ledger.vitals.tally import OPEN_MS
from monitor.probes.http import HttpSettings
from monitor.settings import Mistake, format_duration
from monitor.sources import DeskSettings, VantageSettings
from monitor.sources.statuspage import StatuspageSettings

FEWEST_CANARIES = 3  # design/faults.md, "Canaries"
SHORTEST_ADDRESS = 22
"""Characters of a secret that stands in an address: 128 bits, six a character."""
SHORTEST_MONTH = 28 * DAY


def doubts(config: Config) -> Iterator[Mistake]:
    """Every warning, at the section that it is about."""
    for keys, check in _checks(config):
        yield from _even_vantages(config, keys, check)
        yield from _timeout(keys, check)
        yield from _unprovable(config, keys, check)
    yield from _late_policies(config)
    yield from _closes_before_vitals(config)
    yield from _nothing_excuses(config)
    yield from _nobody_depends(config)
    yield from _watches_nothing(config)
    yield from _without_target(config)
    yield from _short_announcements(config)
    yield from _few_canaries(config)
    yield from _one_resolver(config)
    yield from _guessable_addresses(config)
    yield from _open_to_anybody(config)
    yield from _not_yet(config)


def _checks(config: Config) -> Iterator[tuple[Keys, Check]]:
    for row, service in enumerate(config.services):
        for column, check in enumerate(service.checks):
            yield ("services", row, "checks", column), check


def _even_vantages(config: Config, keys: Keys, check: Check) -> Iterator[Mistake]:
    vantages = 1 + sum(check.name in source.vantage_of.values() for source in config.sources)
    if vantages % 2 == 0 and check.quorum == "majority":
        message = f"{check.name} has {vantages} vantages, and a majority of an even number shortens outages"
        yield Mistake(keys, f"{message}; add or leave out one, or set another quorum")


def _timeout(keys: Keys, check: Check) -> Iterator[Mistake]:
    if check.heartbeat_ms is None and check.timeout == check.interval:
        message = "the timeout is as long as the interval: a slow look ends when the next one begins; make it shorter"
        yield Mistake((*keys, "timeout"), message)


def _unprovable(config: Config, keys: Keys, check: Check) -> Iterator[Mistake]:
    """Just under `fall` intervals of downtime can pass as a blip: more than a month's budget proves nothing."""
    between = check.heartbeat_ms or check.interval
    unseen = check.fall * between
    budget, promised = min(_budget(policy) for policy in config.policies or (NO_POLICIES,))
    if not check.is_corroborating and unseen > budget:
        looks = "every + grace" if check.heartbeat_ms else "interval"
        yield Mistake(
            keys,
            f"the budget cannot be proved: up to fall x {looks} = {check.fall} x {format_duration(between)}"
            f" = {format_duration(unseen)} of downtime can stay unseen, and the budget of a month of 28 days is"
            f" {format_duration(budget)} ({promised}); look more often",
        )


def _budget(policy: Promise) -> tuple[int, str]:
    """Of the shortest month, in ms, and what bounds it (accounting.md section 6)."""
    terms = policy.availability
    budget = int((1 - terms.objective) * SHORTEST_MONTH)
    written = policy.model_dump(mode="json")["availability"]
    if terms.downtime_cap is not None and terms.downtime_cap < budget:
        return terms.downtime_cap, f"downtime_cap {written['downtime_cap']}"
    return budget, f"objective {written['objective']}"


def _late_policies(config: Config) -> Iterator[Mistake]:
    policies = to_terms(config).policies
    oldest = min((policy.effective_from for policy in policies if policy.effective_from), default=None)
    for place, policy in enumerate(policies):
        effect = policy.takes_effect()
        if policy.effective_from and effect and policy.effective_from != oldest and effect > policy.effective_from:
            notice = format_duration(policy.change_notice_ms)
            yield Mistake(
                ("policies", place, "effective_from"),
                f"announced on {policy.announced_on}, less than {notice} ahead: it takes effect on {effect}"
                f" and decides the months that begin from then on, not from {policy.effective_from}",
            )


def _closes_before_vitals(config: Config) -> Iterator[Mistake]:
    """The facts of a day's Web Vitals are recorded 48 h after it: a month that is closed sooner lacks its last days."""
    for place, policy in enumerate(config.policies or ()):
        if policy.web_vitals is not None and policy.availability.finalise_after <= OPEN_MS:
            message = "months are closed before the Web Vitals of their last days are recorded, 48h after each; take 3d"
            yield Mistake(("policies", place, "availability", "finalise_after"), message)


def _nothing_excuses(config: Config) -> Iterator[Mistake]:
    """A dependency that no policy lets excuse."""
    promises = config.policies or (NO_POLICIES,)
    for row, service in enumerate(config.services):
        for place, dependency in enumerate(service.depends_on):
            listed = [policy.third_party.providers for policy in promises]
            if not any(providers is None or dependency.provider in providers for providers in listed):
                message = (
                    f"an outage of {dependency.provider} excuses nothing: no policy lists it in third_party.providers"
                )
                yield Mistake(("services", row, "depends_on", place), message)


def _nobody_depends(config: Config) -> Iterator[Mistake]:
    """A provider's page of which nothing is kept."""
    depended = {dependency.provider for service in config.services for dependency in service.depends_on}
    for place, source in enumerate(config.sources):
        if source.provider is not None and source.provider not in depended:
            message = f"no service depends on {source.provider}: nothing of its incidents is kept"
            yield Mistake(("sources", place, "provider"), f"{message}; name its components in depends_on")


def _watches_nothing(config: Config) -> Iterator[Mistake]:
    """A monitor whose checks are none of ours."""
    for place, source in enumerate(config.sources):
        settings = source.settings
        if isinstance(settings, VantageSettings) and not settings.names_checks and not source.vantage_of:
            message = f"{source.name} looks at no check of ours: nothing of what it sees is kept"
            yield Mistake(("sources", place), f"{message}; map its checks in vantage_of")


def _without_target(config: Config) -> Iterator[Mistake]:
    """A ticket system whose tickets have a priority that no policy names: nothing is promised for them."""
    promised = {name for policy in config.policies or () if policy.support for name in policy.support.respond_within}
    for place, source in enumerate(config.sources):
        settings = source.settings
        if not isinstance(settings, DeskSettings):
            continue
        given: list[tuple[Keys, str]] = [(("priorities", word), name) for word, name in settings.priorities.items()]
        if settings.without_priority is not None:
            given.append((("without_priority",), settings.without_priority))
        for keys, name in given:
            if name not in promised:
                message = f"no policy has {name} in support.respond_within: such tickets have no target"
                yield Mistake(("sources", place, source.kind, *keys), message)


def _short_announcements(config: Config) -> Iterator[Mistake]:
    notice = max(policy.maintenance.notice for policy in config.policies or (NO_POLICIES,))
    for place, routine in enumerate(config.routine_maintenance):
        if routine.announce_ahead < notice:
            ahead, needed = format_duration(routine.announce_ahead), format_duration(notice)
            message = f"announced {ahead} ahead, and maintenance is excused from a notice of {needed} on"
            yield Mistake(("routine_maintenance", place, "announce_ahead"), message)


def _one_resolver(config: Config) -> Iterator[Mistake]:
    """That a name does not exist is believed when two servers say so (design/faults.md row 21)."""
    resolvers = config.probing.resolvers
    if resolvers is not None and len(resolvers) == 1:
        message = "one name server says alone what no second one confirms, and where it is gone no name is known"
        yield Mistake(("probing", "resolvers"), f"{message}; name another one, in another network")


def _few_canaries(config: Config) -> Iterator[Mistake]:
    canaries = config.probing.canaries
    if canaries is not None and len(canaries) < FEWEST_CANARIES:
        message = f"{len(canaries)} canaries cannot outvote one that fails by itself; name at least {FEWEST_CANARIES}"
        yield Mistake(("probing", "canaries"), message)
    for place, canary in enumerate(canaries or ()):
        settings = canary.settings
        plain = isinstance(settings, HttpSettings) and settings.url.lower().startswith("http:")
        if isinstance(settings, HttpSettings) and plain and settings.expect.body_matches is None:
            message = "any captive portal answers like this; expect its known body with `expect.body_matches`"
            yield Mistake(("probing", "canaries", place), message)
    if canaries and not any(isinstance(canary.settings, HttpSettings) for canary in canaries):
        message = (
            "none of the canaries says who it is, so that a captive portal is taken for the network; add an `http`"
        )
        yield Mistake(("probing", "canaries"), f"{message} with `expect.body_matches`")


def _guessable_addresses(config: Config) -> Iterator[Mistake]:
    """A secret of fewer than 128 bits that alone guards an address (design/reliability.md, section 3)."""
    for place, source in enumerate(config.sources):
        settings = source.settings
        if isinstance(settings, StatuspageSettings) and settings.webhook_secret is not None:
            length = len(settings.webhook_secret.reveal())
            if 0 < length < SHORTEST_ADDRESS:
                message = f"{length} characters that end an address can be guessed; take at least {SHORTEST_ADDRESS}"
                yield Mistake(("sources", place, "statuspage", "webhook_secret"), f"{message}, made at random")


def _open_to_anybody(config: Config) -> Iterator[Mistake]:
    vitals = config.web_vitals
    if vitals is not None and vitals.auth == "open" and not vitals.allowed_origins:
        message = "beacons are taken from the pages of anybody; name yours in `allowed_origins`, or choose another auth"
        yield Mistake(("web_vitals",), message)


def _not_yet(config: Config) -> Iterator[Mistake]:
    """What is decoded and checked, and this version does not act on."""
    if config.storage.path is None:
        yield Mistake(("storage",), "this version keeps its facts in SQLite only: the daemon will not start")
