"""What descriptions of routes are made of (OpenAPI 3.1)."""

from __future__ import annotations

from monitor.facts import Json

PROBLEM: Json = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
OBJECT: Json = {"application/json": {"schema": {"type": "object"}}}
STRING: Json = {"type": "string"}
TEXT: Json = {"text/plain": {"schema": {"type": "string"}}}


def problem(description: str) -> Json:
    return {"description": description, "content": PROBLEM}


def ok(description: str, content: Json) -> Json:
    return {"description": description, "content": content}


DENIED: dict[str, Json] = {
    "401": problem("No token, or one that is unknown, expired or revoked."),
    "403": problem("The token's role may not do this."),
    "429": problem("Too many bad tokens from this address."),
    "503": problem("Nothing was changed; try again after `Retry-After` seconds."),
}
READ: Json = [{"bearer": []}]
OPEN: Json = [{}, {"bearer": []}]


def open_page(summary: str, content: Json, **more: Json) -> Json:
    """A page for everybody; configuration may close it to those with a token."""
    answers: dict[str, Json] = {"200": ok(summary, content), **DENIED}
    return {"get": {"summary": summary, "security": OPEN, "responses": answers, **more}}


SERVICE: Json = {"name": "service", "in": "path", "required": True, "schema": {"type": "string"}}
MONTH: Json = {
    "name": "month",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
}
