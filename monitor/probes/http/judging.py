"""Whether a response is the expected one: pure. Each thing that was asked for is said to hold or not, in the order of
the section `expect`; the first that does not is the reason of the look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import ip_address
from itertools import takewhile
from typing import NamedTuple

from monitor.interfaces import Assertion
from monitor.probes.http.expect import Expect, HeaderExpect
from monitor.probes.json_condition import DocumentError, read_json
from monitor.probes.judge import PASS, Verdict
from monitor.probes.response import Response
from monitor.settings import format_duration

_RATE_LIMITING = frozenset({429, 503})
_SHOWN = 100  # characters of a condition in words


class Seen(NamedTuple):
    """What is judged: the last response, whether it came over TLS, from where, and how long the look took."""

    response: Response
    secure: bool
    address: str | None
    elapsed_ms: float


class Judged(NamedTuple):
    """The verdict, and all that it comes from."""

    verdict: Verdict
    assertions: tuple[Assertion, ...]


class _Found(NamedTuple):
    """An assertion, and the reason of a look where it does not hold."""

    reason: str
    assertion: Assertion


def judge_response(expect: Expect, seen: Seen, given_up: Callable[[], bool] = lambda: False) -> Judged:
    """Whether a whole response is the expected one. Once `given_up`, nobody waits for the rest, which is left out."""
    found = tuple(takewhile(lambda _: not given_up(), _assertions(expect, seen)))
    failed = next((each for each in found if not each.assertion.passed), None)
    verdict = PASS if failed is None else Verdict("fail", failed.reason, failed.assertion.words)
    return Judged(verdict, tuple(each.assertion for each in found))


def failed_by_pattern(assertion: Assertion) -> bool:
    """Whether an expression over headers or body is what did not hold (blackbox_exporter's "failed due to regex")."""
    return not assertion.passed and assertion.name.startswith(("headers", "body_matches", "body_lacks"))


@lru_cache(maxsize=900)
def status_held(status: int) -> Judged:
    """The judgement of a response of which the status alone was asked for, and held."""
    return Judged(PASS, (Assertion("status", True, f"status {status}"),))


def _assertions(expect: Expect, seen: Seen) -> Iterator[_Found]:
    response = seen.response
    yield _Found("http_status", _status(expect, response))
    if expect.http_version is not None:
        held = f"HTTP/{response.version}" in expect.http_version
        yield _Found("http_protocol", Assertion("http_version", held, f"HTTP/{response.version}"))
    if expect.tls is not None:
        words = "the last response came over TLS" if seen.secure else "the last response came without TLS"
        yield _Found("tls_protocol", Assertion("tls", seen.secure is (expect.tls == "required"), words))
    if expect.ip is not None:
        yield _Found("dns_answer", _address(expect, seen.address))
    for place, header in enumerate(expect.headers):
        yield _Found("http_content", _header(f"headers[{place}]", header, response))
    if expect.size is not None:
        yield _size(expect, response)
    if expect.keeps_body:
        body = response.body
        yield from _patterns(expect, body)
        yield from _conditions(expect, body)
    if expect.duration is not None:
        words = f"took {seen.elapsed_ms:.0f} ms, at most {format_duration(expect.duration)} is expected"
        yield _Found("slow", Assertion("duration", seen.elapsed_ms <= expect.duration, words))


def _status(expect: Expect, response: Response) -> Assertion:
    status = response.status
    held = status in expect.statuses
    limited = not held and status in _RATE_LIMITING and response.header(b"retry-after") is not None
    return Assertion("status", held, f"status {status}" + (", maybe rate limited" if limited else ""))


def _address(expect: Expect, address: str | None) -> Assertion:
    if address is None:
        return Assertion("ip", False, "no connection of ours")
    found = ip_address(address)
    return Assertion("ip", any(found in network for network in expect.networks), f"connected to {address}")


def _header(name: str, header: HeaderExpect, response: Response) -> Assertion:
    wanted = header.name.lower().encode()
    values = [value for key, value in response.headers if key.lower() == wanted]
    if not values:
        return Assertion(name, header.presence != "required", f"{header.name} is not there")
    if header.presence == "forbidden":
        return Assertion(name, False, f"{header.name} is there")
    if header.wanted is not None and not any(map(header.wanted.found_in, values)):
        return Assertion(name, False, f"{header.name} does not match")
    if header.unwanted is not None and any(map(header.unwanted.found_in, values)):
        return Assertion(name, False, f"{header.name} matches what it must lack")
    return Assertion(name, True, f"{header.name} is as expected")


def _size(expect: Expect, response: Response) -> _Found:
    assert expect.size is not None  # noqa: S101  who calls this has asked
    least, most, size = expect.size.at_least, expect.size.at_most, response.body_size
    if most is not None and size > most:
        return _Found("http_too_large", Assertion("size", False, f"over {most} bytes of body"))
    if least is not None and size < least:
        return _Found("http_content", Assertion("size", False, f"{size} bytes of body, at least {least} are expected"))
    return _Found("http_content", Assertion("size", True, f"{size} bytes of body"))


def _patterns(expect: Expect, body: bytes) -> Iterator[_Found]:
    for key, patterns, unwanted in (
        ("body_matches", expect.wanted, False),
        ("body_lacks", expect.unwanted, True),
    ):
        for place, pattern in enumerate(patterns):
            name = key if len(patterns) == 1 else f"{key}[{place}]"
            found = pattern.found_in(body)
            words = f"the body {'matches' if found else 'does not match'} {name}"
            yield _Found("http_content", Assertion(name, found is not unwanted, words))


def _conditions(expect: Expect, body: bytes) -> Iterator[_Found]:
    if not expect.conditions:
        return
    try:
        document = read_json(body)
    except DocumentError as error:
        reason = "http_too_large" if error.too_large else "http_content"
        yield _Found(reason, Assertion("json", False, str(error)))
        return
    for place, condition in enumerate(expect.conditions):
        name = f"json[{place}]"
        held = condition.holds(document)
        text = " ".join(condition.text.split())
        words = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        yield _Found("http_content", Assertion(name, held, f"{words} is {'true' if held else 'false'}"))
