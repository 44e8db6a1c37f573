"""One case of an alert, as tests write it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`series` as `name{labels} values`, a value an `interval`. At `at` it fires with these labels, or not at all."""

    alert: str
    what: str
    series: tuple[str, ...]
    at: str
    fires: tuple[str, ...] = ()
    interval: str = "1m"
