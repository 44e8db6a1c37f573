"""The JSON Schema: editors accept what the program accepts, and describe what is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from monitor import probes, sources
from monitor.config import schema
from monitor.config.document import read_document
from tests.config.written import EXAMPLE

BAD = Path(__file__).parent / "bad"
VALIDATOR = jsonschema.Draft202012Validator(schema())
SCENARIOS = sorted((Path(__file__).resolve().parents[1] / "scenarios").glob("*/config.yaml"))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert json.loads(json.dumps(schema())) == schema()


@pytest.mark.parametrize("path", [EXAMPLE, *SCENARIOS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_the_program_reads_is_valid_by_the_schema(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(read_document(path.read_text(), path.name).values)] == []


@pytest.mark.parametrize(
    "name",
    [
        "an-unknown-key",
        "a-duration-without-a-unit",
        "a-duration-in-words",
        "a-word-that-is-not-offered",
        "a-check-without-a-kind",
        "a-check-of-two-kinds",
        "a-secret-that-stands-in-the-file",
        "a-missing-section-of-services",
        "an-objective-without-its-sign",
        "a-quorum-below-one",
    ],
)
def test_a_mistake_of_shape_is_seen_by_editors_too(name: str) -> None:
    assert list(VALIDATOR.iter_errors(read_document((BAD / f"{name}.yaml").read_text(), name).values))


def test_durations_and_secrets_are_described_as_they_are_written() -> None:
    text = json.dumps(schema())
    assert '"default": "30s"' in text
    assert '"default": "99.9%"' in text
    assert '"default": "sqlite:///minutebook.db"' in text
    assert "30000" not in text
    assert "999/1000" not in text


def test_every_kind_of_check_and_source_is_a_key() -> None:
    definitions = schema()["$defs"]
    assert isinstance(definitions, dict)
    assert set(probes.KINDS) <= set(definitions["Check"]["properties"])
    assert set(sources.KINDS) <= set(definitions["Source"]["properties"])


def test_every_section_says_what_it_is() -> None:
    definitions = schema()["$defs"]
    assert isinstance(definitions, dict)
    probed = {model.settings.__name__ for model in probes.KINDS.values()}
    assert [name for name, shape in definitions.items() if "description" not in shape and name not in probed] == []


def objects(shape: object) -> Iterator[dict[str, object]]:
    if isinstance(shape, dict):
        yield shape
        for inner in shape.values():
            yield from objects(inner)
    elif isinstance(shape, list):
        for inner in shape:
            yield from objects(inner)


def test_every_section_refuses_unknown_keys() -> None:
    sections = [shape for shape in objects(schema()) if shape.get("type") == "object" and "properties" in shape]
    assert len(sections) > 30
    assert not [shape for shape in sections if shape.get("additionalProperties") is not False]
