"""Facts that somebody made to break who reads them: refused with a reason, or kept and read ever after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporters.stated import Wall
from monitor.errors import FactError
from monitor.facts import Json, decode_line
from monitor.store import open_for_reading, open_for_writing, verify_store
from monitor.store.transfer import import_facts

NOW = 1_780_000_000_000
RESULT: dict[str, Json] = {
    "kind": "result",
    "recorded_at": "2026-06-01T00:00:00Z",
    "check": "web",
    "vantage": "local",
    "at": "2026-06-01T00:00:00Z",
    "outcome": "pass",
}
INCIDENT: dict[str, Json] = {
    "kind": "incident",
    "recorded_at": "2026-06-01T00:00:00Z",
    "provider": "p",
    "incident": "i",
    "components": {},
}


def refusal(fact: dict[str, Json]) -> str:
    with pytest.raises(FactError) as refused:
        decode_line(json.dumps(fact))
    return refused.value.reason


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
@pytest.mark.parametrize("field", ["recorded_at", "at", "scheduled_at", "certificate_expires"])
def test_an_instant_that_utc_has_no_date_for_is_refused(field: str, instant: str) -> None:
    assert refusal({**RESULT, field: instant}) == f"{field}: {instant!r} is not in the years 1 to 9999 of UTC"


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_first_and_the_last_instant_can_be_shown_on_every_wall(zone: str, instant: str) -> None:
    assert Wall(zone).shown(instant)[:4] == instant[:4]


@pytest.mark.parametrize("depth", [5, 30, 31, 32, 33, 300, 400, 480, 485, 490, 495])
def test_what_the_store_takes_in_it_can_read_prove_and_take_in_again(tmp_path: Path, depth: int) -> None:
    """490 levels were taken in, and from then on the store was called damaged."""
    nested = "[" * depth + "]" * depth
    file, url = tmp_path / "f.jsonl", f"sqlite:///{tmp_path}/m.db"
    file.write_text(json.dumps(RESULT)[:-1] + f',"more":{nested}}}\n')
    with open_for_writing(url, NOW) as store:
        try:
            import_facts(store, file, NOW, lambda _done, _size: None)
        except FactError as error:
            assert "nested too deep" in error.reason  # noqa: PT017 - either is right
            return
        assert import_facts(store, file, NOW, lambda _done, _size: None).new == 0
    assert verify_store(url, lambda _done, _size: None).facts == 1
    with open_for_reading(url) as store:
        [line] = store.lines(1, 1)
    assert decode_line(line.decode())


def test_a_key_that_stands_twice_is_found_in_a_megabyte_of_keys() -> None:
    """Took minutes of the processor, for anybody with an agent's token."""
    keys = ",".join(f'"k{number}":1' for number in range(80_000))
    with pytest.raises(FactError, match="the name 'k79999' stands twice"):
        decode_line("{" + keys + ',"k79999":1}')


@pytest.mark.parametrize(
    "fact",
    [
        {**INCIDENT, "components": {"\x1b]0;owned\x07": 5}},
        {**RESULT, "\x1b[2J": {"\x1b[31m": 1e300}},
        {**INCIDENT, "components": {"A" * 1_000_000: 5}},
    ],
)
def test_a_refusal_is_one_short_line_that_a_terminal_may_show(fact: dict[str, Json]) -> None:
    said = refusal(fact)
    assert said.isprintable()
    assert len(said) < 300


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_a_field_whose_name_cannot_be_kept_is_refused_with_its_place(name: str) -> None:
    assert refusal({**RESULT, name: 1}).startswith("a field's name: expected Unicode text")


def test_an_empty_id_is_none_and_makes_no_two_facts_the_same() -> None:
    assert refusal({**RESULT, "id": ""}) == 'id: expected a name; found ""'
