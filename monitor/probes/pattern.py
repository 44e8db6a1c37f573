"""Regular expressions over what a target sent, in time that grows with its length alone (RE2): a hostile body and an
innocent pattern must not hold the loop, as backtracking would."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from monitor.settings import shown, wrong

MEMORY = 64 * 1024
"""Bytes for a pattern and what RE2 keeps of the bodies that it has met: its own 8 MB are four times what a look has
(design/faults.md, "Defaults"). Where a body makes it want more it goes on without, in time that grows as before. A
pattern that does not fit has RE2's own bound."""


class BodyPattern:
    """Searches bytes for a pattern written as text, in RE2's syntax, which is blackbox_exporter's. Raises ValueError
    with RE2's words for one that does not compile."""

    __slots__ = ("_pattern", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        import re2  # noqa: PLC0415 - 2 MiB with the C++ library, and most checks have no pattern

        options = re2.Options()
        options.log_errors = False
        of_re2 = options.max_mem
        try:
            options.max_mem = MEMORY
            self._pattern = re2.compile(text.encode(), options=options)
        except re2.error:
            try:
                options.max_mem = of_re2
                self._pattern = re2.compile(text.encode(), options=options)
            except re2.error as error:
                raise ValueError(_words(error)) from None

    def found_in(self, body: bytes | bytearray) -> bool:
        return self._pattern.search(bytes(body)) is not None

    def groups_in(self, text: bytes) -> tuple[bytes, ...] | None:
        """Its groups where it is found, one that took no part as nothing; None where it is not found."""
        match = self._pattern.search(text)
        return None if match is None else tuple(match.groups(b""))

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self._pattern.groups)


def _words(error: Exception) -> str:
    words = error.args[0] if error.args else ""
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def parse_pattern(given: object) -> str:
    """A regular expression in RE2's syntax that compiles."""
    if not isinstance(given, str):
        raise wrong(f"expected a regular expression; found {shown(given)}")
    try:
        BodyPattern(given)
    except ValueError as error:
        raise wrong(f"expected a regular expression; {error}") from None
    return given


Pattern = Annotated[str, PlainValidator(parse_pattern), WithJsonSchema({"type": "string", "format": "regex"})]
"""A regular expression in RE2's syntax, as it is written."""
