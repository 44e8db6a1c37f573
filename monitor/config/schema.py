"""The JSON Schema of the whole file, for editors: what is written, not what it is decoded to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from monitor.config.model import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _AsWritten(GenerateJsonSchema):
    """Defaults as the file would say them, `30s` where the model holds 30000; those of a section stand in it."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        shown = super().default_schema(schema)
        serialization = schema["schema"].get("serialization", {})
        if serialization.get("type") == "function-plain" and "default" in shown:
            shown["default"] = serialization["function"](schema["default"])
        if shown.get("default", ()) is None or isinstance(shown.get("default"), dict):
            del shown["default"]
        return shown


@cache
def schema() -> Mapping[str, object]:
    """The schema of minutebook.yaml."""
    found = Config.model_json_schema(by_alias=True, schema_generator=_AsWritten)
    return {"$schema": DIALECT, **found, "title": "minutebook.yaml"}
