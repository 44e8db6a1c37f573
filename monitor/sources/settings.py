"""The two families of sources: a page announces maintenance and incidents, a vantage has results of checks."""

from __future__ import annotations

from typing import ClassVar

from monitor.settings import Settings


class PageSettings(Settings):
    """A status page: of a provider, or our own."""


class VantageSettings(Settings):
    """A monitor of somebody else's that looks at our checks from another place.

    `names_checks`: it names them by our own names, where `vantage_of` says nothing else.
    """

    names_checks: ClassVar[bool] = False
