"""Certificate chains up to 128 KB are judged (design/faults.md row 48): OpenSSL itself takes 100 KB, and Python's `ssl`
has no word for SSL_CTX_set_max_cert_list(3)."""

from __future__ import annotations

import _ssl
import ctypes
import ssl
import sys

CHAIN_BYTES = 128 * 1024
"""Of a handshake's Certificate message."""

_GET_MAX_CERT_LIST, _SET_MAX_CERT_LIST = 50, 51  # openssl/ssl.h
_OPENSSL_BYTES = 100 * 1024  # SSL_MAX_CERT_LIST_DEFAULT
_KNOWN = sys.implementation.name == "cpython" and sys.version_info < (3, 14)
"""There the SSL_CTX * is the first member of a context, behind the head that all objects have (Modules/_ssl.c)."""


def take_large_chains(context: ssl.SSLContext) -> None:
    """Sets the limit, where this Python's contexts are known and its OpenSSL can be called; elsewhere 100 KB stay, and
    a larger chain is `tls_protocol`."""
    if not _KNOWN:
        return
    try:
        control = ctypes.CDLL(getattr(_ssl, "__file__", None)).SSL_CTX_ctrl
    except (OSError, AttributeError):  # linked into the interpreter without its names
        return
    control.argtypes, control.restype = (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p), ctypes.c_long
    below = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    if control(below, _GET_MAX_CERT_LIST, 0, None) == _OPENSSL_BYTES:
        control(below, _SET_MAX_CERT_LIST, CHAIN_BYTES, None)
