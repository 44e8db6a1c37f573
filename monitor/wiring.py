"""From a configuration to what each part of the daemon takes, and to the facts of its own life: translations, nothing
that starts or keeps anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from monitor import sources
from monitor.beacons import Rules
from monitor.beacons.trust import Trust
from monitor.config import Check, Config, Source, WrittenTerms, customers_of
from monitor.config.kinds import Warn
from monitor.errors import InputError
from monitor.evaluator import Shown
from monitor.facts import Fact, Json, SpelledFields
from monitor.hooks import Aside, PostingSource
from monitor.hooks.quarantine import Quarantine
from monitor.ledger.peaks import PeakView
from monitor.ledger.period import DAY, format_instant
from monitor.ledger.reconciliation import OwnPage
from monitor.ledger.snapshot import WarnLimits
from monitor.people.publishing import Notice, OurPage, Published
from monitor.poller import Fetcher, PolledSource
from monitor.poller.publish import publish
from monitor.prober import Canary, ProbingOptions
from monitor.probes import KINDS, ProbedCheck
from monitor.probes.address import IpVersion
from monitor.probes.connect import ipv6_lacks_a_way
from monitor.probes.endpoint import Reaching
from monitor.probes.http import HttpSettings
from monitor.probes.tls import missing_authorities
from monitor.scheduler import Peak
from monitor.sources import VantageSettings
from monitor.sources.hooks import HOOKS
from monitor.sources.instatus import InstatusSettings
from monitor.sources.kind import ANY_COMPONENT, Watched
from monitor.sources.settings import PostingSettings

FIXED = ("location", "storage", "server", "sentry")
"""Sections of a configuration that take effect at a start only."""


ANCHOR_DOMAIN = "iana.org"


@cache
def anchor() -> Canary:
    """The web canary of those who name none: IANA keeps the registries of the Internet, no app depends on it, and its
    page has always said who it is."""
    expected = {"body_matches": "Internet Assigned Numbers Authority"}
    return Canary("http", HttpSettings.model_validate({"url": f"https://www.{ANCHOR_DOMAIN}/", "expect": expected}))


def looked_at(config: Config) -> list[ProbedCheck]:
    """The checks that this daemon looks at itself; a heartbeat is pushed, and some kinds come with a later version."""
    return [check for check in config.probed if KINDS[check.kind].probe is not None]


def refuse_what_cannot_be_probed(config: Config) -> None:
    """What this process could never look at is refused, not found failing look for look. Raises InputError."""
    _refuse_without_authorities(config)
    canaries = config.probing.canaries or ()
    kinds = {one.kind for one in (*config.checks.values(), *canaries)}
    refusals = {kind: refusal for kind in kinds if (refusal := KINDS[kind].refusal()) is not None}
    asked = [(f"the check {check.name}", check.kind) for check in config.checks.values() if check.kind in refusals]
    asked += [(f"canary {place}", canary.kind) for place, canary in enumerate(canaries, 1) if canary.kind in refusals]
    for name, kind in asked:
        raise InputError(f"{name} is of the kind {kind}, and {refusals[kind]}")


def without_a_way(config: Config) -> Iterator[str]:
    """Checks that want IPv6 where this host has none: each look will be void (faults.md, row 14)."""
    for check in looked_at(config):
        wanted: IpVersion = getattr(check.settings, "ip_version", "any")
        if ipv6_lacks_a_way(KINDS[check.kind].host_of(check.settings), wanted):
            yield f"the check {check.name} wants IPv6, and this host has no way to it: each look will be void"


def _refuse_without_authorities(config: Config) -> None:
    """Without certificate authorities every target over TLS would look untrusted: our fault, so no start (faults.md,
    row 50)."""
    asked = [*config.checks.values(), *(config.probing.canaries or ())]
    http = [one.settings for one in asked if isinstance(one.settings, HttpSettings)]
    urls = [each.url for each in http if each.tls.ca_file is None]
    urls += [getattr(source.settings, "url", "https:") for source in polled(config)]  # without a url: an API of theirs
    others = [one.settings for one in asked if not isinstance(one.settings, HttpSettings)]
    policies = [each.endpoint.tls for each in others if isinstance(each, Reaching)]  # which takes 9 µs to tell
    over_tls = any(policy is not None and policy.authorities is None for policy in policies)
    missing = missing_authorities() if over_tls or any(url.startswith("https:") for url in urls) else None
    if missing is not None:
        raise InputError(
            f"there are no certificate authorities at {missing}, and a check, canary or source asks over TLS:"
            " install the package ca-certificates, or name a file of them in SSL_CERT_FILE"
        )


def probing_options(config: Config) -> ProbingOptions:
    """The section `probing` as the prober takes it."""
    probing = config.probing
    return ProbingOptions(
        location=config.location,
        confirm_after_ms=probing.confirm_after,
        resolvers=probing.resolvers or (),
        allow_private_targets=probing.allow_private_targets,
        canaries=tuple(Canary(canary.kind, canary.settings) for canary in probing.canaries or ()),
        anchor=None if probing.canaries or _is_watched(ANCHOR_DOMAIN, config) else anchor(),
    )


def _is_watched(domain: str, config: Config) -> bool:
    hosts = (KINDS[check.kind].host_of(check.settings) for check in config.checks.values())
    return any(host == domain or host.endswith(f".{domain}") for host in hosts)


def shown(config: Config) -> Shown:
    """What a snapshot shows of the configuration: public services, each check's target and what it warns of."""
    return Shown(
        public=frozenset(service.name for service in config.services if service.public),
        targets={check.name: KINDS[check.kind].target_of(check.settings) for check in config.checks.values()},
        warn={check.name: warn_limits(check) for check in config.checks.values()},
        services_of=services_of(config),
        customers=customers_of(config),
    )


def services_of(config: Config) -> dict[str, tuple[str, ...]]:
    """The services of each customer: those named for it, or every one that is public."""
    public = tuple(service.name for service in config.services if service.public)
    return {customer.name: public if customer.services is None else customer.services for customer in config.customers}


def crowded(peaks: Sequence[PeakView], checks: Sequence[ProbedCheck]) -> dict[str, tuple[Peak, ...]]:
    """By check the announced peaks of the customers whose service it is of."""
    found: dict[str, tuple[Peak, ...]] = {}
    for view in peaks:
        peak = Peak(view.event.start, view.event.end, view.asked.interval_ms)
        for check in checks:
            if check.service in view.services:
                found[check.name] = (*found.get(check.name, ()), peak)
    return found


def warn_limits(check: Check) -> WarnLimits:
    """What a look of this check warns of."""
    return _limits(check.warn)


@lru_cache(maxsize=256)  # ten thousand checks say the same few
def _limits(warn: Warn) -> WarnLimits:
    return WarnLimits(certificate_ms=warn.certificate_days * DAY, duration_ms=warn.duration)


def heartbeats(config: Config) -> dict[str, int]:
    """The checks that report by themselves, with every + grace in ms."""
    held = {name: check.heartbeat_ms for name, check in config.checks.items()}
    return {name: ms for name, ms in held.items() if ms is not None}


def longest_hold(check: Check) -> int:
    """What a result of this check that comes in live may hold at most, in ms (accounting.md section 2.2)."""
    return check.heartbeat_ms or 3 * check.interval + check.timeout


def polled(config: Config) -> list[PolledSource]:
    """The sources that this daemon asks."""
    return [_polled(config, source) for source in config.sources]


def posting(config: Config) -> list[PostingSource]:
    """The sources that may post: those with a secret for it."""
    return [
        PostingSource(
            name=source.name,
            kind=HOOKS[source.kind],
            settings=source.settings,
            is_provider=source.provider is not None,
            announces_maintenance=source.announces_maintenance,
            wanted=_polled(config, source).wanted,
            mapped=frozenset(source.components),
            watched=_polled(config, source).watched,
        )
        for source in config.sources
        if isinstance(source.settings, PostingSettings) and source.settings.webhook_secret is not None
    ]


def beacon_rules(config: Config) -> Rules | None:
    """The section `web_vitals` as the beacons take it; None where it is absent: then nothing is taken in."""
    vitals = config.web_vitals
    if vitals is None:
        return None
    given = vitals.shopify_app_secret if vitals.auth == "session_token" else vitals.secret
    secrets = tuple(secret.reveal() for secret in (given, vitals.previous_secret) if secret is not None)
    return Rules(
        trust=Trust(vitals.auth, secrets, vitals.shopify_client_id, vitals.app or ""),
        origins=frozenset(vitals.allowed_origins) or None,
        per_minute=vitals.max_per_minute,
        app=vitals.app,
        forwarded=vitals.forwarded,
    )


def our_page(config: Config, name: str) -> OurPage | None:
    """A page that maintenance can be published on; None where the source of that name is none."""
    source = next((each for each in config.sources if each.name == name and each.announces_maintenance), None)
    if source is None or not isinstance(source.settings, InstatusSettings) or source.settings.api_key is None:
        return None
    return OurPage(name, source.settings.url, dict(source.components))


async def publish_on(fetcher: Fetcher, config: Config, name: str, notice: Notice) -> Published:
    """Publishes on the page that `our_page` found. Raises NotPublishedError."""
    settings = next(each.settings for each in config.sources if each.name == name)
    if not isinstance(settings, InstatusSettings):
        raise TypeError(f"{name} is no page that can be published on")
    return await publish(fetcher, name, settings, notice)


def own_pages(config: Config) -> list[OwnPage]:
    """Our own status pages: those whose components are services of ours."""
    return [
        OwnPage(source.provider or source.name, dict(source.components))
        for source in config.sources
        if source.components
    ]


def polled_source(config: Config, name: str) -> PolledSource | None:
    """One source by its name, None where the configuration has none of that name."""
    return next((source for source in polled(config) if source.name == name), None)


def _polled(config: Config, source: Source) -> PolledSource:
    provider = source.provider or source.name
    depended = [
        each.component for service in config.services for each in service.depends_on if each.provider == provider
    ]
    return PolledSource(
        name=source.name,
        kind=sources.KINDS[source.kind],
        settings=source.settings,
        every_ms=source.every,
        provider=provider,
        is_provider=source.provider is not None,
        announces_maintenance=source.announces_maintenance,
        # of our own page everything is kept: it is what others are told of us
        wanted=frozenset(depended) if source.provider is not None else frozenset({ANY_COMPONENT}),
        services=dict(source.components),
        watched=_all_watched(config, source),
    )


def _all_watched(config: Config, source: Source) -> dict[str, Watched]:
    """By the monitor's own id or name of a check."""
    settings = source.settings
    named = config.checks if isinstance(settings, VantageSettings) and settings.names_checks else {}
    mapped = {theirs: config.checks[ours] for theirs, ours in source.vantage_of.items()}
    return {theirs: _watched(check) for theirs, check in {**named, **mapped}.items()}


def _watched(check: Check) -> Watched:
    return Watched(check.name, longest_hold(check), check.interval, check.timeout)


def store_url(config: Config) -> str:
    """The store's address with an absolute path: a relative one starts at the configuration's folder."""
    path = config.storage.path
    return config.storage.url if path is None else f"sqlite:///{path.absolute()}"


def tokens_file(store: Path) -> Path:
    """Where the tokens are: beside the store."""
    return store.with_suffix(".tokens")


def aside(store: Path) -> Aside:
    """Where deliveries are kept that became nothing: beside the store."""
    return Aside(Quarantine(store.with_suffix(".quarantine")), Quarantine(store.with_suffix(".ignored")))


def deliveries_file(store: Path) -> Path:
    """Where is kept what channels were told: beside the store."""
    return store.with_suffix(".deliveries")


def control_socket(store: Path) -> Path:
    """Where a running daemon takes in what is recorded by hand on this machine: beside the store."""
    return store.with_suffix(".sock")


def beacon_spool(store: Path) -> Path:
    """Where `minutebook ingest` keeps what the daemon does not have yet: beside the store."""
    return store.with_suffix(".beacons")


def until_restart(old: Config, new: Config) -> tuple[Config, list[str]]:
    """The new configuration with the sections of the old one that a reload leaves as they are; those that differ."""
    fixed = {section: getattr(old, section) for section in FIXED}
    differing = [section for section, before in fixed.items() if getattr(new, section) != before]
    return new.model_copy(update=fixed), differing


# ---------------------------------------------------------------- facts of our own


class Event(NamedTuple):
    """Something in the daemon's own life, at an instant (UTC ms), under the terms of that digest."""

    name: str
    detail: str
    at: int
    terms: str


def lifecycle_fact(location: str, event: Event) -> Fact:
    """The fact of an event; recorded once, however often it is told."""
    moment = format_instant(event.at)
    fields: dict[str, Json] = {
        "event": event.name,
        "at": moment,
        "detail": event.detail,
        "terms": event.terms,
        "source": location,
        "id": f"{location}/{event.name}/{moment}",
    }
    return Fact("lifecycle", 0, fields)


def terms_fact(location: str, promised: WrittenTerms, now: int) -> Fact:
    """The whole terms, with an id of the moment (UTC ms): a return to earlier terms is a fact of its own."""
    others: dict[str, Json] = {
        "digest": promised.terms.digest,
        "source": location,
        "id": f"{location}/terms/{format_instant(now)}",
    }
    return Fact("terms", 0, SpelledFields(others, "terms", promised.written))
