"""What a response must be: the `expect` section. How it is judged stands in `judging`.

```yaml
expect:
  status: [200, 300-399]
  http_version: [HTTP/1.1]
  tls: required                                        # of the last response; or forbidden
  ip: [192.0.2.0/24, "2001:db8::1"]                    # where the connection must have gone to
  headers:
    - {name: Content-Type, matches: "^application/json"}
    - {name: Cache-Control, lacks: public, presence: optional}
    - {name: X-Debug, presence: forbidden}
  size: {at_least: 2, at_most: 100000}                 # bytes of body, decompressed
  body_matches: '"status":\\s*"ok"'                     # one expression, or a list of them
  body_lacks: [error, exception]
  json: ['$.status == "ok"', 'length($.items) >= 1']   # monitor/probes/json_condition.py
  duration: 2s                                         # only where the promise counts latency
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from monitor.probes.json_condition import JsonCondition
from monitor.probes.pattern import BodyPattern, Pattern, parse_pattern
from monitor.probes.response import BODY_LIMIT
from monitor.settings import Mistake, PositiveDuration, Settings, shown, wrong

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
MOST = 20  # expectations of a kind: each costs a pass over the body

_RANGE = re.compile(r"([1-9]\d\d)-([1-9]\d\d)")


def _parse_status(given: object) -> int | str:
    if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 999:
        return given
    match = _RANGE.fullmatch(given) if isinstance(given, str) else None
    if match is None or match[1] > match[2]:
        raise wrong(f"expected a status such as 200, or a range such as 200-299; found {shown(given)}")
    return match[0]


def _parse_condition(given: object) -> str:
    example = """'$.status == "ok"'"""
    if not isinstance(given, str):
        raise wrong(f"expected a condition such as {example}; found {shown(given)}")
    try:
        JsonCondition(given)
    except ValueError as error:
        raise wrong(f"expected a condition such as {example}; {error}") from None
    return given


def _parse_network(given: object) -> str:
    try:
        network = ip_network(given, strict=False) if isinstance(given, str) else None
    except ValueError:
        network = None
    if network is None:
        raise wrong(f"expected an address or a network such as 192.0.2.1 or 192.0.2.0/24; found {shown(given)}")
    if network.num_addresses > 1 and str(network) != given:
        raise wrong(f"expected the first address of a network; found {shown(given)}; write {network}")
    return str(given)


def _one_or_more(parse: Callable[[object], str]) -> Callable[[object], tuple[str, ...]]:
    def parse_all(given: object) -> tuple[str, ...]:
        if not isinstance(given, list | tuple):
            return (parse(given),)
        if not 1 <= len(given) <= MOST:
            raise wrong(f"expected 1 to {MOST} in the list; found {len(given)}")
        return tuple(map(parse, given))

    return parse_all


def _as_written(given: tuple[str, ...]) -> str | list[str]:
    return given[0] if len(given) == 1 else list(given)


_ONE_OR_MORE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}

Status = Annotated[
    int | str,
    PlainValidator(_parse_status),
    WithJsonSchema({"type": ["integer", "string"], "examples": [200, "200-299"]}),
]
Patterns = Annotated[
    tuple[str, ...],
    PlainValidator(_one_or_more(parse_pattern)),
    PlainSerializer(_as_written, when_used="json"),
    WithJsonSchema(_ONE_OR_MORE),
]
Condition = Annotated[
    str, PlainValidator(_parse_condition), WithJsonSchema({"type": "string", "examples": ['$.status == "ok"']})
]
Network = Annotated[
    str, PlainValidator(_parse_network), WithJsonSchema({"type": "string", "examples": ["192.0.2.1", "192.0.2.0/24"]})
]


class HeaderExpect(Settings):
    """What one header must be: with several values it matches if one does, and lacks if none does."""

    name: str
    matches: Pattern | None = None
    lacks: Pattern | None = None
    presence: Literal["required", "optional", "forbidden"] = "required"

    def mistakes(self) -> Iterator[Mistake]:
        if not TOKEN.fullmatch(self.name):
            yield Mistake(("name",), "expected a header's name: letters, digits and hyphens")
        has_pattern = self.matches is not None or self.lacks is not None
        if self.presence == "forbidden" and has_pattern:
            yield Mistake(("presence",), "a header that must not be there has nothing to match; leave the pattern out")
        if self.presence == "optional" and not has_pattern:
            yield Mistake(("presence",), "asks for nothing; add `matches` or `lacks`")

    @cached_property
    def wanted(self) -> BodyPattern | None:
        return None if self.matches is None else BodyPattern(self.matches)

    @cached_property
    def unwanted(self) -> BodyPattern | None:
        return None if self.lacks is None else BodyPattern(self.lacks)


class Size(Settings):
    """Bounds of the body in bytes, decompressed."""

    at_least: int | None = Field(default=None, ge=1)
    at_most: int | None = Field(default=None, ge=0, le=BODY_LIMIT)

    def mistakes(self) -> Iterator[Mistake]:
        if self.at_least is None and self.at_most is None:
            yield Mistake((), "expected `at_least`, `at_most`, or both")
        elif self.at_least is not None and self.at_least > (BODY_LIMIT if self.at_most is None else self.at_most):
            most = f"{BODY_LIMIT} bytes, which are read at most" if self.at_most is None else "at_most"
            yield Mistake(("at_least",), f"is over {most}")


class Expect(Settings):
    """What a response must be."""

    status: list[Status] = Field(default=["200-299"], min_length=1)
    http_version: list[Literal["HTTP/1.0", "HTTP/1.1"]] | None = Field(default=None, min_length=1)
    tls: Literal["required", "forbidden"] | None = None
    ip: list[Network] | None = Field(default=None, min_length=1)
    headers: list[HeaderExpect] = Field(default_factory=list, max_length=MOST)
    size: Size | None = None
    body_matches: Patterns | None = None
    body_lacks: Patterns | None = None
    json_: list[Condition] = Field(default_factory=list, alias="json", max_length=MOST)
    duration: PositiveDuration | None = None

    @cached_property
    def statuses(self) -> frozenset[int]:
        return frozenset(code for status in self.status for code in _codes(status))

    @cached_property
    def status_alone(self) -> bool:
        """Whether the status is all that is asked for."""
        return not any(getattr(self, name) for name in Expect.model_fields if name != "status")

    @cached_property
    def keeps_body(self) -> bool:
        return bool(self.body_matches or self.body_lacks or self.json_)

    @cached_property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(map(ip_network, self.ip or ()))

    @cached_property
    def wanted(self) -> tuple[BodyPattern, ...]:
        return tuple(map(BodyPattern, self.body_matches or ()))

    @cached_property
    def unwanted(self) -> tuple[BodyPattern, ...]:
        return tuple(map(BodyPattern, self.body_lacks or ()))

    @cached_property
    def conditions(self) -> tuple[JsonCondition, ...]:
        return tuple(map(JsonCondition, self.json_))

    def of_bodies(self) -> Iterator[str]:
        """The keys that need a body."""
        given = {
            "size": self.size,
            "body_matches": self.body_matches,
            "body_lacks": self.body_lacks,
            "json": self.json_,
        }
        return (key for key, value in given.items() if value)


def _codes(status: int | str) -> range:
    if isinstance(status, int):
        return range(status, status + 1)
    first, _, last = status.partition("-")
    return range(int(first), int(last) + 1)
