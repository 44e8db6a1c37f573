"""Where things are: what the server listens on, where the store is, whom to ask."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from monitor.settings import Surroundings, shown, wrong

_LISTEN = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})", re.ASCII)


class Listen(NamedTuple):
    """Where the server listens; port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(given: object) -> Listen:
    """`127.0.0.1:9843`, `[::1]:9843`."""
    match = _LISTEN.fullmatch(given) if isinstance(given, str) else None
    if match is None or int(match[2]) > 65535:
        raise wrong(f"expected an address and a port such as 127.0.0.1:9843 or 0.0.0.0:9843; found {shown(given)}")
    return Listen(match[1].strip("[]"), int(match[2]))


ListenText = Annotated[
    Listen,
    PlainValidator(parse_listen),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^.+:\d{1,5}$", "examples": ["127.0.0.1:9843"]}),
]


class Storage(NamedTuple):
    """Which store: `path` is SQLite's file, None where PostgreSQL is meant."""

    url: str
    path: Path | None


def parse_storage(given: object, info: ValidationInfo) -> Storage:
    """`sqlite:///minutebook.db` beside the configuration, four slashes for an absolute path, or `postgresql://`."""
    expected = "expected sqlite:///minutebook.db (four slashes for an absolute path) or postgresql://user@host/database"
    if isinstance(given, Storage):
        given = given.url
    if not isinstance(given, str):
        raise wrong(f"{expected}; found {shown(given)}")
    if given.startswith("sqlite:///") and len(given) > len("sqlite:///") and "\0" not in given:
        folder = info.context.folder if isinstance(info.context, Surroundings) else Path()
        return Storage(given, folder / given.removeprefix("sqlite:///"))
    try:
        parts = urlsplit(given)
        password, host = parts.password, parts.hostname
    except ValueError:
        parts, password, host = None, None, None
    if parts is None or parts.scheme != "postgresql" or not host:
        raise wrong(f"{expected}; found {shown(given.partition('@')[2] or given)}")
    if password is not None:
        raise wrong("expected an address without a password: give it in PGPASSWORD or a .pgpass file")
    return Storage(given, None)


StorageText = Annotated[
    Storage,
    PlainValidator(parse_storage),
    PlainSerializer(lambda storage: storage.url, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^(sqlite:///.+|postgresql://.+)$"}),
]


def parse_address(given: object) -> str:
    """An IP address."""
    try:
        return str(ip_address(given)) if isinstance(given, str) else _no_address(given)
    except ValueError:
        return _no_address(given)


def _no_address(given: object) -> str:
    raise wrong(f"expected an IP address such as 9.9.9.9; found {shown(given)}")


Address = Annotated[str, PlainValidator(parse_address), WithJsonSchema({"type": "string", "examples": ["9.9.9.9"]})]


def parse_origin(given: object) -> str:
    """`https://app.example.com`: what a browser sends as Origin."""
    if isinstance(given, str) and re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", given, re.ASCII):
        return given
    raise wrong(f"expected an origin such as https://app.example.com, without a path; found {shown(given)}")


Origin = Annotated[str, PlainValidator(parse_origin), WithJsonSchema({"type": "string", "pattern": "^https?://[^/]+$"})]
