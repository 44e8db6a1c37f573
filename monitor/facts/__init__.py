"""Facts: the append-only log that everything is computed from (contracts/facts.md).

`Result` is one look of a check, kept small because there are many; every other kind is a `Fact` whose `fields` were
checked by `decode`. Both are frozen. `canonical_line` is the RFC 8785 line that digests and the chain are made of.
"""

from __future__ import annotations

from monitor.facts.canonical import (
    SpelledFields,
    Spelling,
    canonical_json,
    canonical_line,
    digest,
    key,
    sha256_text,
)
from monitor.facts.decode import decode_fact, decode_line, parse_json
from monitor.facts.entry import check_entry
from monitor.facts.kinds import (
    EXCLUSION_CLASSES,
    FAIL_REASONS,
    SEVERITIES,
    VOID_REASONS,
    AnyFact,
    Fact,
    Json,
    Outcome,
    Phases,
    Result,
    subject,
)

__all__ = [
    "EXCLUSION_CLASSES",
    "FAIL_REASONS",
    "SEVERITIES",
    "VOID_REASONS",
    "AnyFact",
    "Fact",
    "Json",
    "Outcome",
    "Phases",
    "Result",
    "SpelledFields",
    "Spelling",
    "canonical_json",
    "canonical_line",
    "check_entry",
    "decode_fact",
    "decode_line",
    "digest",
    "key",
    "parse_json",
    "sha256_text",
    "subject",
]
