"""Channels as the file writes them: the one key that says the kind, found through the registry, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import Field, GetPydanticSchema, create_model

from monitor import channels
from monitor.config.values import Name
from monitor.settings import Mistake, Secret, SecretText, Settings

Topic = Literal["outages", "months", "events"]
TOPICS: tuple[Topic, ...] = ("outages", "months", "events")

T = TypeVar("T", bound="Channel")


class Channel(Settings):
    """Where somebody is told: exactly one kind."""

    kinds: ClassVar[tuple[str, ...]] = ()

    tell: Annotated[tuple[Topic, ...], Field(min_length=1)] = Field(
        TOPICS, description="What of: outages as they go, months that are closed, announced peaks."
    )

    @cached_property
    def kind(self) -> str:
        """The kind's key."""
        return next(kind for kind in self.kinds if getattr(self, kind) is not None)

    @cached_property
    def settings(self) -> Settings | Secret:
        """What stands under the kind's key."""
        found = getattr(self, self.kind)
        if not isinstance(found, Settings | Secret):
            raise TypeError(f"{self.kind} holds no settings")
        return found

    def mistakes(self) -> Iterator[Mistake]:
        given = [kind for kind in self.kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            yield Mistake((), f"expected one of {', '.join(self.kinds)}")


class NamedChannel(Channel):
    """A channel of our own people, whoever the customer is."""

    name: Name
    services: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="What services it is told of; default: all."
    )


def _with_kinds(base: type[T]) -> type[T]:
    """The section with a key for each kind, made from the registry."""
    fields = {
        name: ((SecretText if kind.settings is Secret else kind.settings) | None, Field(None, description=kind.words))
        for name, kind in channels.KINDS.items()
    }
    model: type[T] = create_model(base.__name__, __base__=base, __doc__=base.__doc__, **fields)  # type: ignore[call-overload]
    model.kinds = tuple(fields)
    return model


_Channel, _NamedChannel = _with_kinds(Channel), _with_kinds(NamedChannel)

ChannelByKind = Annotated[Channel, GetPydanticSchema(lambda _, handler: handler(_Channel))]
NamedChannelByKind = Annotated[NamedChannel, GetPydanticSchema(lambda _, handler: handler(_NamedChannel))]
