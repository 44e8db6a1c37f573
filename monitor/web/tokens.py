"""Bearer tokens: 256 random bits, shown once; only their SHA-256 is kept (design/reliability.md, "5 Roles").

The file stands beside the store, is written whole or not at all, and is read again when it has changed: a revoked
token is refused from the next request on. A token reads `mb_op_<id>_<secret>`; the id may be shown and logged.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from monitor.errors import InputError, StoreError
from monitor.ledger.period import DAY, format_instant

log = logging.getLogger(__name__)

Role = Literal["viewer", "operator", "agent"]

LONGEST_LIFE = 365 * DAY
"""Of a token, in ms (design/reliability.md, "5 Roles")."""

_PREFIXES: Mapping[Role, str] = {"viewer": "vw", "operator": "op", "agent": "ag"}
_SECRET_BYTES = 32
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. Instants in ms; `vantage` is set for agents only, `name` is whose it is."""

    id: str
    role: Role
    sha256: str
    created_at: int
    expires_at: int
    vantage: str | None = None
    revoked_at: int | None = None
    name: str | None = None

    @property
    def author(self) -> str:
        """Who speaks with it, as facts name the author."""
        return self.name or f"token-{self.id}"

    @property
    def is_local(self) -> bool:
        """Whether it stands for somebody who reached the daemon through its own socket: no token proves a name."""
        return self is LOCAL

    def in_force(self, now: int) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def state(self, now: int) -> str:
        """For `token list`."""
        if self.revoked_at is not None:
            return f"revoked {format_instant(self.revoked_at)}"
        return f"{'expires' if now < self.expires_at else 'expired'} {format_instant(self.expires_at)}"


LOCAL = Token("local", "operator", "", 0, 0)
"""Whoever may use the daemon's socket beside the store: the user that it runs as."""

NAME_LIMIT = 100  # characters

_FILE = TypeAdapter(list[Token])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new token is to be; `life` in ms."""

    role: Role
    life: int = LONGEST_LIFE
    vantage: str | None = None
    name: str | None = None


def add(path: Path, wanted: Wanted, now: int) -> tuple[str, Token]:
    """Makes a token and keeps its digest; answers the text, which is nowhere else. Raises InputError."""
    _check(wanted)
    identity = token_hex(4)
    text = f"mb_{_PREFIXES[wanted.role]}_{identity}_{token_urlsafe(_SECRET_BYTES)}"
    token = Token(identity, wanted.role, _digest(text), now, now + wanted.life, wanted.vantage, None, wanted.name)
    with _locked(path):
        _write(path, {**read(path), identity: token})
    return text, token


def revoke(path: Path, identity: str, now: int) -> Token:
    """Ends a token at once, for good. Raises InputError with the ids there are."""
    with _locked(path):
        tokens = read(path)
        token = tokens.get(identity)
        if token is None:
            known = " ".join(tokens) or "none"
            raise InputError(f"there is no token with the id {identity!r}; `token list` shows them: {known}")
        if token.revoked_at is None:
            token = replace(token, revoked_at=now)
            _write(path, {**tokens, identity: token})
    return token


def read(path: Path) -> dict[str, Token]:
    """Every token by id, revoked ones too; none where there is no file. Raises InputError, StoreError."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{path}: the tokens cannot be read: {error.strerror}") from None
    if mode & 0o022:
        raise InputError(f"{path}: others may write it, so its tokens prove nothing: chmod 600 {path}")
    return {token.id: token for token in _decoded(path, text)}


class Tokens:
    """The tokens that are in force now."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self._path = path
        self._now = now
        self._seen: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def find(self, text: str) -> Token | None:
        """The token of this text, None when it is unknown, expired or revoked. Raises InputError, StoreError."""
        self._refresh()
        parts = text.split("_", 3)
        token = self._tokens.get(parts[2]) if len(parts) == 4 else None
        # The digest is compared also where there is no such id, so that an answer takes as long.
        same = compare_digest(_digest(text), token.sha256 if token is not None else _NOBODY)
        if token is None or not same:
            return None
        now = self._now()
        if not token.in_force(now):
            log.warning("token %s (%s) was used, but is %s", token.id, token.role, token.state(now))
            return None
        return token

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_ino, found.st_mode)
        except FileNotFoundError:
            seen = None
        except OSError as error:
            raise StoreError(f"{self._path}: the tokens cannot be read: {error.strerror}") from None
        if seen != self._seen:
            self._tokens = read(self._path) if seen is not None else {}
            self._seen = seen


_NOBODY = "0" * 64


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _check(wanted: Wanted) -> None:
    if not 0 < wanted.life <= LONGEST_LIFE:
        raise InputError("a token lives more than 0 and at most 365 days: say for how long, for example --days 90")
    if wanted.role == "agent" and not wanted.vantage:
        raise InputError("an agent's token belongs to one vantage: name it, for example --vantage paris")
    if wanted.role != "agent" and wanted.vantage is not None:
        raise InputError(f"only an agent's token has a vantage: leave it out for the role {wanted.role}")
    name = wanted.name
    if name is not None and not (name.strip() and name.isprintable() and len(name) <= NAME_LIMIT):
        raise InputError(f"a token's name is at most {NAME_LIMIT} printable letters, such as --name alice")


def _decoded(path: Path, text: bytes) -> list[Token]:
    try:
        return _FILE.validate_json(text, strict=True)
    except ValidationError:
        raise InputError(f"{path}: is no file of tokens; restore it, or remove it and make new tokens") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time, in any process. The lock is a file of its own, because the tokens' file is replaced."""
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise StoreError(f"{path}: the tokens cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, tokens: Mapping[str, Token]) -> None:
    """The whole file anew, durable before it takes the old one's place."""
    text = json.dumps([asdict(token) for token in tokens.values()], indent=1) + "\n"
    beside = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, _MODE)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{path}: the tokens cannot be written: {error.strerror}") from None
