"""Label values: whatever comes from outside becomes one line of valid UTF-8, bounded, escaped and without secrets."""

from __future__ import annotations

from hashlib import sha256

VALUE_LIMIT = 200
"""Bytes of a label's value (design/reliability.md, promise E1)."""

_MARK = "\N{REPLACEMENT CHARACTER}"


def pair(label: str, value: str) -> str:
    """`label="value"`, escaped as text format 0.0.4 asks for."""
    shown = label_value(value)
    if '"' in shown or "\\" in shown or "\n" in shown:
        shown = shown.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'{label}="{shown}"'


def label_value(value: str) -> str:
    """The value itself where it is short and printable; otherwise a cleaned and cut one.

    What was changed ends with a digest of the original, so that two values never become one series.
    """
    if value.isascii() and value.isprintable() and len(value) <= VALUE_LIMIT:
        return value
    clean = "".join(_clean(character) for character in value)
    encoded = clean.encode()
    if clean == value and len(encoded) <= VALUE_LIMIT:
        return value
    digest = sha256(value.encode(errors="surrogatepass")).hexdigest()[:8]
    return encoded[: VALUE_LIMIT - 9].decode(errors="ignore") + "~" + digest


def _clean(character: str) -> str:
    if character == "\n" or character.isprintable():
        return character
    # Line and paragraph separators, bidirectional marks, controls, lone surrogates: each can disguise what follows.
    return _MARK


def shown_target(target: str) -> str:
    """A target without what may be secret: userinfo goes, what follows `=` in a query becomes `***`."""
    before, mark, query = target.partition("?")
    scheme, slashes, rest = before.rpartition("://")
    authority, slash, path = rest.partition("/")
    shown = f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}"
    if not mark:
        return shown
    return f"{shown}?{'&'.join(_redacted(part) for part in query.split('&'))}"


def _redacted(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}=***" if equals else "***"
