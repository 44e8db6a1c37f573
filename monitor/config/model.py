"""The whole file, decoded: frozen, every default filled in, durations in ms, secrets read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from monitor.config.addresses import Address, Listen, ListenText, Origin, Storage, StorageText
from monitor.config.channels import ChannelByKind, NamedChannelByKind
from monitor.config.fees import FeesText
from monitor.config.kinds import CanaryByKind, Check, CheckByKind, SourceByKind
from monitor.config.policy import Policy
from monitor.config.values import Day, DependencyText, Name, Positive, Zone
from monitor.config.weekly import BellText
from monitor.ledger.period import DAY, SECOND
from monitor.probes import ProbedCheck
from monitor.settings import Duration, Mistake, PositiveDuration, SecretText, Settings, WebUrl, format_duration


class Server(Settings):
    """What the daemon serves."""

    listen: ListenText = Field(Listen("127.0.0.1", 9843), description="Address and port.")
    public_url: WebUrl | None = Field(None, description="How others reach it, for links in reports and feeds.")
    metrics: Literal["open", "token"] = Field("open", description="Who may read /metrics.")
    status_page: Literal["public", "token", "off"] = Field("public", description="Who may read the status page.")


class Probing(Settings):
    """What all checks of this daemon share."""

    canaries: tuple[CanaryByKind, ...] | None = Field(
        None, description="More than half failing: our own network, void. Default: gateway, resolvers, an anchor."
    )
    resolvers: Annotated[tuple[Address, ...], Field(min_length=1)] | None = Field(
        None, description="Name servers; default: the system's."
    )
    confirm_after: Duration = Field(5 * SECOND, description="One extra look after a contradicting result; 0: none.")
    allow_private_targets: bool = Field(True, description="False refuses loopback, private and metadata addresses.")


class DownWhen(Settings):
    """When a service is down."""

    at_least: Positive = Field(1, description="So many of its checks are down.")


class Service(Settings):
    """What is promised to be up, and the checks that say whether it is."""

    name: Name
    title: str = Field("", description="What readers are shown; default: the name.")
    public: bool = Field(True, description="Whether the public status page shows it.")
    down_when: DownWhen = DownWhen()
    depends_on: tuple[DependencyText, ...] = Field((), description="provider/component, or provider/*.")
    checks: tuple[CheckByKind, ...]

    def mistakes(self) -> Iterator[Mistake]:
        counting = sum(not check.is_corroborating for check in self.checks)
        if not self.checks:
            yield Mistake(("checks",), "a service without checks is never up; expected at least one check")
        elif not counting:
            yield Mistake(("checks",), "every check has the role of corroboration; expected one that counts")
        elif self.down_when.at_least > counting:
            needed = f"expected at most {counting}, the number of checks that count"
            yield Mistake(("down_when", "at_least"), f"{needed}; found {self.down_when.at_least}")


class RoutineMaintenance(Settings):
    """A recurring window, announced as a fact `announce_ahead` before each."""

    name: Name
    services: tuple[Name, ...] = Field((), description="Default: all.")
    every: BellText = Field(description='When it begins: "FRI 20:00", or "other FRI 20:00" for every second one.')
    starting: Day | None = Field(None, description="The first one's date; needed for every second one.")
    for_: PositiveDuration | None = Field(None, alias="for", description="How long it is, in elapsed time.")
    until: BellText | None = Field(None, description='Or when it ends, by the clock on the wall: "SUN 05:00".')
    timezone: Zone | None = Field(None, description="Default: the file's.")
    announce_ahead: Duration = Field(14 * DAY, description="How long before each it is announced.")

    def mistakes(self) -> Iterator[Mistake]:
        if self.every.weeks > 1 and self.starting is None:
            yield Mistake(("every",), f"{self.every} needs `starting`, the date of the first one")
        if self.starting is not None and self.starting.weekday() != self.every.weekday:
            yield Mistake(
                ("starting",), f"{self.starting} is no {self.every.weekday_name}; expected the first one's date"
            )
        if (self.for_ is None) == (self.until is None):
            yield Mistake((), "expected one of for, until")
        if self.for_ is not None and self.for_ > self.every.weeks * 7 * DAY:
            longest = format_duration(self.every.weeks * 7 * DAY)
            yield Mistake(("for",), f"is longer than the time from one window to the next; expected at most {longest}")
        if self.until is not None and self.until.weeks > 1:
            yield Mistake(("until",), f"{self.until} is every second week's; expected the first one after the start")


class Crux(Settings):
    """Chrome's own figures, for comparison."""

    origin: Origin
    api_key: SecretText
    url: Origin = Field("https://chromeuxreport.googleapis.com", description="Where the API is.")


class WebVitals(Settings):
    """The endpoint that takes in Web Vitals (commitments.md section 1)."""

    auth: Literal["relay", "session_token", "ticket", "open"] = "open"
    allowed_origins: tuple[Origin, ...] = Field((), description="Where beacons may come from; default: anywhere.")
    max_per_minute: Positive = 6000
    forwarded: bool = Field(False, description="A proxy on this machine names the browser in X-Forwarded-For.")
    app: Name | None = Field(None, description="A beacon that names an app names this one; tickets are made out to it.")
    secret: SecretText | None = Field(None, description="What a relay shows, and what tickets are made with.")
    shopify_app_secret: SecretText | None = Field(None, description="Verifies session tokens.")
    shopify_client_id: Name | None = Field(None, description="Whom session tokens are made out to.")
    previous_secret: SecretText | None = Field(None, description="The secret before, as long as it is still good.")
    crux: Crux | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if self.auth == "session_token" and self.shopify_app_secret is None:
            yield Mistake(("auth",), "session_token needs `shopify_app_secret`, which verifies the tokens")
        if self.auth in ("relay", "ticket") and self.secret is None:
            yield Mistake(("auth",), f"{self.auth} needs `secret`, which the app's own server has too")
        if self.auth == "ticket" and self.app is None:
            yield Mistake(("auth",), "ticket needs `app`, the name that tickets are made out to")


class Customer(Settings):
    """Who was promised, since when, and what they pay."""

    name: Name
    plan: Name
    since: Day
    until: Day | None = None
    monthly_fee: FeesText = Field(description="What is paid, or from which date on which fee.")
    services: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="What is theirs; default: every service that is public."
    )
    channel: ChannelByKind | None = Field(None, description="Where they are told.")

    def mistakes(self) -> Iterator[Mistake]:
        if self.until is not None and self.until <= self.since:
            yield Mistake(("until",), f"{self.until} is not after since, {self.since}")


class Sentry(Settings):
    """Where the daemon reports its own errors and its own pulse."""

    dsn: SecretText
    heartbeat_monitor: Name | None = Field(None, description="The slug of a cron monitor; default: no pulse.")


class Config(Settings):
    """A configuration of minutebook. Relative paths start at the file's folder."""

    timezone: Zone = Field(ZoneInfo("UTC"), description="The calendar of the SLA.")
    location: Name = Field("local", description="This daemon's vantage.")
    storage: StorageText = Field(
        Storage("sqlite:///minutebook.db", None), validate_default=True, description="Where facts are kept."
    )
    raw_retention: PositiveDuration = Field(35 * DAY, description="How long the results of sealed days are kept.")
    server: Server = Server()
    signing_key: SecretText | None = Field(None, description="Signs closed statements.")
    probing: Probing = Probing()
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    sources: tuple[SourceByKind, ...] = ()
    routine_maintenance: tuple[RoutineMaintenance, ...] = ()
    web_vitals: WebVitals | None = Field(None, description="Default: no beacons are taken in.")
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)] | None = Field(
        None, description="Versions of the promise; default: one, always in force, with every default."
    )
    customers: tuple[Customer, ...] = ()
    channels: tuple[NamedChannelByKind, ...] = Field((), description="Where our own people are told.")
    sentry: Sentry | None = None

    def mistakes(self) -> Iterator[Mistake]:
        customers = {customer.name for customer in self.customers}
        for place, channel in enumerate(self.channels):
            if channel.name in customers:
                message = f"{channel.name} is a customer, whose channel has that name; rename this one"
                yield Mistake(("channels", place, "name"), message)
        if self.raw_retention < DAY:
            given = format_duration(self.raw_retention)
            yield Mistake(("raw_retention",), f"expected at least 1d, the day that a seal covers; found {given}")

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        """Every check of every service, by name."""
        return {check.name: check for service in self.services for check in service.checks}

    @cached_property
    def probed(self) -> tuple[ProbedCheck, ...]:
        """Every check, as the scheduler and the prober know it, in order of the file."""
        return tuple(
            ProbedCheck(
                service=service.name,
                name=check.name,
                kind=check.kind,
                settings=check.settings,
                interval_ms=check.interval,
                timeout_ms=check.timeout,
                hold_ms=check.hold,
                fall=check.fall,
                rise=check.rise,
            )
            for service in self.services
            for check in service.checks
        )
