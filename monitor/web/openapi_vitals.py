"""`/v1/web-vitals` described in OpenAPI 3.1."""

from __future__ import annotations

from monitor.beacons.body import MOST_METRICS
from monitor.facts import Json


def _problem(description: str) -> Json:
    schema: Json = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


_METRIC: Json = {
    "type": "object",
    "required": ["id", "name", "value"],
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
        "name": {"type": "string", "enum": ["LCP", "INP", "CLS", "FCP", "TTFB", "FID"]},
        "value": {"type": "number", "minimum": 0},
        "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
    },
}
_METRICS: Json = {"type": "array", "maxItems": MOST_METRICS, "items": _METRIC}
_REPORT: Json = {
    "type": "object",
    "required": ["metrics"],
    "properties": {"metrics": _METRICS, "app": {"type": "string"}, "ticket": {"type": "string"}},
}
_BODY: Json = {"schema": {"anyOf": [_REPORT, _METRICS, _METRIC]}}
_TAKEN: Json = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 0},
        "rejected": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    },
}

_SHARED: dict[str, Json] = {
    "403": _problem("Pages of this origin may not send here, or it is of another app."),
    "404": _problem("No beacons are taken in here."),
    "429": _problem("Too many; come again after `Retry-After` seconds."),
}

WEB_VITALS: Json = {
    "post": {
        "summary": "Web Vitals that a page measured, as App Bridge or the web-vitals library gives them.",
        "description": "How a sender shows whose the beacon is, is configured: `web_vitals.auth`.",
        "security": [{}, {"bearer": []}],
        "requestBody": {"required": True, "content": {"text/plain": _BODY, "application/json": _BODY}},
        "responses": {
            "200": {
                "description": "The same as 204, for who asks for `application/json`.",
                "content": {"application/json": {"schema": _TAKEN}},
            },
            "204": {"description": "Durable, also when single metrics were rejected: those are counted by reason."},
            "400": _problem("Not JSON, or another shape. Nothing was kept."),
            "401": _problem("No secret, session token or ticket that is in force."),
            "408": _problem("The body did not arrive in time."),
            "413": _problem("The body is over 16 KiB."),
            "415": _problem("Not text/plain or application/json in UTF-8, or compressed."),
            "503": _problem("It could not be kept. Nothing was."),
            **_SHARED,
        },
    },
    "options": {
        "summary": "What a browser asks first where the beacon is JSON or has a header of its own.",
        "security": [{}],
        "responses": {"204": {"description": "Pages of this origin may send."}, **_SHARED},
    },
}

VITAL_REPORTS: Json = {
    "post": {
        "summary": "What `minutebook ingest` took in and hands over. Role: operator.",
        "description": "Each report: key (hex), metric, value, at (UTC ms), country or null, auth.",
        "security": [{"bearer": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "array", "items": {"type": "array"}}}},
        },
        "responses": {
            "200": {
                "description": "All are durable, but `late` of them, whose day is over.",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"late": {"type": "integer", "minimum": 0}}}
                    }
                },
            },
            "400": _problem("The body is not framed as its headers say."),
            "401": _problem("No token, or one that is unknown, expired or revoked."),
            "403": _problem("The token's role may not do this."),
            "408": _problem("The body did not arrive in time."),
            "413": _problem("The body is over 1 MiB."),
            "415": _problem("Not JSON, or compressed."),
            "422": _problem("A report is wrong. Nothing was kept."),
            "429": _problem("Too many bad tokens from this address."),
            "503": _problem("They could not be kept. Nothing was."),
        },
    }
}
