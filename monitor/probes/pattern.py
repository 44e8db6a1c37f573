"""Regular expressions over what a target sent: at most BODY_LIMIT bytes of it."""

from __future__ import annotations

import re


class BodyPattern:
    """Searches bytes for a pattern written as text. Raises ValueError with re's words for one that does not compile."""

    __slots__ = ("_pattern", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._pattern = re.compile(text.encode())
        except re.error as error:
            raise ValueError(str(error)) from None

    def found_in(self, body: bytes | bytearray) -> bool:
        return self._pattern.search(body) is not None
