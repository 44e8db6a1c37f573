"""The pages in OpenAPI: the status page with all that tells the same, and the report of a month."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.facts import Json
from monitor.web.openapi_parts import DENIED, MONTH, OBJECT, OPEN, SERVICE, STRING, ok, open_page, problem


def _report() -> Json:
    return {
        "get": {
            "summary": "The availability report of one service and month; without a token of a public service only.",
            "security": OPEN,
            "parameters": [SERVICE, MONTH],
            "responses": {
                "200": ok("The report.", {"text/html": {"schema": {"type": "string"}}}),
                "404": problem("No such service, or nothing to report of the month."),
                "422": problem("The month is not written as YYYY-MM."),
                "500": problem("What the facts give now is not what was closed: `statement_differs`."),
                "503": problem("Other reports are being made, or the facts cannot be read; try again."),
                **DENIED,
            },
        }
    }


def _badge() -> Json:
    shows: Json = {"type": "string", "enum": ["state", "left"], "default": "state"}
    return {
        "get": {
            "summary": "A badge of one service: its state, or what is left of the month's budget.",
            "security": OPEN,
            "parameters": [SERVICE, {"name": "show", "in": "query", "schema": shows}],
            "responses": {
                "200": ok("The badge.", {"image/svg+xml": {"schema": STRING}}),
                "404": problem("There is no such service."),
                "422": problem("`show` is neither of the two."),
                **DENIED,
            },
        }
    }


PAGES: Mapping[str, Json] = {
    "/": open_page("The status page.", {"text/html": {"schema": STRING}}),
    "/status.json": open_page("The status page as JSON.", OBJECT),
    "/status.js": open_page("What keeps the status page up to date.", {"text/javascript": {"schema": STRING}}),
    "/events": open_page(
        "Server-sent events: which status page there is now.", {"text/event-stream": {"schema": STRING}}
    ),
    "/feed.atom": open_page("The status page as an Atom feed.", {"application/atom+xml": {"schema": STRING}}),
    "/badge/{service}.svg": _badge(),
    "/status.css": open_page("How the status page looks.", {"text/css": {"schema": STRING}}),
    "/report.css": open_page("How a report looks.", {"text/css": {"schema": STRING}}),
    "/services/{service}/{month}": _report(),
}
"""Every one that the status page closes with it."""
