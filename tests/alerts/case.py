"""One case of an alert, as tests write it."""

from __future__ import annotations

import re
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

    def input_series(self) -> list[dict[str, str]]:
        """As promtool takes them, and no further than to `at`: each sample of a series takes its time."""
        needed = seconds(self.at) // seconds(self.interval) + 1
        named = [line.partition(" ") for line in self.series]
        return [{"series": name, "values": " ".join(samples(values)[:needed])} for name, _, values in named]


_PART = re.compile(r"(stale|_|-?[\d.]+)(?:([+-][\d.]+))?(?:x(\d+))?$")


def samples(text: str) -> list[str]:
    """Values as promtool takes them, one by one: `0+60x2` is 0, 60, 120, and `1x2` is three of them too."""
    found: list[str] = []
    for part in text.split():
        given = _PART.match(part)
        assert given is not None, part
        value, step, times = given[1], float(given[2] or 0), int(given[3] or 0)
        if value == "_":
            found += ["_"] * max(times, 1)
        elif value == "stale":
            found.append("stale")
        else:
            found += [f"{float(value) + step * place:.12g}" for place in range(times + 1)]
    return found


def seconds(span: str) -> int:
    return int(span[:-1]) * {"s": 1, "m": 60, "h": 3600}[span[-1]]
