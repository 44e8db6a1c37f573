"""Vantages from the Prometheus HTTP API: fleets of blackbox_exporter that are there already.

Prometheus, Thanos, Mimir and VictoriaMetrics answer alike. Where `query` is a plain selector, its raw samples are asked
for (`query[...]` at an instant): each is a look at the instant that it was scraped, no step moves it, and a series that
is gone is silent at once. Anything else is evaluated at each `interval` of the checks (`query_range`), where a series
that is gone goes on for as long as the server looks back, 5 minutes as a rule.

1 passes, 0 fails, and any other value is counted. A sample whose check is none of ours is not for us. Where two series
speak at once for the same check and vantage, nobody can say which is meant: those samples are counted, and not taken.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, NamedTuple
from urllib.parse import urlencode

from pydantic import Field

from monitor.facts import Json, Outcome, Result
from monitor.ledger.interval import Spans, holds, normalise
from monitor.ledger.period import HOUR, MINUTE, SECOND, Period
from monitor.settings import Mistake, Secret, Text, WebUrl
from monitor.sources.kind import Asked, Component, Page, Reply, Request, Watched
from monitor.sources.reading import AHEAD, EARLIEST, LONGEST_ID, Reading, body_of
from monitor.sources.settings import VantageSettings
from monitor.sources.vantage import between, hold_ms, look_id, vantage

LATE = 2 * MINUTE
"""How late a sample may come to be found by a poll: remote write takes seconds, and VictoriaMetrics may keep back the
newest 30 s (-search.latencyOffset)."""

LONGEST = HOUR
"""What one poll asks for at most; `backfill` for more."""

CHUNK = 3 * MINUTE
"""What one request of a poll asks for: what a poll each minute asks for anyway, so that an hour that was missed fits
into bodies where a minute does; 21 requests then."""

SHORTEST_STEP = SECOND

MOST_POINTS = 10_000
"""Steps of a range query: Prometheus refuses more than 11,000 (prometheus.io/docs, "Range queries")."""

_LABEL = "^[a-zA-Z_][a-zA-Z0-9_]*$"
_MATCHER = r"""\s*[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)\s*"""
_SELECTOR = re.compile(
    rf"\s*(?=[a-zA-Z_:{{])(?:[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{{(?:{_MATCHER}(?:,{_MATCHER})*,?)?\s*\}})?\s*", re.ASCII
)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})

SAMPLES, EVALUATED = "samples", "evaluated samples"

_OUTCOMES: Mapping[str, Outcome] = {"1": "pass", "0": "fail"}


class PrometheusSettings(VantageSettings):
    """A Prometheus server, or one that speaks its HTTP API, that holds `probe_success`."""

    names_checks: ClassVar[bool] = True

    url: WebUrl = Field(description="The server's address, without /api.")
    query: str = Field(min_length=1, description='An instant vector of 1 and 0, such as probe_success{job="blackbox"}.')
    vantage_label: str = Field(pattern=_LABEL, description="The label that names the vantage.")
    check_label: str = Field(pattern=_LABEL, description="The label that names the check.")
    headers: dict[str, Text] = Field({}, description="What is sent along: a credential, or a tenant.")

    def mistakes(self) -> Iterator[Mistake]:
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name):
                yield Mistake(("headers", name), "expected a header's name: letters, digits and hyphens")
            elif name.lower() in _CREDENTIALS and not isinstance(value, Secret):
                yield Mistake(("headers", name), "a credential is a secret: {from_file: path} or {from_env: NAME}")


def first(settings: PrometheusSettings, asked: Asked) -> tuple[Request, ...]:
    """The samples of the period, and of a little before it: they may have come late."""
    start = max(asked.period.start, asked.period.end - LONGEST) - LATE
    ask = _raw if _SELECTOR.fullmatch(settings.query) else _evaluated
    starts = range(start, asked.period.end, CHUNK)
    return tuple(ask(settings, asked, Period(each, min(each + CHUNK, asked.period.end))) for each in starts)


def history(settings: PrometheusSettings, asked: Asked) -> tuple[Request, ...]:
    """The whole period at once, as far as the server lets us."""
    if _SELECTOR.fullmatch(settings.query):
        return (_raw(settings, asked, asked.period),)
    starts = range(asked.period.start, asked.period.end, MOST_POINTS * _step(asked))
    ends = [*starts[1:], asked.period.end]
    return tuple(_evaluated(settings, asked, Period(start, end - 1)) for start, end in zip(starts, ends, strict=True))


def parse(settings: PrometheusSettings, asked: Asked, reply: Reply) -> Page:
    """The results that the samples of one reply are."""
    body = body_of(reply, None)
    match body:
        case Page():
            return body
        case {"status": "success", "data": {"resultType": "matrix", "result": list(given)}}:
            step = _step(asked) if reply.request.purpose == EVALUATED else None
            return _page(_Reader(settings, asked, Reading(reply.received_at), step), given)
        case _:
            return Page(failed="wrong_type")


# ---------------------------------------------------------------- what is asked


def _raw(settings: PrometheusSettings, asked: Asked, period: Period) -> Request:
    """What was scraped in the period, both ends included: some servers leave out the left one of a range."""
    query = f"{settings.query.strip()}[{period.end - period.start + 1}ms]"
    return _request(settings, SAMPLES, "query", {"query": query, "time": _seconds(period.end)})


def _evaluated(settings: PrometheusSettings, asked: Asked, period: Period) -> Request:
    """The query's value at each step, all of them multiples of it, so that another poll finds the same ones."""
    step = _step(asked)
    start, end = (-(-each // step) * step for each in (period.start, period.end - step + 1))
    words = {"query": settings.query, "start": _seconds(start), "end": _seconds(end), "step": _seconds(step)}
    return _request(settings, EVALUATED, "query_range", words)


def _step(asked: Asked) -> int:
    return max(SHORTEST_STEP, min((each.interval_ms for each in asked.watched.values()), default=MINUTE))


def _request(settings: PrometheusSettings, purpose: str, path: str, words: Mapping[str, str]) -> Request:
    # nocache: VictoriaMetrics would keep back what is newest (docs.victoriametrics.com, "nocache"); others ignore it.
    url = f"{settings.url.rstrip('/')}/api/v1/{path}?{urlencode({**words, 'nocache': '1'})}"
    return Request(purpose, url, settings.headers)


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"


# ---------------------------------------------------------------- what was said


class _Sample(NamedTuple):
    at: int
    outcome: Outcome


class _Series(NamedTuple):
    """The samples of one series, in order of time; at least one."""

    samples: Sequence[_Sample]

    @property
    def first(self) -> int:
        return self.samples[0].at

    @property
    def last(self) -> int:
        return self.samples[-1].at


@dataclass(frozen=True, slots=True)
class _Reader:
    settings: PrometheusSettings
    asked: Asked
    reading: Reading
    step: int | None
    """From one value to the next where the query was evaluated; None for raw samples."""

    def label(self, labels: Json, name: str) -> str | None:
        """A label's value; counted where there is none that can be kept."""
        value = labels.get(name) if isinstance(labels, dict) else None
        if value is None or value == "":
            self.reading.count("missing_field")
        elif not isinstance(value, str) or not value.isprintable():
            self.reading.count("wrong_type")
        elif len(value) > LONGEST_ID:
            self.reading.count("too_long")
        else:
            return value
        return None

    def samples(self, values: Json) -> list[_Sample]:
        """What passed and failed, in order of time; anything else is counted."""
        if not isinstance(values, list):
            self.reading.count("wrong_type")
            return []
        read = (self._sample(each) for each in values)
        return sorted(sample for sample in read if sample is not None)

    def _sample(self, given: Json) -> _Sample | None:
        match given:
            case [int() | float() as seconds, str(value)]:
                # Compared before it is multiplied: no number that JSON can spell is too large then.
                if not EARLIEST <= seconds * 1000 <= self.reading.now + AHEAD:
                    self.reading.count("bad_time")
                elif value not in _OUTCOMES:
                    self.reading.count("unknown_enum")
                else:
                    return _Sample(round(seconds * 1000), _OUTCOMES[value])
            case _:
                self.reading.count("wrong_type")
        return None


def _page(reader: _Reader, given: Sequence[Json]) -> Page:
    offered: dict[tuple[str, str], list[_Series]] = defaultdict(list)
    ours: dict[tuple[Watched, str], list[_Series]] = defaultdict(list)
    for each in given:
        labels, values = (each.get("metric"), each.get("values")) if isinstance(each, dict) else (None, None)
        check = reader.label(labels, reader.settings.check_label)
        place = None if check is None else reader.label(labels, reader.settings.vantage_label)
        samples = reader.samples(values) if place is not None else []
        if check is not None and place is not None and samples:
            offered[check, place].append(_Series(samples))
            watched = reader.asked.watched.get(check)
            if watched is not None:
                ours[watched, place].append(_Series(samples))
    results = (_results(reader, watched, place, told) for (watched, place), told in ours.items())
    return Page(
        results=tuple(chain.from_iterable(results)),
        components=tuple(_component(check, place, told) for (check, place), told in offered.items()),
        problems=reader.reading.problems,
    )


def _results(reader: _Reader, watched: Watched, place: str, told: Sequence[_Series]) -> Iterator[Result]:
    seen_from = vantage(reader.asked.source, place)
    disputed = _disputed(told)
    if disputed:
        reader.reading.count("ambiguous")
    for series in told:
        hold = hold_ms(watched, reader.step or between(each.at for each in series.samples))
        for at, outcome in series.samples:
            if not holds(disputed, at):
                yield Result(
                    recorded_at=0,
                    check=watched.check,
                    vantage=seen_from,
                    at=at,
                    outcome=outcome,
                    hold_ms=hold,
                    reason="failed" if outcome == "fail" else None,
                    id=look_id(watched.check, seen_from, at),
                )


def _disputed(told: Sequence[_Series]) -> Spans:
    """When more than one series speaks."""
    spans: list[tuple[int, int]] = []
    until = None
    for series in sorted(told, key=lambda each: each.first):
        if until is not None and series.first <= until:
            spans.append((series.first, min(series.last, until) + 1))
        until = series.last if until is None else max(until, series.last)
    return normalise(spans)


def _component(check: str, place: str, told: Sequence[_Series]) -> Component:
    newest = max((series.samples[-1] for series in told), key=lambda sample: sample.at)
    return Component(check, check, place, "operational" if newest.outcome == "pass" else "major_outage")
