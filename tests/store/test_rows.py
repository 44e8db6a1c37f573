"""What is kept of a result is all of it: the same canonical line, byte for byte."""

from __future__ import annotations

from hypothesis import given, settings

from monitor.facts import Phases, Result, canonical_line, decode_line
from monitor.store.rows import from_row, row_line, shared_of, template, template_body, to_row
from tests.store.samples import any_result, passes


@settings(max_examples=300)
@given(any_result())
def test_the_line_made_from_a_row_is_the_line_of_the_result(result: Result) -> None:
    kept = template(7, template_body(shared_of(result)))
    row = to_row(1, kept.number, result)
    assert row_line(row, kept) == canonical_line(result)


@settings(max_examples=200)
@given(any_result())
def test_a_result_comes_back_from_its_row(result: Result) -> None:
    kept = template(7, template_body(shared_of(result)))
    again = from_row(to_row(1, kept.number, result), kept.shared)
    assert again == result
    assert canonical_line(again) == canonical_line(result)


@given(any_result())
def test_a_line_reads_back_as_the_same_line(result: Result) -> None:
    assert canonical_line(decode_line(canonical_line(result))) == canonical_line(result)


def test_phases_without_a_number_are_not_no_phases() -> None:
    result = passes(1)[0]._replace(phases_ms=Phases())
    kept = template(1, template_body(shared_of(result)))
    assert from_row(to_row(1, 1, result), kept.shared).phases_ms == Phases()
