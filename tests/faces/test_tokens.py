"""Tokens: shown once, kept as digests, ended at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.errors import InputError, StoreError
from monitor.ledger.period import DAY
from monitor.web import Tokens, Wanted
from monitor.web.tokens import LONGEST_LIFE, add, read, revoke

NOW = 1_774_008_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


def test_a_token_is_shown_once_and_only_its_digest_is_kept(path: Path) -> None:
    text, token = add(path, Wanted("operator"), NOW)
    assert re.fullmatch(r"mb_op_[0-9a-f]{8}_[\w-]{43}", text)
    assert text not in path.read_text()
    assert text.split("_", 3)[3] not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Tokens(path, lambda: NOW).find(text) == token


def test_every_other_text_is_nobody(path: Path) -> None:
    text, token = add(path, Wanted("viewer"), NOW)
    tokens = Tokens(path, lambda: NOW)
    swapped = f"mb_op_{token.id}_{text[15:]}"
    for wrong in ("", "mb", text[:-1], text + "x", text.upper(), swapped, "mb_vw__", "\ud800_a_b_c"):
        assert tokens.find(wrong) is None


def test_a_token_ends_when_it_expires_or_is_revoked(path: Path) -> None:
    now = NOW
    tokens = Tokens(path, lambda: now)
    text, _ = add(path, Wanted("viewer", DAY), NOW)
    other, token = add(path, Wanted("agent", DAY, "paris"), NOW)
    assert tokens.find(text)
    assert tokens.find(other)
    assert revoke(path, token.id, NOW + 5).revoked_at == NOW + 5
    assert tokens.find(other) is None
    assert tokens.find(text)
    now += DAY
    assert tokens.find(text) is None


def test_revoking_twice_keeps_the_first_instant(path: Path) -> None:
    _, token = add(path, Wanted("viewer"), NOW)
    revoke(path, token.id, NOW + 1)
    assert revoke(path, token.id, NOW + 2).revoked_at == NOW + 1
    assert "revoked 2026-" in read(path)[token.id].state(NOW)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("viewer", LONGEST_LIFE + 1), "at most 365 days"),
        (Wanted("viewer", 0), "at most 365 days"),
        (Wanted("agent"), "belongs to one vantage"),
        (Wanted("viewer", DAY, "paris"), "only an agent's token has a vantage"),
    ],
)
def test_a_token_that_cannot_be_is_refused(path: Path, wanted: Wanted, said: str) -> None:
    with pytest.raises(InputError, match=said):
        add(path, wanted, NOW)
    assert not path.exists()


def test_an_unknown_id_is_refused_with_those_there_are(path: Path) -> None:
    _, token = add(path, Wanted("viewer"), NOW)
    with pytest.raises(InputError, match=f"'nobody'.*{token.id}"):
        revoke(path, "nobody", NOW)


def test_no_file_is_no_tokens(path: Path) -> None:
    assert read(path) == {}
    assert Tokens(path, lambda: NOW).find("mb_op_00000000_x") is None


@pytest.mark.parametrize("content", ["", "[", "{}", '[{"id": 1}]', '[{"id": "a", "role": "root"}]'])
def test_a_file_that_is_none_of_ours_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match="is no file of tokens"):
        read(path)


def test_a_file_that_others_may_write_proves_nothing(path: Path) -> None:
    text, _ = add(path, Wanted("operator"), NOW)
    tokens = Tokens(path, lambda: NOW)
    assert tokens.find(text)
    path.chmod(0o666)
    with pytest.raises(InputError, match="chmod 600"):
        tokens.find(text)


def test_where_it_cannot_be_written_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        add(tmp_path / "nowhere" / "tokens.json", Wanted("viewer"), NOW)
