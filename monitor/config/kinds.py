"""Checks, canaries and sources: sections with exactly one key that says their kind, found through the registries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import Field, GetPydanticSchema, SerializerFunctionWrapHandler, create_model, model_serializer

from monitor import probes, sources
from monitor.config.values import MomentText, Name, Positive, QuorumText, format_moment, is_before
from monitor.ledger.period import SECOND
from monitor.probes.heartbeat import HeartbeatSettings
from monitor.settings import LONGEST_DURATION, Mistake, PositiveDuration, Settings, format_duration, once
from monitor.sources import DeskSettings, PageSettings

T = TypeVar("T", bound="OneKind")


class OneKind(Settings):
    """A section whose kind is the one key, of `kinds`, that it has."""

    kinds: ClassVar[tuple[str, ...]] = ()

    @once
    def given(self) -> tuple[str, ...]:
        """The kinds' keys that it has."""
        values = self.__dict__
        return tuple([kind for kind in self.kinds if values[kind] is not None])

    @property
    def kind(self) -> str:
        """The kind's key."""
        return self.given[0]

    @once
    def settings(self) -> Settings:
        """What stands under the kind's key."""
        found = getattr(self, self.kind)
        if not isinstance(found, Settings):
            raise TypeError(f"{self.kind} holds no settings")
        return found

    def mistakes(self) -> Iterator[Mistake]:
        if len(self.given) != 1:
            found = f"both {' and '.join(self.given)}" if self.given else "none"
            yield Mistake((), f"expected exactly one of {', '.join(self.kinds)}; found {found}")
        else:
            yield from self.mistakes_of_kind()

    def mistakes_of_kind(self) -> Iterator[Mistake]:
        """What is wrong once the kind is known."""
        return iter(())


def _with_kinds(base: type[T], settings: Mapping[str, type[Settings]]) -> type[T]:
    """The section with a key for each kind: made from the registry, so that a new kind is one line there."""
    fields = {kind: (model | None, Field(None, description=model.__doc__)) for kind, model in settings.items()}
    one_of = {"oneOf": [{"required": [kind]} for kind in settings]}
    model: type[T] = create_model(  # type: ignore[call-overload]
        base.__name__, __base__=base, __doc__=base.__doc__, __cls_kwargs__={"json_schema_extra": one_of}, **fields
    )
    model.kinds = tuple(settings)
    return model


class Warn(Settings):
    """What is shown and alerted, and never downtime."""

    certificate_days: Positive = Field(14, description="The certificate expires within so many days.")
    duration: PositiveDuration | None = Field(None, description="A look took longer.")


class Check(OneKind):
    """One thing that is looked at. `interval` and `timeout` mean nothing to a heartbeat."""

    name: Name
    warn: Warn = Warn()
    interval: PositiveDuration = Field(30 * SECOND, description="From one look to the next.")
    timeout: PositiveDuration = Field(10 * SECOND, description="When a look has failed; at most the interval.")
    given_hold: PositiveDuration | None = Field(
        None, alias="hold", description="How long a result says something; default: 2 x interval + timeout."
    )
    given_fall: Positive | None = Field(None, alias="fall", description="So many fails are an outage; default: 2.")
    rise: Positive = Field(1, description="So many passes end it.")
    quorum: QuorumText = Field("majority", description="How many vantages must agree that it is down.")
    role: Literal["corroboration"] | None = Field(None, description="Corroborates only: never makes the service down.")
    since: MomentText | None = Field(None, description="When it begins to count; default: its first result.")
    until: MomentText | None = Field(None, description="When it was retired.")

    @property
    def is_corroborating(self) -> bool:
        return self.role is not None

    @once
    def heartbeat_ms(self) -> int | None:
        """How long a heartbeat's pass holds, every + grace; None for what is probed."""
        settings = self.settings
        return settings.every + settings.grace if isinstance(settings, HeartbeatSettings) else None

    @property
    def hold(self) -> int:
        """How long a result without its own hold covers, in ms (accounting.md section 2.2)."""
        return self.given_hold or self.heartbeat_ms or 2 * self.interval + self.timeout

    @property
    def fall(self) -> int:
        """Consecutive fails that make an outage; 1 for a heartbeat."""
        return self.given_fall or (2 if self.heartbeat_ms is None else 1)

    def mistakes_of_kind(self) -> Iterator[Mistake]:
        if self.heartbeat_ms is not None:
            yield from self._mistakes_of_heartbeat(self.heartbeat_ms)
        else:
            yield from self._mistakes_of_probe()
        if self.hold > LONGEST_DURATION:
            hold, most = format_duration(self.hold), format_duration(LONGEST_DURATION)
            yield Mistake((), f"a result would hold for {hold}; expected at most {most}: look more often")
        if self.since is not None and self.until is not None and not is_before(self.since, self.until):
            yield Mistake(("until",), f"{format_moment(self.until)} is not after since, {format_moment(self.since)}")

    def _mistakes_of_probe(self) -> Iterator[Mistake]:
        longest = 3 * self.interval + self.timeout
        if self.timeout > self.interval:
            default = "" if "timeout" in self.model_fields_set else ", the default,"
            interval, timeout = format_duration(self.interval), format_duration(self.timeout)
            message = f"a timeout of {timeout}{default} is longer than the interval; expected at most {interval}"
            yield Mistake(("timeout",), message)
        elif self.hold > longest:
            hold = format_duration(self.hold)
            bound = f"expected at most 3 x interval + timeout, {format_duration(longest)}"
            yield Mistake(("hold",), f"a hold of {hold} is too long; {bound}")
        if self.warn.duration is not None and self.warn.duration >= self.timeout:
            slow, timeout = format_duration(self.warn.duration), format_duration(self.timeout)
            message = f"{slow} never warns: a look fails at its timeout, {timeout}; expected less"
            yield Mistake(("warn", "duration"), message)

    def _mistakes_of_heartbeat(self, holds: int) -> Iterator[Mistake]:
        for key in ("interval", "timeout"):
            if key in self.model_fields_set:
                yield Mistake((key,), f"a heartbeat is not asked, it has no {key}; write `every` and `grace` inside it")
        if "warn" in self.model_fields_set:
            yield Mistake(("warn",), "a heartbeat has neither a certificate nor a duration; leave the key out")
        if self.hold != holds:
            yield Mistake(("hold",), f"a heartbeat holds every + grace, {format_duration(holds)}; leave the key out")
        if self.fall != 1:
            yield Mistake(("fall",), "a heartbeat that is missed once has failed, its fall is 1; leave the key out")

    @model_serializer(mode="wrap")
    def _with_defaults(self, serialise: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Hold and fall as they apply: a statement's terms do not rest on a program's defaults."""
        shown: dict[str, object] = serialise(self)
        for key in self.meaningless:
            shown.pop(key, None)
        return {**shown, **self.applied}

    @property
    def meaningless(self) -> tuple[str, ...]:
        """Keys that are not written: nothing asks a heartbeat."""
        return () if self.heartbeat_ms is None else ("interval", "timeout", "warn")

    @property
    def applied(self) -> dict[str, str | int]:
        """Keys that are written as they apply."""
        return {"hold": format_duration(self.hold), "fall": self.fall}


class Canary(OneKind):
    """Something of others that answers as long as our own network works."""


class Source(OneKind):
    """A page or a monitor of others that is polled."""

    name: Name
    every: PositiveDuration = Field(60 * SECOND, description="How often it is asked.")
    provider: Name | None = Field(None, description="Whose incidents a page tells of.")
    announces_maintenance: bool = Field(False, description="Only such a page's maintenance counts.")
    components: Mapping[Name, tuple[Name, ...]] = Field({}, description="A page's component to services of ours.")
    vantage_of: Mapping[Name, Name] = Field({}, description="A monitor's check to a check of ours.")

    def mistakes_of_kind(self) -> Iterator[Mistake]:
        is_page = isinstance(self.settings, PageSettings)
        is_desk = isinstance(self.settings, DeskSettings)
        of_pages = ("provider", "announces_maintenance", "components")
        foreign = ("vantage_of",) if is_page else (*of_pages, "vantage_of") if is_desk else of_pages
        for key in foreign:
            if getattr(self, key):
                what = "a status page looks at no check" if is_page else "a monitor of checks announces nothing"
                what = "a ticket system has only tickets" if is_desk else what
                yield Mistake((key,), f"{what}; leave the key out")
        if is_page and self.provider is None and not self.announces_maintenance:
            yield Mistake((), "expected `provider`, whose incidents it tells of, or `announces_maintenance: true`")


_CHECKS = {kind: known.settings for kind, known in probes.KINDS.items()}
_CANARIES = {kind: model for kind, model in _CHECKS.items() if model is not HeartbeatSettings}
_Check, _Canary, _Source = (
    _with_kinds(Check, _CHECKS),
    _with_kinds(Canary, _CANARIES),
    _with_kinds(Source, {kind: known.settings for kind, known in sources.KINDS.items()}),
)

CheckByKind = Annotated[Check, GetPydanticSchema(lambda _, handler: handler(_Check))]
CanaryByKind = Annotated[Canary, GetPydanticSchema(lambda _, handler: handler(_Canary))]
SourceByKind = Annotated[Source, GetPydanticSchema(lambda _, handler: handler(_Source))]
