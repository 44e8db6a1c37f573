"""Who may do what: one row a route, and what has no row is refused (design/reliability.md, "5 Roles")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from aiohttp import web

from monitor.web.daemon import Access
from monitor.web.tokens import Role

Who = Role | Literal["anyone", "signature"]
"""A role of a token; anyone; or whoever proves with each request that it is the source's, which its route finds out."""
RouteKey = tuple[str, str]
"""Method and path as registered; HEAD is GET."""

OPEN: frozenset[Who] = frozenset({"anyone"})
READERS: frozenset[Who] = frozenset({"viewer", "operator"})
OPERATORS: frozenset[Who] = frozenset({"operator"})
SOURCES: frozenset[Who] = frozenset({"signature"})
SENDERS: frozenset[Who] = frozenset({"operator", "agent"})

ROLES: Mapping[RouteKey, frozenset[Who]] = {
    ("GET", "/"): OPEN,
    ("GET", "/status.json"): OPEN,
    ("GET", "/status.css"): OPEN,
    ("GET", "/status.js"): OPEN,
    ("GET", "/events"): OPEN,
    ("GET", "/feed.atom"): OPEN,
    ("GET", "/badge/{service}.svg"): OPEN,
    ("GET", "/services/{service}/{month}"): OPEN,
    ("GET", "/report.css"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/-/healthy"): OPEN,
    ("GET", "/-/ready"): OPEN,
    ("POST", "/-/reload"): OPERATORS,
    ("POST", "/api/v1/facts"): SENDERS,
    ("POST", "/api/v1/heartbeats/{check}"): SENDERS,
    ("POST", "/api/v1/exclusions"): OPERATORS,
    ("POST", "/api/v1/exclusions/{subject}/decisions"): OPERATORS,
    ("POST", "/api/v1/maintenance"): OPERATORS,
    ("POST", "/api/v1/maintenance/{subject}/cancellation"): OPERATORS,
    ("POST", "/api/v1/maintenance/{subject}/completion"): OPERATORS,
    ("POST", "/api/v1/tickets"): OPERATORS,
    ("POST", "/api/v1/readings"): OPERATORS,
    ("POST", "/api/v1/events"): OPERATORS,
    ("POST", "/api/v1/events/{subject}/cancellation"): OPERATORS,
    ("POST", "/api/v1/claims"): OPERATORS,
    ("POST", "/api/v1/claims/{subject}/decisions"): OPERATORS,
    ("POST", "/api/v1/vital-reports"): OPERATORS,
    ("POST", "/v1/web-vitals"): OPEN,
    ("OPTIONS", "/v1/web-vitals"): OPEN,
    ("POST", "/hooks/{source}"): SOURCES,
    ("POST", "/hooks/{source}/{secret}"): SOURCES,
    ("POST", "/api/v1/closings"): OPERATORS,
    ("POST", "/api/v1/restatements"): OPERATORS,
    ("GET", "/api/v1/statements"): READERS,
    ("GET", "/api/v1/statements/{service}/{month}"): READERS,
}

STATUS_PAGE: frozenset[RouteKey] = frozenset(
    ("GET", path)
    for path in (
        "/",
        "/status.json",
        "/status.css",
        "/status.js",
        "/events",
        "/feed.atom",
        "/badge/{service}.svg",
        "/services/{service}/{month}",
        "/report.css",
    )
)
"""What is closed together; the report of a month is read by whoever reads the status page."""


def roles_under(access: Access) -> dict[RouteKey, frozenset[Who]]:
    """The table under a configuration: pages that it closes ask for a token, those it switches off are gone."""
    table = dict(ROLES)
    if access.metrics == "token":
        table["GET", "/metrics"] = READERS
    for key in STATUS_PAGE:
        if access.status_page == "off":
            del table[key]
        elif access.status_page == "token":
            table[key] = READERS
    return table


def key_of(route: web.AbstractRoute) -> RouteKey:
    path = route.resource.canonical if route.resource is not None else ""
    return ("GET" if route.method == "HEAD" else route.method, path)


def without_a_row(app: web.Application, table: Mapping[RouteKey, frozenset[Who]]) -> list[RouteKey]:
    """Routes that nobody said anything about: the server does not start with one."""
    return sorted({key_of(route) for route in app.router.routes()} - table.keys())
