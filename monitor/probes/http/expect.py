"""What a response must be, and whether it is: the `expect` section, judged without I/O."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from monitor.probes.judge import PASS, Verdict
from monitor.probes.pattern import BodyPattern
from monitor.probes.response import Response
from monitor.settings import Settings, shown, wrong

_RANGE = re.compile(r"([1-9]\d\d)-([1-9]\d\d)")


def _parse_status(given: object) -> int | str:
    if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 999:
        return given
    match = _RANGE.fullmatch(given) if isinstance(given, str) else None
    if match is None or match[1] > match[2]:
        raise wrong(f"expected a status such as 200, or a range such as 200-299; found {shown(given)}")
    return match[0]


def _parse_pattern(given: object) -> str:
    if not isinstance(given, str):
        raise wrong(f"expected a regular expression; found {shown(given)}")
    try:
        BodyPattern(given)
    except ValueError as error:
        raise wrong(f"expected a regular expression; {error}") from None
    return given


Status = Annotated[
    int | str,
    PlainValidator(_parse_status),
    WithJsonSchema({"type": ["integer", "string"], "examples": [200, "200-299"]}),
]


class Expect(Settings):
    """What a response must be."""

    status: list[Status] = Field(default=["200-299"], min_length=1)
    body_matches: Annotated[str, PlainValidator(_parse_pattern), WithJsonSchema({"type": "string"})] | None = None

    @cached_property
    def statuses(self) -> frozenset[int]:
        return frozenset(code for status in self.status for code in _codes(status))

    @cached_property
    def pattern(self) -> BodyPattern | None:
        return None if self.body_matches is None else BodyPattern(self.body_matches)


def _codes(status: int | str) -> range:
    if isinstance(status, int):
        return range(status, status + 1)
    first, _, last = status.partition("-")
    return range(int(first), int(last) + 1)


def judge_response(expect: Expect, response: Response) -> Verdict:
    """Whether a whole response is the expected one."""
    if response.status not in expect.statuses:
        return Verdict("fail", "http_status", f"status {response.status}")
    if expect.pattern is not None and not expect.pattern.found_in(response.body):
        return Verdict("fail", "http_content", "the body does not match body_matches")
    return PASS
