"""A configuration without a file: URLs from the command line, everything else at its default."""

from __future__ import annotations

import json
from hashlib import sha256
from urllib.parse import urlsplit

from pydantic import ValidationError

from monitor.config.model import Config
from monitor.errors import ConfigError, Problem


def for_urls(urls: list[str]) -> Config:
    """Each URL as a service with one HTTP check. Raises ConfigError.

    A name is what the URL says; where it is taken by an earlier URL, it ends in a digest of its own.
    """
    found = [_problem(place, "this URL is given twice") for place, url in enumerate(urls) if url in urls[:place]]
    names: list[str] = []
    for url in urls:
        name = _name_of(url)
        names.append(f"{name}-{sha256(url.encode()).hexdigest()[:8]}" if name in names else name)
    services = [
        {"name": name, "checks": [{"name": name, "http": {"url": url}}]} for name, url in zip(names, urls, strict=True)
    ]
    try:
        config = Config.model_validate_json(json.dumps({"services": services}))
    except ValidationError as error:
        raise ConfigError((*_problems(error), *found)) from None
    if found:
        raise ConfigError(tuple(found))
    return config


def _problem(place: int, message: str) -> Problem:
    return Problem("command line", 1, place + 1, "", message)


def _problems(error: ValidationError) -> list[Problem]:
    """At the place of each URL among those given. That a service without its URL has no check is no mistake of its
    own."""
    return [
        _problem(next((key for key in details["loc"] if isinstance(key, int)), 0), details["msg"])
        for details in error.errors(include_url=False)
        if details["type"] != "too_short"
    ]


def _name_of(url: str) -> str:
    """Host, port and path in the characters that labels and paths take as they are."""
    try:
        parts = urlsplit(url)
        spoken = parts.netloc.rpartition("@")[2] + parts.path
    except ValueError:
        spoken = url
    words = "".join(character if character.isalnum() or character in "._" else "-" for character in spoken)
    return "-".join(word for word in words.lower().split("-") if word)[:80] or "app"
