"""Takes the content encodings off a body again, piece by piece, and never holds more of it than a piece a layer."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlib import _Decompress

LAYERS = 4  # nobody stacks encodings for a good reason; more is an attack
_PIECE = 16_384
_MEMBER = 0x1F  # how a gzip member begins, RFC 1952 section 2.3.1


class UnknownEncodingError(ValueError):
    """A content encoding that is none of gzip, x-gzip, deflate and identity, or too many of them."""


class WindowError(ValueError):
    """Brotli: its window alone may take 16 MB (RFC 7932 section 9.1), and a look has 2."""


class DamagedError(ValueError):
    """The bytes are not what their encoding says."""


class TooLargeError(ValueError):
    """More came out of a layer than is read."""


def _gzip() -> _Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


_MAKERS: dict[bytes, Callable[[], _Decompress]] = {
    b"gzip": _gzip,
    b"x-gzip": _gzip,
    b"deflate": zlib.decompressobj,
}


class _Layer:
    """One encoding: several gzip members one after the other are one body (RFC 1952 section 2.2)."""

    __slots__ = ("_decoder", "_ended", "_make", "came_out")

    def __init__(self, make: Callable[[], _Decompress]) -> None:
        self._make = make
        self._decoder = make()
        self._ended = False  # what follows the end is ignored, as everybody does
        self.came_out = 0

    @property
    def whole(self) -> bool:
        return self._decoder.eof

    def decode(self, data: bytes, limit: int) -> tuple[bytes, bytes]:
        """At most `limit` bytes, and what of `data` is not yet read."""
        if self._ended:
            return b"", b""
        if self._decoder.eof:
            if self._make is not _gzip or data[0] != _MEMBER:
                self._ended = True
                return b"", b""
            self._decoder = self._make()
        try:
            piece = self._decoder.decompress(data, limit)
        except zlib.error:
            raise DamagedError from None
        self.came_out += len(piece)
        return piece, self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail


class Decompression:
    """A body's encodings, as Content-Encoding lists them; no layer gives more than `limit` bytes to the next.

    Raises UnknownEncodingError or WindowError.
    """

    __slots__ = ("_layers", "_limit")

    def __init__(self, encodings: Sequence[bytes], limit: int) -> None:
        if b"br" in encodings:
            raise WindowError
        if len(encodings) > LAYERS or not all(encoding in _MAKERS for encoding in encodings):
            raise UnknownEncodingError
        self._layers = [_Layer(_MAKERS[encoding]) for encoding in reversed(encodings)]  # the last applied comes first
        self._limit = limit

    @property
    def whole(self) -> bool:
        """Whether every layer has come to its end."""
        return all(layer.whole for layer in self._layers)

    def feed(self, data: bytes, take: Callable[[bytes], None]) -> None:
        """Gives the decoded pieces to `take`. Raises DamagedError or TooLargeError."""
        self._through(0, data, take)

    def _through(self, depth: int, data: bytes, take: Callable[[bytes], None]) -> None:
        if depth == len(self._layers):
            take(data)
            return
        layer = self._layers[depth]
        while data:
            # one byte over the limit proves enough, and how the bytes were cut does not matter
            piece, data = layer.decode(data, min(_PIECE, self._limit + 1 - layer.came_out))
            if piece:
                over = layer.came_out - self._limit
                self._through(depth + 1, piece[:-over] if over > 0 else piece, take)
                if over > 0:
                    raise TooLargeError
