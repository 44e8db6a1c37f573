"""A badge for a README or a dashboard: the state of a service, or what is left of its month's budget, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Literal, cast

from exporters.status_page import rough
from monitor.facts import Json

Show = Literal["state", "left"]
SHOWS: tuple[Show, ...] = ("state", "left")

_FILLS = {"good": "#17663a", "bad": "#a3161f", "doubt": "#6b4e00"}
_TONES = {"up": "good", "down": "bad"}
_LETTER, _PAD = 7, 12
_LONGEST = 40
"""Letters of a title that are shown."""


def badge(service: Mapping[str, Json], show: Show) -> str:
    """From a service of `/status.json`."""
    label = cast(str, service["title"])
    words, tone = _state(service) if show == "state" else _left(service)
    return _drawn(label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…", words, _FILLS[tone])


def _state(service: Mapping[str, Json]) -> tuple[str, str]:
    state = cast(str, service["state"])
    return state, _TONES.get(state, "doubt")


def _left(service: Mapping[str, Json]) -> tuple[str, str]:
    months = cast("list[Mapping[str, Json]]", service["months"])
    left = cast("int | None", months[0]["remaining_ms"]) if months else None
    if left is None:
        return "unknown", "doubt"
    return (f"{rough(left)} left", "good") if left >= 0 else (f"overspent by {rough(-left)}", "bad")


def _drawn(label: str, words: str, fill: str) -> str:
    left, right = _PAD + _LETTER * len(label), _PAD + _LETTER * len(words)
    texts = "".join(
        f'<text x="{x}" y="14" textLength="{_LETTER * len(text)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for x, text in ((_PAD // 2, label), (left + _PAD // 2, words))
    )
    said = escape(f"{label}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{said}">'
        f'<title>{said}</title><rect width="{left}" height="20" fill="#3b4652"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{fill}"/>'
        f'<g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>'
    )
