"""The families of sources: a page announces maintenance and incidents, a vantage has results of checks; some post."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from monitor.settings import Mistake, SecretText, Settings


class PageSettings(Settings):
    """A status page: of a provider, or our own."""


class VantageSettings(Settings):
    """A monitor of somebody else's that looks at our checks from another place.

    `names_checks`: it names them by our own names, where `vantage_of` says nothing else.
    """

    names_checks: ClassVar[bool] = False


class PostingSettings(Settings):
    """A source that posts to `/hooks/...`; while a secret is changed both are good."""

    webhook_secret: SecretText | None = Field(None, description="Proves that what is posted comes from the source.")
    previous_webhook_secret: SecretText | None = Field(None, description="The one before, while it is changed.")

    def mistakes(self) -> Iterator[Mistake]:
        if self.previous_webhook_secret is not None and self.webhook_secret is None:
            yield Mistake(("webhook_secret",), "is missing beside `previous_webhook_secret`; the new one stands there")

    @property
    def webhook_secrets(self) -> tuple[bytes, ...]:
        """Those that are good now; without any the source cannot post."""
        given = (self.webhook_secret, self.previous_webhook_secret)
        return tuple(secret.reveal().encode("utf-8", "surrogateescape") for secret in given if secret is not None)
