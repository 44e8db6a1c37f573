"""TLS over memory, so that a probe sees each step: its own handshake, certificate, records and errors.

A context costs 31 ms to make (design/performance.md): one is shared by all probes of one policy. Every certificate is
verified; there is no switch to turn that off.
"""

from __future__ import annotations

import os
import ssl
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

_CERTIFICATES_KEPT = 10_000
_READ = 65_536


class TlsPolicy(NamedTuple):
    """What a context is made for: whom to trust beside the system's certificate authorities (PEM text)."""

    authorities: str | None = None


class Agreed(NamedTuple):
    """What a handshake came to: the version, as ssl spells it, and when the target's certificate ends, UTC ms."""

    version: str | None
    expires: int | None


class Tls:
    """The contexts by policy, and when the certificates seen so far end."""

    def __init__(self) -> None:
        self._contexts: dict[TlsPolicy, ssl.SSLContext] = {}
        self._expiries: OrderedDict[bytes, int | None] = OrderedDict()

    def context(self, policy: TlsPolicy) -> ssl.SSLContext:
        """The shared context: TLS 1.2 and newer, verification and host names on, HTTP/1.1 offered alone."""
        context = self._contexts.get(policy)
        if context is None:
            context = self._contexts[policy] = _context(policy)
        return context

    def session(self, policy: TlsPolicy, host: str) -> TlsSession:
        return TlsSession(self.context(policy), host, self._expiries)


def _context(policy: TlsPolicy) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET  # each probe makes a whole handshake
    context.set_alpn_protocols(["http/1.1"])
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if policy.authorities is not None:
        context.load_verify_locations(cadata=policy.authorities)
    return context


def missing_authorities() -> str | None:
    """Where certificate authorities were looked for in vain; None: there are some. Without any, refuse the start
    (faults.md row 50): every target would look untrusted."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile and Path(paths.cafile).is_file():
        return None
    if paths.capath and any(Path(paths.capath).glob("*")):
        return None
    file = os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile
    folder = os.environ.get(paths.openssl_capath_env) or paths.openssl_capath
    return f"{file}, {folder}"


class TlsSession:
    """One connection's TLS, without a socket. Every method may raise ssl.SSLError, which says what the target did."""

    __slots__ = ("_expiries", "_incoming", "_outgoing", "_tls")

    def __init__(self, context: ssl.SSLContext, host: str, expiries: OrderedDict[bytes, int | None]) -> None:
        self._expiries = expiries
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self, received: bytes = b"") -> bool:
        """One step with what came in; True once it is complete. What is to be sent waits in `outgoing`."""
        if received:
            self._incoming.write(received)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def outgoing(self) -> bytes:
        return self._outgoing.read()

    def encrypt(self, plain: bytes) -> bytes:
        self._tls.write(plain)
        return self._outgoing.read()

    def decrypt(self, received: bytes = b"") -> bytes:
        """The plain bytes that what came in completes; none may be, and a close_notify gives none."""
        if received:
            self._incoming.write(received)
        pieces = []
        try:
            while piece := self._tls.read(_READ):
                pieces.append(piece)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]

    def agreed(self) -> Agreed:
        """To be asked as soon as the handshake is complete: a later alert takes it back."""
        encoded = self._tls.getpeercert(binary_form=True)
        if encoded is None:
            return Agreed(self._tls.version(), None)
        if encoded not in self._expiries:
            self._expiries[encoded] = self._expires()  # decoding costs more than the rest of a look
            if len(self._expiries) > _CERTIFICATES_KEPT:
                self._expiries.popitem(last=False)
        return Agreed(self._tls.version(), self._expiries[encoded])

    def _expires(self) -> int | None:
        decoded = self._tls.getpeercert()
        ends = decoded.get("notAfter") if decoded else None
        return ssl.cert_time_to_seconds(ends) * 1000 if isinstance(ends, str) else None
