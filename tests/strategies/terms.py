"""Random configurations: services, checks and policies that a configuration file may hold."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model.moments import written
from tests.strategies.places import Place, moments

PROVIDERS = ("cloudflare", "shopify")
CORROBORATING: tuple[dict[str, list[str]], ...] = (
    {"cloudflare": ["edge"], "shopify": ["shop", "edge"]},
    {"cloudflare": ["edge"], "shopify": ["edge"]},
    {"shopify": ["shop"], "cloudflare": ["shop", "edge"]},
)
DEPENDENCIES = ("cloudflare/*", "cloudflare/CDN", "cloudflare/*", "shopify/API", "shopify/*")
LONG_AGO = date(2020, 1, 1)
Config = dict[str, Any]


@st.composite
def lives(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    """`since` and `until`, each absent, a date or an instant."""
    first, last = sorted(draw(st.lists(moments(place), min_size=2, max_size=2, unique=True)))
    found: dict[str, Any] = {}
    kind = st.sampled_from(("absent",) * 10 + ("date", "instant"))
    for name, at in (("since", first), ("until", last)):
        spelling = draw(kind)
        if spelling == "instant":
            found[name] = written(at)
        elif spelling == "date":
            found[name] = place.day(at)
    if "since" in found and "until" in found and place.day(first) == place.day(last):
        del found["until"]
    return found


@st.composite
def checks(draw: st.DrawFn, place: Place, name: str) -> dict[str, Any]:
    """A check: mostly HTTP, now and then a heartbeat."""
    if draw(st.integers(0, 9)) == 9:
        return {"name": name, "heartbeat": {"every": "20m", "grace": "10m"}, **draw(lives(place))}
    settings: dict[str, Any] = {"name": name, "http": {"url": f"https://{name}.example.com/"}}
    options: dict[str, list[Any]] = {
        "fall": [1, 1, None, 2, 3],
        "rise": [None, None, 1, 2, 3],
        "quorum": [None, "majority", "any", "all", 1, 2, 3],
        "interval": [None, "1m", "5m"],
        "timeout": [None, "20s"],
        "hold": [None, None, "45s", "75s"],
    }
    for option, values in options.items():
        value = draw(st.sampled_from(values))
        if value is not None:
            settings[option] = value
    return {**settings, **draw(lives(place))}


@st.composite
def services(draw: st.DrawFn, place: Place, names: tuple[str, ...], name: str) -> dict[str, Any]:
    """A service with one to three checks of its own."""
    own = [draw(checks(place, check)) for check in names[: draw(st.integers(1, len(names)))]]
    service: dict[str, Any] = {"name": name, "checks": own}
    if draw(st.integers(0, 2)) == 2:
        service["down_when"] = {"at_least": draw(st.integers(1, len(own)))}
    return service


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """The terms of one version, without its dates."""
    availability = {"objective": draw(st.sampled_from(("99.9%", "99%", "99.95%", "50%", "99.999999%")))}
    cap = draw(st.sampled_from((None, "43m", "10m", "1s")))
    if cap is not None:
        availability["downtime_cap"] = cap
    maintenance = {
        "notice": draw(st.sampled_from(("48h", "48h", "1h", "72h"))),
        "witness_within": draw(st.sampled_from(("15m", "1h", "0s"))),
    }
    longest = draw(st.sampled_from((None, None, "20m", "1h", "12h")))
    if longest is not None:
        maintenance["longest"] = longest
    third: dict[str, Any] = {
        "evidence": draw(st.sampled_from(("corroborated", "declared"))),
        "min_severity": draw(
            st.sampled_from(("partial_outage", "partial_outage", "maintenance", "degraded", "major_outage"))
        ),
        "lead": draw(st.sampled_from(("0s", "5m", "7m"))),
        "lag": draw(st.sampled_from(("0s", "5m", "30m"))),
        "corroborated_by": draw(st.sampled_from(CORROBORATING)),
    }
    listed = draw(st.sampled_from((None, None, None, ["cloudflare"], ["shopify", "cloudflare"])))
    if listed is not None:
        third["providers"] = listed
    terms: dict[str, Any] = {"availability": availability, "maintenance": maintenance, "third_party": third}
    if draw(st.booleans()):
        terms["declared_by_person"] = {"approval": "required"}
    return terms


@st.composite
def versions(draw: st.DrawFn, place: Place) -> list[dict[str, Any]]:
    """One version that is in force when the month begins, and perhaps later ones that come in around it."""
    first = date.fromisoformat(place.month + "-01")
    oldest = draw(st.sampled_from((LONG_AGO, LONG_AGO, LONG_AGO, first)))
    found = [{"effective_from": oldest, "announced_on": oldest - timedelta(days=2), **draw(policies())}]
    offsets = (-40, -31, -1, 0, 1, 14) if oldest == LONG_AGO else (1, 14)
    for offset in draw(st.lists(st.sampled_from(offsets), max_size=2, unique=True)):
        effective = first + timedelta(days=offset)
        version: dict[str, Any] = {"effective_from": effective}
        ahead = draw(st.sampled_from((None, 30, 29, 31, 60, 0, 7, 6)))
        if ahead is not None:
            version["announced_on"] = effective - timedelta(days=ahead)
        notice = draw(st.sampled_from((None, "7d", "30d")))
        if notice is not None:
            version["change_notice"] = notice
        found.append({**version, **draw(policies())})
    return sorted(found, key=lambda version: version["effective_from"])


@st.composite
def configs(draw: st.DrawFn, place: Place) -> Config:
    """A whole configuration."""
    config: Config = {"timezone": place.zone, "services": [draw(services(place, ("web", "api", "dns"), "app"))]}
    if draw(st.integers(0, 2)) == 2:
        config["services"].append(draw(services(place, ("bill", "pay"), "billing")))
    if draw(st.integers(0, 7)) == 7:
        return config
    config["policies"] = draw(versions(place))
    for name in ("edge", "shop"):
        settings = draw(checks(place, name).filter(lambda check: "heartbeat" not in check))
        config["services"][0]["checks"].append({**settings, "role": "corroboration"})
    for service in config["services"]:
        wanted = draw(
            st.lists(st.sampled_from(DEPENDENCIES), min_size=draw(st.sampled_from((1, 1, 0))), max_size=2, unique=True)
        )
        if wanted:
            service["depends_on"] = wanted
    return config


def checks_of(config: Config) -> list[str]:
    """The names of a configuration's checks."""
    return [check["name"] for service in config["services"] for check in service["checks"]]
