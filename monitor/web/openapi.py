"""The API described in OpenAPI 3.1: every route of the table of roles, what it takes and everything it answers."""

from __future__ import annotations

from collections.abc import Mapping

from monitor import __version__
from monitor.facts import Json
from monitor.web.openapi_pages import PAGES
from monitor.web.openapi_parts import DENIED as _DENIED
from monitor.web.openapi_parts import MONTH as _MONTH
from monitor.web.openapi_parts import OBJECT as _OBJECT
from monitor.web.openapi_parts import READ as _READ
from monitor.web.openapi_parts import SERVICE as _SERVICE
from monitor.web.openapi_parts import TEXT as _TEXT
from monitor.web.openapi_parts import ok as _ok
from monitor.web.openapi_parts import open_page as _open
from monitor.web.openapi_parts import problem as _problem
from monitor.web.openapi_vitals import VITAL_REPORTS, WEB_VITALS

_AS_OF: Json = {
    "name": "as_of",
    "in": "query",
    "description": "Only facts recorded by then count; an instant with an offset, not in the future.",
    "schema": {"type": "string", "format": "date-time"},
}
_FACT: Json = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}

_RECORDED: Json = {
    "type": "object",
    "required": ["subject", "new", "author", "authenticated", "effects"],
    "properties": {
        "subject": {"type": "string"},
        "new": {"type": "integer", "minimum": 0},
        "author": {"type": "string"},
        "authenticated": {"type": "boolean"},
        "effects": {"type": "array", "items": {"type": "object"}},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}


def _by_hand(summary: str, kind: str, required: str, subject: str | None = None) -> Json:
    """What a person records; the fields are those of the fact. `subject` is what the path names."""
    body: Json = {"type": "object", "required": list(required.split())}
    path: Json = {"name": "subject", "in": "path", "required": True, "schema": {"type": "string"}}
    answers: dict[str, Json] = {
        "200": _ok(
            "Durable: `new` facts, 0 where the same stands already; `effects` is what it comes to for each service.",
            {"application/json": {"schema": _RECORDED}},
        ),
        "400": _problem("The body is not framed as its headers say."),
        "404": _problem("Nothing is recorded under that id."),
        "408": _problem("The body did not arrive in time."),
        "409": _problem("What is recorded already does not allow it."),
        "413": _problem("The body is over 1 MiB."),
        "415": _problem("Not JSON, or compressed."),
        "422": _problem("A field is wrong. Nothing was stored."),
        "502": _problem("The page to publish on did not take it. Nothing was stored."),
        **_DENIED,
    }
    return {
        "post": {
            "summary": f"{summary} Role: operator.",
            "description": (
                f"The fields of a `{kind}` fact. The author is the token's name; an `author` that is typed is taken,"
                " and shown as unauthenticated."
            ),
            "security": _READ,
            "parameters": [path] if subject is not None else [],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": answers,
        }
    }


_DRAFT = "As it would be now, also where the month is closed."
_LATE = "Instead of the statement who closed it, and what came later with its effect in ms."


def _flag(name: str, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", "enum": ["true"]}}


def _closing(summary: str, required: str) -> Json:
    """Closing or restating; the answer lists each service's revision."""
    names = ("month", "service", "reason", "author")
    properties: dict[str, Json] = {name: {"type": "string"} for name in names}
    body: Json = {"type": "object", "required": list(required.split()), "properties": properties}
    answers: dict[str, Json] = {
        "200": _ok(
            "Durable: `closed` lists service, revision, digest, verdict and, restated, the difference.", _OBJECT
        ),
        "400": _problem("The body is not framed as its headers say."),
        "404": _problem("There is no such service and never was."),
        "408": _problem("The body did not arrive in time."),
        "409": _problem("It is closed already, is a draft, or nothing came since it was closed."),
        "413": _problem("The body is over 1 MiB."),
        "415": _problem("Not JSON, or compressed."),
        "422": _problem("A member is wrong, the month is not over, or nothing was recorded of it."),
        **_DENIED,
    }
    return {
        "post": {
            "summary": f"{summary} Role: operator.",
            "security": _READ,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": answers,
        }
    }


_REPORT: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "status": {"type": "string", "enum": ["pass", "fail"], "default": "pass"},
        "reason": {"type": "string", "maxLength": 400, "description": "With status fail: why, on one line."},
        "duration_ms": {"type": "number", "minimum": 0, "description": "How long the job ran."},
    },
}

_RECEIPT: Json = {
    "type": "object",
    "properties": {
        "new": {"type": "integer", "minimum": 0, "description": "Facts that are new, and durable."},
        "ignored": {"type": "boolean", "description": "Of a kind that says nothing here."},
        "duplicate": {"type": "boolean", "description": "Said before, or older than what is known."},
    },
}


def _hook(how: str, *more: str) -> Json:
    """Where sources post."""
    names = ("source", *more)
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    return {
        "post": {
            "summary": f"A source posts what is new there. {how}",
            "security": [{}],
            "parameters": parameters,
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": {
                "200": _ok("What became of it.", {"application/json": {"schema": _RECEIPT}}),
                "400": _problem("Proved, and it cannot be read: kept aside."),
                "401": _problem("Nothing proves that it comes from the source, now."),
                "404": _problem("No source of that name posts here so."),
                "408": _problem("The body did not arrive in time."),
                "413": _problem("The body is over 256 KiB."),
                "415": _problem("Not JSON, or compressed."),
                "503": _problem("It could not be kept, or the clock here is not kept right; send it again."),
            },
        }
    }


PATHS: Mapping[str, Json] = {
    **PAGES,
    "/metrics": _open("Metrics in Prometheus text format 0.0.4.", _TEXT),
    "/openapi.json": _open("This document.", _OBJECT),
    "/-/healthy": _open("The process lives.", _TEXT),
    "/-/ready": _open("Probing and evaluating; before that 503.", _TEXT),
    "/-/reload": {
        "post": {
            "summary": "Reads the configuration again; a bad one changes nothing. Role: operator.",
            "security": _READ,
            "responses": {
                "200": _ok("The new configuration is in force.", _OBJECT),
                "422": _problem("The configuration is refused; `problems` lists its mistakes."),
                **_DENIED,
            },
        }
    },
    "/api/v1/facts": {
        "post": {
            "summary": "Records a batch of facts: all of it, or nothing.",
            "description": (
                "Role operator: every kind. Role agent: `result` and `lifecycle` of its own vantage, `at` at most 2 s"
                " ahead, `hold_ms` cut to 3 x interval + timeout. The server sets `recorded_at`. A fact whose `id` (or"
                " content) is known is ignored, so a batch may be sent again. 200 means durable."
            ),
            "security": _READ,
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-ndjson": {"schema": {"type": "string", "description": "One fact a line."}},
                    "application/json": {"schema": {"type": "array", "items": _FACT}},
                },
            },
            "responses": {
                "200": _ok(
                    "Recorded.",
                    {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["new"],
                                "properties": {"new": {"type": "integer", "minimum": 0}},
                            }
                        }
                    },
                ),
                "400": _problem("The body is not framed as its headers say."),
                "408": _problem("The body did not arrive in time."),
                "413": _problem("The body is over 1 MiB."),
                "415": _problem("Neither JSON Lines nor a JSON array, or compressed."),
                "422": _problem("A fact is bad; `line` is its number. Nothing was stored."),
                **_DENIED,
            },
        }
    },
    "/api/v1/exclusions": _by_hand(
        "Declares an exclusion: what only a person can say of downtime.", "exclusion", "class start end reason evidence"
    ),
    "/api/v1/exclusions/{subject}/decisions": _by_hand(
        "Approves what another person declared, or revokes it for good.",
        "exclusion_decision",
        "decision",
        "exclusion",
    ),
    "/api/v1/maintenance": _by_hand(
        "Records an announced maintenance, or the next revision of one; with `publish`, the name of a page of ours with"
        " an API key, it is published there first, and needs a `title` and no `url`.",
        "maintenance",
        "start end",
    ),
    "/api/v1/maintenance/{subject}/cancellation": _by_hand(
        "The maintenance will not be.", "maintenance", "", "maintenance"
    ),
    "/api/v1/maintenance/{subject}/completion": _by_hand(
        "The maintenance ended early: now, or `at`.", "maintenance", "", "maintenance"
    ),
    "/api/v1/tickets": _by_hand(
        "Records a ticket as it is now, or with the one member `csv` the text of a file of them.", "ticket", ""
    ),
    "/api/v1/readings": _by_hand(
        "Records a figure that Shopify publishes of Web Vitals, or with the one member `csv` the text of a file.",
        "vitals_reading",
        "",
    ),
    "/api/v1/events": _by_hand(
        "Records a customer's announced peak, or a later word on one.",
        "traffic_event",
        "customer start end expected_factor",
    ),
    "/api/v1/events/{subject}/cancellation": _by_hand("The peak will not be.", "traffic_event", "", "event"),
    "/api/v1/claims": _by_hand("Records a customer's claim for a credit.", "claim", "customer month commitment"),
    "/api/v1/claims/{subject}/decisions": _by_hand(
        "Grants a claim, for good, or refuses it with a reason.", "claim", "decision", "claim"
    ),
    "/api/v1/heartbeats/{check}": {
        "post": {
            "summary": "A job says that it ran, or that it failed. Roles: operator, agent.",
            "description": (
                "Recorded as a result of that check at this daemon's location; it holds every + grace. Without a body"
                " it is a pass. 200 means durable. With the header `Idempotency-Key` a report that is sent again counts"
                " once: `new` is 0."
            ),
            "security": _READ,
            "parameters": [
                {"name": "check", "in": "path", "required": True, "schema": {"type": "string"}},
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
                },
            ],
            "requestBody": {"required": False, "content": {"application/json": {"schema": _REPORT}}},
            "responses": {
                "200": _ok(
                    "Durable.",
                    {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["new"],
                                "properties": {"new": {"type": "integer", "minimum": 0, "maximum": 1}},
                            }
                        }
                    },
                ),
                "400": _problem("The body is not framed as its headers say."),
                "404": _problem("The configuration names no such check."),
                "408": _problem("The body did not arrive in time."),
                "413": _problem("The body is over 1 MiB."),
                "415": _problem("Not JSON, or compressed."),
                "422": _problem("The check is no heartbeat, or a field is wrong. Nothing was stored."),
                **_DENIED,
            },
        }
    },
    "/api/v1/vital-reports": VITAL_REPORTS,
    "/v1/web-vitals": WEB_VITALS,
    "/hooks/{source}": _hook(
        "Instatus, Sentry and ticket systems sign the body, Cloudflare sends its secret in `cf-webhook-auth`."
    ),
    "/hooks/{source}/{secret}": _hook(
        "Statuspage signs nothing: the secret ends the address, and what is posted is only a hint to ask the page now.",
        "secret",
    ),
    "/api/v1/closings": _closing("Closes a month that is over: of every service, or of one.", "month"),
    "/api/v1/restatements": _closing("Restates what is closed, with what came since.", "month reason"),
    "/api/v1/statements": {
        "get": {
            "summary": "The statements of the running month and the one before. Roles: viewer, operator.",
            "security": _READ,
            "responses": {"200": _ok("Every service's months.", _OBJECT), **_DENIED},
        }
    },
    "/api/v1/statements/{service}/{month}": {
        "get": {
            "summary": "The statement of one service and month. Roles: viewer, operator.",
            "security": _READ,
            "parameters": [_SERVICE, _MONTH, _AS_OF, _flag("draft", _DRAFT), _flag("late", _LATE)],
            "responses": {
                "200": _ok("The statement; amounts end in `_ms`, ratios are decimal text.", _OBJECT),
                "404": _problem("The configuration names no such service; with `late`: the month is not closed."),
                "422": _problem("A parameter is wrong, or no policy is in force in the month."),
                "500": _problem("What the facts give now is not what was closed: `statement_differs`."),
                **_DENIED,
            },
        }
    },
}

DOCUMENT: Mapping[str, Json] = {
    "openapi": "3.1.0",
    "info": {
        "title": "minutebook",
        "version": __version__,
        "description": "Keeps the book of a promised uptime. Errors are RFC 9457 problem details.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    },
    "paths": dict(PATHS),
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "error", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "error": {"type": "string"},
                    "detail": {"type": "string", "maxLength": 200},
                    "line": {"type": ["integer", "null"]},
                    "problems": {"type": "array", "items": {"type": "string"}},
                },
            }
        },
    },
}
