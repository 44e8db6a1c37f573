"""What every section of a configuration is made of: strict frozen models, durations, secrets, web addresses.

Models are written as the file is: a field's name is its key, durations are ms once decoded. Serialised as JSON
(`model_dump(mode="json")`) they are again what a file would say, and a secret is only where it comes from.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Generic, NamedTuple, Self, TypeVar, overload
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND

LONGEST_DURATION = 3660 * DAY  # ten years: longer is a slip of the pen, and every product of two stays below 2^63
SECRET_BYTES = 64 * 1024

_DURATIONS_KEPT = 256  # ten thousand checks say the same few
_UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": 1}
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_DURATION_SCHEMA = {
    "type": ["string", "integer"],
    "pattern": r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$",
    "minLength": 2,
    "maximum": 0,
    "minimum": 0,
    "examples": ["500ms", "30s", "1h30m", "30d"],
}


S = TypeVar("S")
V = TypeVar("V")


class Mistake(NamedTuple):
    """Something wrong inside a section that decodes: the keys that lead there, and the message."""

    keys: tuple[str | int, ...]
    message: str


class once(Generic[S, V]):  # noqa: N801 - as property, which it is
    """The cached_property of Python 3.12, without the lock of 3.11 that costs more than most of what is kept here."""

    def __init__(self, compute: Callable[[S], V]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[S], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, section: None, owner: type[S]) -> Self: ...
    @overload
    def __get__(self, section: S, owner: type[S]) -> V: ...
    def __get__(self, section: S | None, owner: type[S]) -> V | Self:
        if section is None:
            return self
        value = section.__dict__[self._name] = self._compute(section)
        return value


class Settings(BaseModel):
    """A section of the file: unknown keys and wrong types are errors, and nothing changes once it is decoded."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, ignored_types=(once,)
    )

    def mistakes(self) -> Iterator[Mistake]:
        """What is wrong between keys of this section that are each right; asked once all of them decode."""
        return iter(())

    def __deepcopy__(self, memo: dict[int, object] | None = None) -> Self:
        """Itself: it does not change, and pydantic copies a default for every section that does not write it."""
        return self

    @model_validator(mode="after")
    def _without_mistakes(self) -> Self:
        found = list(self.mistakes())
        if found:
            raise mistaken(found)
        return self


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a configuration is read: the folder that relative paths start at, and the environment.

    It is the validation context: `Model.model_validate(given, context=Surroundings(...))`. `reads_secrets` is False
    where nothing uses them: who proves a statement has the file, and must not need its secrets.
    """

    folder: Path
    env: Mapping[str, str] = field(repr=False)
    reads_secrets: bool = True


def wrong(message: str) -> PydanticCustomError:
    """What a validator raises: the message is shown as it is, after the place."""
    return PydanticCustomError("wrong", "{message}", {"message": message})


def mistaken(found: list[Mistake]) -> PydanticCustomError:
    """What a validator raises that found several mistakes inside one value."""
    return PydanticCustomError("mistakes", "{first}", {"first": found[0].message, "found": found})


def shown(given: object) -> str:
    """A value as a message names it: short, on one line."""
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return f"the number {given:.15g}" if isinstance(given, float) else f"the number {given}"
    if isinstance(given, str):
        return repr(given if len(given) <= 60 else given[:59] + "…")
    return "a mapping" if isinstance(given, Mapping) else "a list"


# ---------------------------------------------------------------- durations


def parse_duration(given: object) -> int:
    """`500ms`, `30s`, `5m`, `48h`, `30d`, `1w`, `1h30m`, or a bare 0, in ms."""
    if given == 0 and type(given) is int:
        return 0
    if isinstance(given, int) and not isinstance(given, bool):
        raise wrong(f"expected a duration with its unit, such as {given}s or {given}m; found {shown(given)}")
    total = _milliseconds(given) if isinstance(given, str) else None
    if total is None:
        raise wrong(f"expected a duration such as 500ms, 30s, 5m, 1h30m or 30d; found {shown(given)}")
    if total > LONGEST_DURATION:
        raise wrong(f"expected a duration of at most {format_duration(LONGEST_DURATION)}; found {shown(given)}")
    return total


@lru_cache(maxsize=_DURATIONS_KEPT)
def _milliseconds(given: str) -> int | None:
    match = _DURATION.fullmatch(given) if given else None
    if match is None or len(match[0]) > 40:
        return None
    return sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS.values(), strict=True) if count)


def parse_positive_duration(given: object) -> int:
    """A duration over 0, in ms."""
    duration = parse_duration(given)
    if duration == 0:
        raise wrong(f"expected a duration longer than 0; found {shown(given)}")
    return duration


@lru_cache(maxsize=_DURATIONS_KEPT)
def format_duration(ms: int) -> str:
    """The shortest text that `parse_duration` reads back: `1h30m`, `48h` as `2d`, `0s`."""
    parts = []
    for unit, size in _UNITS.items():
        if unit == "w" and ms % size:
            continue  # 5w is five weeks, but 35 days and an hour count in days
        count, ms = divmod(ms, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


_AS_TEXT = PlainSerializer(format_duration, return_type=str, when_used="json")

Duration = Annotated[int, PlainValidator(parse_duration), _AS_TEXT, WithJsonSchema(_DURATION_SCHEMA)]
"""Milliseconds, 0 or more, written with its unit."""

PositiveDuration = Annotated[
    int,
    PlainValidator(parse_positive_duration),
    _AS_TEXT,
    WithJsonSchema({key: value for key, value in _DURATION_SCHEMA.items() if "imum" not in key} | {"type": "string"}),
]
"""Milliseconds, over 0, written with its unit."""


# ---------------------------------------------------------------- secrets


class Secret:
    """A text that no output shows: only `reveal` gives it, everything else says where it comes from."""

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: tuple[str, str] = ("from_file", "?")) -> None:
        self._value = value
        self.origin = origin

    def reveal(self) -> str:
        """The secret itself, without the line end that ended its file."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.origin[0]}={self.origin[1]!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self.origin) == (other._value, other.origin)

    def __hash__(self) -> int:
        return hash((self._value, self.origin))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def parse_secret(given: object, info: ValidationInfo) -> Secret:
    """Reads `{from_file: path}` or `{from_env: NAME}`; what was found instead is never shown, it may be the secret."""
    if isinstance(given, Secret):
        return given
    if not isinstance(given, Mapping):
        raise wrong("expected {from_file: path} or {from_env: NAME}: a secret does not stand in the file itself")
    [*origin] = given.items()
    if len(origin) != 1 or origin[0][0] not in _READERS or not isinstance(origin[0][1], str) or not origin[0][1]:
        raise wrong("expected {from_file: path} or {from_env: NAME}, one of the two")
    kind, place = origin[0]
    if not isinstance(info.context, Surroundings):
        raise wrong("can only be read where the folder and the environment are known")
    return Secret(_READERS[kind](place, info.context) if info.context.reads_secrets else "", (kind, place))


def read_start(path: Path, size: int) -> bytes:
    """The first bytes of a file. Raises OSError or ValueError; of a pipe too: a reload cannot read it a second time,
    and would wait without end for somebody to write it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Is a pipe")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(size)
    finally:
        os.close(descriptor)


def why_unread(error: OSError | ValueError) -> str:
    """The words of what `read_start` raised; no path in them."""
    return (isinstance(error, OSError) and error.strerror) or "no such path"


def _from_file(place: str, surroundings: Surroundings) -> str:
    path = surroundings.folder / place
    try:
        content = read_start(path, SECRET_BYTES + 1)
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise wrong(f"the secret file {path} does not hold UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise wrong(
            f"cannot read the secret file {path}: {why_unread(error)}; write the secret there, readable by this user"
        ) from None
    if len(content) > SECRET_BYTES:
        raise wrong(f"the secret file {path} is over {SECRET_BYTES // 1024} KiB: it holds something else")
    if not text:
        raise wrong(f"the secret file {path} is empty; write the secret there")
    return text


def _from_env(place: str, surroundings: Surroundings) -> str:
    value = surroundings.env.get(place, "")
    if not value:
        raise wrong(f"the environment variable {place} is not set; set it before the start")
    return value


_READERS: Mapping[str, Callable[[str, Surroundings], str]] = {"from_file": _from_file, "from_env": _from_env}


def parse_text(given: object, info: ValidationInfo) -> str | Secret:
    """A text as it is, or a secret by where it comes from."""
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping | Secret):
        return parse_secret(given, info)
    raise wrong(f"expected text, or {{from_file: path}} or {{from_env: NAME}}; found {shown(given)}")


def _written(given: str | Secret) -> str | dict[str, str]:
    return dict([given.origin]) if isinstance(given, Secret) else given


_SECRET_SCHEMA = {
    "type": "object",
    "description": "A secret: where it is read from when the configuration is loaded.",
    "properties": {"from_file": {"type": "string", "minLength": 1}, "from_env": {"type": "string", "minLength": 1}},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}

SecretText = Annotated[
    Secret, PlainValidator(parse_secret), PlainSerializer(_written, when_used="json"), WithJsonSchema(_SECRET_SCHEMA)
]
"""`{from_file: path}` or `{from_env: NAME}`: the type of a field that holds a Secret."""

Text = Annotated[
    str | Secret,
    PlainValidator(parse_text),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string"}, _SECRET_SCHEMA]}),
]
"""A text, written as it is or as a secret."""


# ---------------------------------------------------------------- web addresses


class UrlParts(NamedTuple):
    """What a URL is made of, the host in lower case."""

    scheme: str
    host: str | None
    port: int | None
    path: str
    query: str = ""


_LARGEST_PORT = 65_535
_PLAIN_URL = re.compile(r"(https?)://([a-z0-9.-]+)(?::([0-9]{1,5}))?(/[A-Za-z0-9/._~-]*)?", re.ASCII)
"""What most URLs of a file are, of which urllib says the same at ten times the cost."""


@lru_cache(maxsize=16)  # each is asked for twice or thrice in turn
def split_url(url: str) -> UrlParts:
    """As urllib.parse.urlsplit has it, whose ValueError it raises."""
    if plain := _PLAIN_URL.fullmatch(url):
        scheme, host, port, path = plain.groups("")
        if not port or int(port) <= _LARGEST_PORT:
            return UrlParts(scheme, host, int(port) if port else None, path)
    parts = urlsplit(url)
    return UrlParts(parts.scheme, parts.hostname, parts.port, parts.path, parts.query)


_NOT_SHOWN = "what stands there is not shown, since it may hold a password"


def parse_web_url(given: object) -> str:
    """An absolute http or https URL; a password in it is refused and not shown."""
    return parse_url_of(("http", "https"), "https://app.example.com/health", given)


def parse_url_of(schemes: tuple[str, ...], example: str, given: object) -> str:
    """An absolute URL of one of these schemes; a password in it is refused and not shown."""
    if not isinstance(given, str):
        raise wrong(f"expected a URL such as {example}; found {shown(given)}")
    try:
        scheme, host, port, _, _ = split_url(given)
        netloc = urlsplit(given).netloc if "@" in given else ""
    except ValueError as error:
        why = _NOT_SHOWN if "@" in given else error  # which quotes what it takes for the host or the port
        raise wrong(f"expected a URL such as {example}; {why}") from None
    if "@" in netloc:
        raise wrong("expected a URL without user and password: send them in a header that is read from a file")
    if scheme not in schemes or not host or port == 0 or re.search(r"[\s\x00-\x1f\x7f]", given):
        why = _NOT_SHOWN if "@" in given else f"found {shown(given)}"
        raise wrong(f"expected a URL such as {example}; {why}")
    return given


WebUrl = Annotated[
    str, PlainValidator(parse_web_url), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]
"""An absolute http or https URL without a password in it."""
