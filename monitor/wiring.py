"""From a configuration to what each part of the daemon takes: translations, nothing that starts or keeps anything."""

from __future__ import annotations

from pathlib import Path

from monitor.config import Check, Config, probed_checks
from monitor.evaluator import Shown
from monitor.prober import Canary, ProbingOptions
from monitor.probes import KINDS, ProbedCheck


def looked_at(config: Config) -> list[ProbedCheck]:
    """The checks that this daemon looks at itself; a heartbeat is pushed, and some kinds come with a later version."""
    return [check for check in probed_checks(config) if KINDS[check.kind].probe is not None]


def probing_options(config: Config) -> ProbingOptions:
    """The section `probing` as the prober takes it."""
    probing = config.probing
    return ProbingOptions(
        location=config.location,
        confirm_after_ms=probing.confirm_after,
        resolvers=probing.resolvers or (),
        allow_private_targets=probing.allow_private_targets,
        canaries=tuple(Canary(canary.kind, canary.settings) for canary in probing.canaries or ()),
    )


def shown(config: Config) -> Shown:
    """What a snapshot shows of the configuration: public services, and each check's target."""
    return Shown(
        public=frozenset(service.name for service in config.services if service.public),
        targets={check.name: KINDS[check.kind].target_of(check.settings) for check in config.checks.values()},
    )


def longest_hold(check: Check) -> int:
    """What a result of this check that comes in live may hold at most, in ms (accounting.md section 2.2)."""
    return check.heartbeat_ms or 3 * check.interval + check.timeout


def store_url(config: Config) -> str:
    """The store's address with an absolute path: a relative one starts at the configuration's folder."""
    path = config.storage.path
    return config.storage.url if path is None else f"sqlite:///{path.absolute()}"


def tokens_file(store: Path) -> Path:
    """Where the tokens are: beside the store."""
    return store.with_suffix(".tokens")


def needs_restart(old: Config, new: Config) -> list[str]:
    """The sections that changed and that a reload leaves as they are."""
    fixed = {
        "location": (old.location, new.location),
        "storage": (old.storage, new.storage),
        "server": (old.server, new.server),
        "sentry": (old.sentry, new.sentry),
    }
    return [name for name, (before, after) in fixed.items() if before != after]
