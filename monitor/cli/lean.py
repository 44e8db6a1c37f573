"""What keeps a start, and a command that makes all and keeps it, from costing more than their work."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where OpenSSL is told that certificate authorities are (SSL_CTX_set_default_verify_paths(3))."""


def begin() -> None:
    """Until the start is over nothing is looked through for garbage: what is imported and made by then stays, and
    looking through it again and again is a tenth of the cost."""
    gc.disable()
    import_aiohttp()


@contextmanager
def nothing_to_collect() -> Iterator[None]:
    """For a command that makes objects and keeps them to its end: to look through them for garbage, again and again, is
    a sixth of the cost of statements."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def import_aiohttp() -> None:
    """aiohttp makes two contexts of TLS when it is imported, which take 20 ms and a megabyte each for the certificate
    authorities. Nothing uses them: our session has its own (poller/fetch.py). They find none here, so what used one by
    mistake would trust nobody."""
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        import_module("aiohttp")
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
