"""A `seal` as it is read: what the results of one check at one vantage on one UTC day came to (facts.md, `seal`).

Two fields stand beside those of the page: `as_of`, up to which recorded results are under the seal (without it: its own
`recorded_at`), and `rest`, SHA-256 over the canonical lines of those results under it that are in no stretch. `digest`
and `rest` are over lines in the order of recording, each with a line feed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple, cast

from monitor.errors import InputError
from monitor.facts.canonical import canonical_line
from monitor.facts.kinds import Fact, Json, Result
from monitor.ledger.period import DAY, format_instant, parse_instant


class Stretch(NamedTuple):
    """Scheduled passes from `first` to `last` (instants), so many of them, each within `hold_ms` of the one before."""

    first: int
    last: int
    passes: int
    hold_ms: int


class Seal(NamedTuple):
    """A finished day; `start` is its first instant. Results of the day recorded by `as_of` are
    under the seal, `size` of them."""

    check: str
    vantage: str
    start: int
    recorded_at: int
    as_of: int
    size: int
    digest: str
    stretches: tuple[Stretch, ...]
    rest: str | None = None

    @property
    def day(self) -> str:
        return format_instant(self.start)[:10]

    def covers(self, result: Result) -> bool:
        """Whether a result of this check at this vantage is under the seal."""
        return self.start <= result.at < self.start + DAY and result.recorded_at <= self.as_of


class Quiet(NamedTuple):
    """A day (`start` is its first instant) of one check at one vantage with nothing but the looks of one stretch, as
    recorded by `as_of`. Those after `after` and before `before`, instants in UTC ms, need not be read."""

    check: str
    vantage: str
    start: int
    as_of: int
    stretch: Stretch
    after: int
    before: int


class SealedDays(NamedTuple):
    """The seals of one check at one vantage whose days begin in `[start, end)`, one a day, as one object: a year of a
    fleet has hundreds of thousands, and most are asked for no more than is told here.

    `recorded_at` is that of the newest, `size` counts the results under all of them. `digests` are theirs, of 32 bytes
    each. `stretches` are joined where no gap is between two days. `unpacked` makes the parts of `packed`; whoever made
    these knows how.
    """

    check: str
    vantage: str
    start: int
    end: int
    recorded_at: int
    size: int
    digests: bytes
    stretches: tuple[Stretch, ...]
    packed: object
    unpacked: Callable[[SealedDays], Sequence[Seal | SealedDays]]

    def parts(self) -> Sequence[Seal | SealedDays]:
        """Fewer days each, in order: in the end one."""
        return self.unpacked(self)

    def seals(self) -> Iterator[Seal]:
        """Each of them, in order of day."""
        for part in self.parts():
            if isinstance(part, Seal):
                yield part
            else:
                yield from part.seals()


def joined(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Stretches in order of time, neighbours made one where the cover of the first reaches the second."""
    found: list[Stretch] = []
    for stretch in stretches:
        if found and stretch.first - found[-1].last <= found[-1].hold_ms:
            first, _, passes, _ = found[-1]
            found[-1] = Stretch(first, stretch.last, passes + stretch.passes, stretch.hold_ms)
        else:
            found.append(stretch)
    return tuple(found)


class SealFields(Mapping[str, Json]):
    """The fields of a `seal` fact, spelled when somebody asks for them: a year of a fleet has hundreds of thousands,
    and the ledger reads `seal` alone."""

    __slots__ = ("_spelled", "seal")

    def __init__(self, seal: Seal) -> None:
        self.seal = seal
        self._spelled: dict[str, Json] | None = None

    def __getitem__(self, name: str) -> Json:
        return self._fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def _fields(self) -> dict[str, Json]:
        if self._spelled is None:
            self._spelled = _spelled(self.seal)
        return self._spelled


def seal_fact(seal: Seal) -> Fact:
    """The fact of a seal; its `id` keeps a day from being sealed twice."""
    return Fact("seal", seal.recorded_at, SealFields(seal))


def seal_id(seal: Seal) -> str:
    """The `id` that the daemon gives."""
    return f"seal/{seal.check}/{seal.vantage}/{seal.day}"


def _spelled(seal: Seal) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "check": seal.check,
        "vantage": seal.vantage,
        "day": seal.day,
        "count": seal.size,
        "digest": seal.digest,
        "stretches": [
            [format_instant(first), format_instant(last), passes, hold_ms]
            for first, last, passes, hold_ms in seal.stretches
        ],
        "as_of": format_instant(seal.as_of),
        "id": seal_id(seal),
    }
    return fields if seal.rest is None else {**fields, "rest": seal.rest}


def seal_of(fact: Fact) -> Seal | None:
    """What a `seal` fact says; None for one whose day is none, or whose stretches are not within it and in order: it
    counts for nothing."""
    if isinstance(fact.fields, SealFields):
        seal = fact.fields.seal
        return seal if seal.recorded_at == fact.recorded_at else seal._replace(recorded_at=fact.recorded_at)
    get = fact.fields.get
    try:
        start = parse_instant(f"{get('day')}T00:00:00Z")
    except InputError:
        return None
    given = get("as_of")
    rest = get("rest")
    stretches = tuple(_stretch(row) for row in cast("list[list[Json]]", get("stretches")))
    if not _is_in_order(stretches, start):
        return None
    return Seal(
        cast(str, get("check")),
        cast(str, get("vantage")),
        start,
        fact.recorded_at,
        min(parse_instant(given), fact.recorded_at) if isinstance(given, str) else fact.recorded_at,
        cast(int, get("count")),
        cast(str, get("digest")),
        stretches,
        rest if isinstance(rest, str) else None,
    )


def _stretch(row: list[Json]) -> Stretch:
    first, last, count, hold_ms = row
    return Stretch(
        parse_instant(cast(str, first)), parse_instant(cast(str, last)), cast(int, count), cast(int, hold_ms)
    )


def _is_in_order(stretches: Iterable[Stretch], start: int) -> bool:
    before = start - 1
    for stretch in stretches:
        alone = stretch.first == stretch.last
        if (
            not before < stretch.first <= stretch.last < start + DAY
            or stretch.passes < 1
            or alone != (stretch.passes == 1)
        ):
            return False
        before = stretch.last
    return True


def digest_of(results: Iterable[Result]) -> str:
    """SHA-256 over the canonical lines of results, in the order given, as a seal spells it."""
    digest = sha256()
    for result in results:
        digest.update(canonical_line(result) + b"\n")
    return f"sha256:{digest.hexdigest()}"


def is_of(result: Result, stretch: Stretch) -> bool:
    """Whether a result under a seal is of the looks that a stretch of it counts."""
    return (
        result.outcome == "pass"
        and not result.confirm
        and result.hold_ms == stretch.hold_ms
        and stretch.first <= result.at <= stretch.last
    )


def is_in_stretch(result: Result, stretches: Sequence[Stretch]) -> bool:
    """Whether it is of those of any of them; they are in order."""
    place = bisect_right(stretches, result.at, key=attrgetter("first")) - 1
    return place >= 0 and is_of(result, stretches[place])
