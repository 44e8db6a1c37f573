"""What is told when: each thing once, whatever is seen how often, and nothing of what nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.stated import Statement
from monitor.channels import Message
from monitor.config.channels import TOPICS
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, format_instant
from monitor.ledger.snapshot import Snapshot
from monitor.outbox.due import Closed, Kept, Recipient, Seen, Told, due
from tests.channels.services import NOW, peak, seen, view

ACME = Recipient("acme", frozenset({"app"}), "acme", frozenset(TOPICS))


class Channel:
    """Remembers what it was told, as the table does."""

    def __init__(self, recipient: Recipient = ACME, since: int = NOW - DAY) -> None:
        self.recipient = recipient
        self.since = since
        self.told: dict[str, Message] = {}
        self.kept: dict[str, Kept] = {}

    def tell(self, snapshot: Snapshot, closed: Sequence[Closed] = ()) -> list[str]:
        new = due(self.recipient, Seen(snapshot, closed, "Europe/London"), Told(self.since, self.kept))
        self.kept |= {message.key: Kept(message.thread, snapshot.as_of) for message in new}
        self.told |= {message.key: message for message in new}
        return [message.key for message in new]


BEGAN = NOW - 5 * MINUTE
THREAD = f"outage/app/{format_instant(BEGAN)}"


def test_an_outage_is_told_when_it_begins_now_and_then_and_when_it_is_over() -> None:
    channel = Channel()
    assert channel.tell(seen(NOW - 6 * MINUTE, view(True, NOW - DAY))) == []
    assert channel.tell(seen(NOW, view(False, BEGAN))) == [f"{THREAD}/start"]
    assert channel.tell(seen(NOW + SECOND, view(False, BEGAN))) == []
    assert channel.tell(seen(BEGAN + 61 * MINUTE, view(False, BEGAN))) == [f"{THREAD}/update/2"]
    up = view(True, BEGAN + 70 * MINUTE, lately=[(BEGAN, BEGAN + 70 * MINUTE)])
    assert channel.tell(seen(BEGAN + 71 * MINUTE, up)) == [f"{THREAD}/end"]
    assert channel.tell(seen(BEGAN + 72 * MINUTE, up)) == []
    told = [*channel.told.values()]
    assert {message.thread for message in told} == {THREAD}
    assert [message.tone for message in told] == ["bad", "bad", "good"]
    assert told[-1].lines[0] == "From 2026-06-15 12:55:00 BST to 2026-06-15 14:05:00 BST: 1h 10m 00s."


def test_of_what_nobody_knows_nothing_is_told() -> None:
    channel = Channel()
    channel.tell(seen(NOW, view(False, BEGAN)))
    assert channel.tell(seen(NOW + 2 * HOUR, view(None, None))) == []
    later = BEGAN + 3 * HOUR
    assert channel.tell(seen(later, view(False, later - MINUTE))) == [f"{THREAD}/update/6"]


def test_an_outage_that_came_and_went_unseen_is_told_once() -> None:
    channel = Channel()
    up = view(True, NOW - MINUTE, lately=[(BEGAN, NOW - MINUTE)])
    assert channel.tell(seen(NOW, up)) == [f"{THREAD}/end"]
    assert channel.tell(seen(NOW + HOUR, up)) == []


def test_a_new_channel_is_not_told_of_the_past_but_of_what_goes_on() -> None:
    past = view(True, NOW - MINUTE, lately=[(BEGAN, NOW - MINUTE)])
    assert Channel(since=NOW).tell(seen(NOW, past)) == []
    assert Channel(since=NOW).tell(seen(NOW, view(False, BEGAN))) == [f"{THREAD}/start"]
    old = NOW - DAY
    assert Channel(since=NOW).tell(seen(NOW, peaks=(peak(old, old + HOUR, NOW),))) == []


def test_a_service_of_others_and_a_topic_that_is_not_wanted_are_not_told() -> None:
    assert Channel().tell(seen(NOW, view(False, BEGAN, "jobs"))) == []
    quiet = Recipient("acme", frozenset({"app"}), "acme", frozenset({"months"}))
    assert Channel(quiet).tell(seen(NOW, view(False, BEGAN), peaks=(peak(NOW - HOUR, NOW + HOUR, NOW),))) == []


def test_a_peak_is_told_at_its_start_after_each_hour_and_at_its_end_to_its_customer() -> None:
    start, end = NOW, NOW + 150 * MINUTE
    channel, other = Channel(), Channel(Recipient("globex", frozenset({"app"}), "globex", frozenset(TOPICS)))
    team = Channel(Recipient("team", frozenset({"app"}), None, frozenset(TOPICS)))
    keys = []
    for at in range(start - MINUTE, end + 10 * MINUTE, MINUTE):
        keys += channel.tell(seen(at, peaks=(peak(start, end, at),)))
        team.tell(seen(at, peaks=(peak(start, end, at),)))
        assert other.tell(seen(at, peaks=(peak(start, end, at),))) == []
    thread = f"event/sale/{format_instant(start)}"
    assert keys == [f"{thread}/{each}" for each in ("start", "hour/1", "hour/2", "end")]
    assert [*team.told] == keys
    assert channel.told[f"{thread}/end"].lines[-1] == "The report: minutebook event report sale"
    assert "The notice was shorter than agreed." in channel.told[f"{thread}/start"].lines


def test_a_peak_that_is_announced_anew_for_another_time_is_told_again() -> None:
    channel = Channel()
    first, later = peak(NOW, NOW + HOUR, NOW), peak(NOW + DAY, NOW + DAY + HOUR, NOW + DAY)
    assert [key.rsplit("/", 1)[-1] for key in channel.tell(seen(NOW, peaks=(first,)))] == ["start"]
    assert channel.tell(seen(NOW + HOUR, peaks=())) == []  # cancelled
    [again] = channel.tell(seen(NOW + DAY, peaks=(later,)))
    assert again == f"event/sale/{format_instant(NOW + DAY)}/start"
    longer = peak(NOW + DAY, NOW + DAY + 3 * HOUR, NOW + DAY + MINUTE)
    assert channel.tell(seen(NOW + DAY + MINUTE, peaks=(longer,))) == []


def test_hours_that_were_slept_through_are_not_made_up() -> None:
    channel = Channel()
    assert channel.tell(seen(NOW, peaks=(peak(NOW - 5 * HOUR, NOW + HOUR, NOW),))) == [
        f"event/sale/{format_instant(NOW - 5 * HOUR)}/start",
        f"event/sale/{format_instant(NOW - 5 * HOUR)}/hour/5",
    ]


def statement(**changed: object) -> Statement:
    stated: Mapping[str, object] = {
        "service": "app",
        "month": "2026-05",
        "revision": 1,
        "verdict": "met",
        "digest": "sha256:00",
        "objective": "0.999000000",
        "budget_ms": 2_678_400,
        "accounts_ms": {"down": 61_000},
        "availability": {"published": "0.999977"},
        **changed,
    }
    return stated  # type: ignore[return-value]


def test_a_month_is_told_when_it_is_closed_and_again_when_it_is_restated() -> None:
    channel = Channel()
    first = Closed(NOW, statement())
    assert channel.tell(seen(NOW, view(True, BEGAN)), [first]) == ["month/app/2026-05/1"]
    again = Closed(NOW + HOUR, statement(revision=2, verdict="breached"))
    assert channel.tell(seen(NOW + HOUR, view(True, BEGAN)), [first, again]) == ["month/app/2026-05/2"]
    old = Closed(NOW - 8 * DAY, statement(month="2026-04"))
    assert Channel(since=0).tell(seen(NOW, view(True, BEGAN)), [old]) == []
    said = channel.told["month/app/2026-05/1"]
    assert said.title == "app <!channel>, 2026-05: the promise was kept"
    assert said.lines[:2] == ("Availability 99.997 %, promised 99.9 %.", "Downtime 1m 01s of 44m 38.400s allowed.")


STATES = st.lists(st.sampled_from([True, True, False, None]), min_size=1, max_size=60)


@settings(max_examples=60)
@given(STATES)
def test_whatever_happens_every_outage_that_was_seen_has_one_start_and_one_end(states: list[bool | None]) -> None:
    """A walk through minutes, each up, down or unknown, seen minute by minute; it ends well."""
    channel, since, lately, keys = Channel(since=0), NOW, [], list[str]()
    before: bool | None = None
    for minute, state in enumerate([*states, True]):
        at = NOW + minute * MINUTE
        if state is not before:
            if before is False:
                lately.append((since, at))
            since = at
        before = state
        known = None if state is None else since
        keys += channel.tell(seen(at, view(state, known, lately=[*lately])))
    assert len(keys) == len(set(keys))
    starts = [key.removesuffix("/start") for key in keys if key.endswith("/start")]
    ends = [key.removesuffix("/end") for key in keys if key.endswith("/end")]
    assert starts == ends
