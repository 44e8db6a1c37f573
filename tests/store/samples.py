"""Facts and clocks that the tests of the store are made of."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from monitor.facts import FAIL_REASONS, VOID_REASONS, AnyFact, Fact, Json, Outcome, Phases, Result, decode_fact

JUNE = 1_780_272_000_000
"""2026-06-01T00:00:00Z in UTC ms."""

ALL_TIME = 2**52


class StillClock:
    """interfaces.Clock that moves when it is told to."""

    def __init__(self, now: int = JUNE) -> None:
        self.instant = now

    def now(self) -> int:
        return self.instant

    def monotonic_ns(self) -> int:
        return self.instant * 1_000_000

    def asleep_ns(self) -> int:
        return 0

    def synchronized(self) -> bool | None:
        return True


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'minutebook.db'}"


def passes(count: int, first: int = 0, check: str = "web") -> list[Result]:
    """Results of one check, one every second, each recorded 40 ms after it was true."""
    instants = [JUNE + 1000 * number for number in range(first, first + count)]
    return [Result(at + 40, check, "london", at, "pass", hold_ms=3000, duration_ms=12.5, status=200) for at in instants]


def started(at: int = JUNE) -> Fact:
    """A fact of another kind than result."""
    return Fact("lifecycle", at, {"event": "started", "at": "2026-06-01T00:00:00.000Z", "detail": str(at)})


def vitals_day(at: int = JUNE) -> AnyFact:
    """A day of Web Vitals."""
    given: dict[str, Json] = {
        "kind": "vitals_day",
        "metric": "LCP",
        "day": "2026-05-29",
        "country": "GB",
        "good": 4,
        "needs_improvement": 0,
        "poor": 3,
        "buckets": {"345": 3, "360": 1, "402": 2},
        "zero": 1,
    }
    return decode_fact(given, at)


def maintenance(revision: int, recorded_at: int = JUNE) -> AnyFact:
    """A revision of one maintenance."""
    given: dict[str, Json] = {
        "kind": "maintenance",
        "maintenance": "m1",
        "announced_at": "2026-06-01T00:00:00Z",
        "start": "2026-06-02T00:00:00Z",
        "end": f"2026-06-02T{revision:02d}:00:00Z",
    }
    return decode_fact(given, recorded_at)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
_NAMES = _TEXTS.filter(bool)
_INSTANTS = st.integers(-62_135_596_800_000, 253_402_300_799_999)  # the years 1 to 9999
_SAFE = 2**53 - 1  # the largest integer of RFC 8785
_WHOLE = st.integers(0, _SAFE)
_MILLISECONDS = st.one_of(
    st.integers(0, _SAFE),
    st.integers(0, 2**33).map(lambda micros: micros / 1000),
    st.floats(0, _SAFE, allow_nan=False),
    st.sampled_from([0.0, -0.0, 0.001, 0.0005, 1e-7, 4294967.294, 4294967.295, 4294967.296, 1e15]),
)
_JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-_SAFE, _SAFE) | st.floats(-1e9, 1e9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)
_OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "void")
_REASONS: dict[Outcome, frozenset[str]] = {"pass": frozenset(), "fail": FAIL_REASONS, "void": VOID_REASONS}
_KNOWN = frozenset((*Result._fields, "kind"))
_EXTRAS = st.dictionaries(_TEXTS.filter(lambda name: name not in _KNOWN), _JSON, max_size=3)


@st.composite
def any_result(draw: st.DrawFn) -> Result:
    """Any result that decode_fact lets through, every optional field there or not."""

    def maybe(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
        return st.none() | values

    outcome = draw(st.sampled_from(_OUTCOMES))
    reason = draw(st.none() | st.sampled_from(sorted(_REASONS[outcome]))) if _REASONS[outcome] else None
    extra: dict[str, Json] = draw(_EXTRAS)
    confirm = draw(st.booleans())
    if not confirm and draw(st.booleans()):
        extra["confirm"] = False
    phases = st.builds(Phases, *[st.none() | _MILLISECONDS] * 5)
    return Result(
        draw(_INSTANTS),
        draw(_NAMES),
        draw(_NAMES),
        draw(_INSTANTS),
        outcome,
        confirm,
        hold_ms=draw(st.none() | _WHOLE),
        scheduled_at=draw(st.none() | _INSTANTS),
        reason=reason,
        detail=draw(st.none() | _TEXTS),
        duration_ms=draw(st.none() | _MILLISECONDS),
        phases_ms=draw(st.none() | phases),
        status=draw(st.none() | _WHOLE),
        ip=draw(st.none() | _TEXTS),
        certificate_expires=draw(st.none() | _INSTANTS),
        id=draw(st.none() | _NAMES),
        source=draw(st.none() | _TEXTS),
        extra=extra or None,
    )


@st.composite
def close_facts(draw: st.DrawFn) -> list[AnyFact]:
    """Facts that often fall on one another: few checks, few instants, few ids, in any order."""
    few = st.integers(0, 3)
    result = st.builds(
        lambda recorded, check, at, outcome, given_id: Result(
            JUNE + recorded, f"check-{check}", "london", JUNE + at, outcome, id=given_id
        ),
        st.integers(0, 20),
        few,
        st.integers(0, 5),
        st.sampled_from(["pass", "fail"]),
        st.sampled_from([None, None, None, "a", "b"]),
    )
    other = st.builds(lambda revision, recorded: maintenance(revision, JUNE + recorded), few, st.integers(0, 20))
    return draw(st.lists(result | other, max_size=25))
