"""How deep a JSON document is nested, told before anything reads it: how deep Python itself goes differs by version."""

from __future__ import annotations

MOST_LEVELS = 200
"""Objects and lists within each other. No document that we take is a tenth as deep, and every Python reads and compares
so many."""

_OPENING, _QUOTE = b"[{", ord('"')
_PLAIN = bytes(set(range(256)) - set(b'[]{}"'))


def is_nested_too_deep(document: bytes) -> bool:
    """Whether over MOST_LEVELS objects and lists are open at once; what is no JSON is nested somehow too."""
    if document.count(b"[") + document.count(b"{") <= MOST_LEVELS:
        return False
    marks = document.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _PLAIN)
    depth, quoted = 0, False
    for mark in marks.replace(b'""', b""):  # what is left between quotes is still between quotes
        if mark == _QUOTE:
            quoted = not quoted
        elif not quoted:
            depth += 1 if mark in _OPENING else -1
            if depth > MOST_LEVELS:
                return True
    return False
